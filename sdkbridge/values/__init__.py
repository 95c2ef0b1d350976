"""
From what a caller handed in to the texts that Kissmetrics gets.
"""
