"""
What is remembered of devices, and of whoever is named on them.
"""
