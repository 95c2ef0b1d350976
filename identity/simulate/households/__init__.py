"""
Made-up households whose truth is known: people, their devices, and what they do with them.
"""
