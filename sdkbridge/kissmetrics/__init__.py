"""
Everything that is Kissmetrics': its requests, how they are sent, and a local Kissmetrics to send them to.
"""
