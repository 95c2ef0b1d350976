"""
HTML from texts that anybody can choose.
"""

from html import escape

from identity.drawing.text import printable


class Markup(str):
    """
    Text that is HTML already.
    """

    __slots__ = ()


def element(name: str, *inside: str, **attributes: str | int) -> Markup:
    """
    Return an element; whatever is not `Markup` is escaped.

    Args:
        name: of the element.
        inside: its content.
        attributes: by name, ``class_`` for ``class``.
    """
    said = "".join(f' {key.rstrip("_")}="{text(str(value))}"' for key, value in attributes.items())
    return Markup(f"<{name}{said}>{''.join(map(text, inside))}</{name}>")


def text(said: str) -> Markup:
    """
    Return a text as HTML, what has no shape of its own spelt out.
    """
    return said if isinstance(said, Markup) else Markup(escape(printable(said)))


def joined(*parts: str) -> Markup:
    """
    Return parts as one.
    """
    return Markup("".join(map(text, parts)))


def table(headings: list[str], rows: list[list[str]], *, numbers: frozenset[int] = frozenset()) -> Markup:
    """
    Return a table, with the columns of numbers to the right.
    """

    def cells(name: str, row: list[str]) -> Markup:
        parts = [
            element(name, cell, **({"class_": "number"} if place in numbers else {}))
            for place, cell in enumerate(row)
        ]
        return element("tr", *parts)

    head = element("thead", cells("th", headings))
    body = element("tbody", *(cells("td", row) for row in rows))
    # What can be wider than its place can be scrolled with the keyboard, too.
    return element("div", element("table", head, body), class_="wide", tabindex=0)
