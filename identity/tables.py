"""
What the graph answers as tables and plain values, for notebooks and terminals.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from html import escape
from typing import Any

from attrs import asdict, frozen


@frozen
class Table:
    """
    Rows of texts under headings.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def html(self, *, empty: str = "") -> str:
        """
        Return the table as HTML with every text escaped, or a sentence if it has no rows.
        """
        above = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        if not self.rows:
            return f"<p>{escape(' '.join((self.caption, empty)).strip())}</p>"
        head = "".join(f"<th>{escape(heading)}</th>" for heading in self.headings)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def moment(at_ms: int) -> str:
    """
    Return a time in milliseconds since 1970 UTC as people read it.
    """
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{at_ms} ms"


def plain_values(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any attrs value
    """
    Return an attrs value as nested dictionaries, lists, texts and numbers.
    """
    return asdict(value, value_serializer=_serialised)


def _serialised(_: object, __: object, value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset | set):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """
    Return a number with its noun.
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
