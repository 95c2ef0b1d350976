"""
How a person is drawn: a sketch of who is linked with whom, laid out in rows, as SVG.
"""
