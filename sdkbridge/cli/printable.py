"""
Texts that anybody can choose, made harmless for a terminal.
"""


def printable(text: str) -> str:
    """
    Return a text with what a terminal would act on spelled out.
    """
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
