"""
The durable queue of Kissmetrics requests, and what is done about those that were given up.
"""
