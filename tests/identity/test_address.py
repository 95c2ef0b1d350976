"""
No password of a database is shown, however its URL is written.
"""

import pytest

from identity import IdentityGraph, StoreError
from identity.stores.address import shown

pytest.importorskip("psycopg")


@pytest.mark.parametrize(
    "url",
    [
        "POSTGRESQL://u:sec-ret@127.0.0.1:1/db",
        "Postgres://u:sec-ret@127.0.0.1:1/db",
        "postgresql://u:sec%zzret@127.0.0.1:1/db",
        "postgresql://u:sec\u2100ret@127.0.0.1:1/db",
        "postgresql://u:sec[ret@127.0.0.1:1/db",
        "postgresql://u:sec/ret@127.0.0.1:1/db",
        "postgresql://u:sec?ret@127.0.0.1:1/db",
        "postgresql://u:sec#ret@127.0.0.1:1/db",
        "postgresql://u@127.0.0.1:1/db?password=sec ret",
    ],
)
def test_an_error_shows_no_password(url: str) -> None:
    """
    Neither ours nor what libpq says of a URL that it cannot read.
    """
    with pytest.raises(StoreError) as failed:
        IdentityGraph(url)

    for text in (str(failed.value), repr(failed.value.__cause__), shown(url)):
        assert "sec" not in text
        assert "ret" not in text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:secret@h:5432/db?sslmode=require", "postgresql://u@h:5432/db?sslmode=require"),
        ("postgresql:///db?host=/tmp/x", "postgresql:///db?host=%2Ftmp%2Fx"),
        ("postgresql://u@h/db?password=secret&user=v", "postgresql://u@h/db?user=v"),
    ],
)
def test_what_is_no_secret_is_shown(url: str, expected: str) -> None:
    """
    So that whoever reads an error knows which server it is about.
    """
    assert shown(url) == expected
