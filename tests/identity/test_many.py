"""
Statements about more keys than one takes.
"""

import pytest

from identity import Database, IdentityGraph, Sighting
from identity.ids import IdentityKind
from identity.many import for_keys, in_parts, rows_among


@pytest.mark.parametrize("number", [0, 1, 8, 9, 65, 512, 513, 1_100])
def test_each_row_is_found_once(database: Database, number: int) -> None:
    """
    However many keys there are, and whether or not they fill their statements.
    """
    names = [f"u{number}" for number in range(number)]
    IdentityGraph(database).seen_all([Sighting(name, IdentityKind.NAMED, 1, 1) for name in names])
    found = rows_among(database.rows, "SELECT name FROM identity WHERE name IN ({keys})", [*names, "nobody"])

    assert sorted(name for (name,) in found) == sorted(names)


def test_parts_hold_all_keys_in_their_order() -> None:
    """
    And none is longer than was asked for.
    """
    parts = list(in_parts(range(1_001)))

    assert [len(some) for some in parts] == [500, 500, 1]
    assert [key for some in parts for key in some] == list(range(1_001))
    assert list(in_parts([])) == []


def test_a_statement_may_ask_for_its_keys_twice() -> None:
    """
    At either end of a link, say.
    """
    assert for_keys("older IN ({keys}) OR newer IN ({keys})", 2) == "older IN (?, ?) OR newer IN (?, ?)"
