"""
Values on their way to PostgreSQL and back, so that they are on both stores what they are in SQLite.
"""

from typing import Any

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.postgres import types
from psycopg.types.numeric import Int8Dumper

_ESCAPE = "\ue000"
"""A character that Unicode gives to nobody; it stands for the NUL that PostgreSQL's texts cannot hold."""

_NUL = _ESCAPE + "0"
_ESCAPE_ITSELF = _ESCAPE + "1"


class _FlagDumper(Dumper):
    """
    True and False as 1 and 0, which is what SQLite keeps.
    """

    oid = types["int8"].oid

    def dump(self, obj: bool) -> bytes:  # noqa: FBT001 - psycopg's signature
        return b"1" if obj else b"0"


class _TextDumper(Dumper):
    """
    Any text, a NUL in it included.
    """

    oid = types["text"].oid

    def dump(self, obj: str) -> bytes:
        if "\0" in obj or _ESCAPE in obj:
            obj = obj.replace(_ESCAPE, _ESCAPE_ITSELF).replace("\0", _NUL)
        return obj.encode()


class _TextLoader(Loader):
    """
    The text that was dumped.
    """

    def load(self, data: Buffer) -> str:
        text = bytes(data).decode()
        return text.replace(_NUL, "\0").replace(_ESCAPE_ITSELF, _ESCAPE) if _ESCAPE in text else text


class _NumberLoader(Loader):
    """
    What PostgreSQL makes of a sum, as the int or float that it is in SQLite.
    """

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return int(text) if text.lstrip(b"-").isdigit() else float(text)


def adapt(connection: Connection[Any]) -> None:
    """
    Teach a connection these values.
    """
    adapters = connection.adapters
    # One type for all numbers, so that a statement is prepared once.
    adapters.register_dumper(int, Int8Dumper)
    adapters.register_dumper(bool, _FlagDumper)
    adapters.register_dumper(str, _TextDumper)
    adapters.register_loader("text", _TextLoader)
    adapters.register_loader("numeric", _NumberLoader)
