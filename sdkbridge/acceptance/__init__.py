"""
Taking calls: session, identity graph, mapping and outbox, in one transaction.
"""
