"""
The switches of the local Kissmetrics: where Kissmetrics' own pages disagree, changed over time, or are silent.

What a file was filled under is kept in it, because most switches decide what is stored: the same file cannot
follow two sets of rules.
"""

import json
from typing import Any, Literal

import attrs
from attrs import field, frozen
from attrs.validators import and_, ge, in_, instance_of, le, optional

from identity.database import Database
from identity.errors import StoreError

LAST_SECOND = 253_402_300_800
"""The year 10000, up to which a time can be written as a date."""

MIGRATIONS = {
    "rules": ("CREATE TABLE kissmetrics_rules (rule TEXT PRIMARY KEY, value TEXT NOT NULL /* JSON */)",),
}

ON_READING = {"usual_value", "most_names", "label", "history_limit"}
"""Rules that change nothing of what is stored, and so may change at each opening of a file."""


def _count(least: int = 1, most: int = 2**53) -> Any:  # noqa: ANN401 - attrs' own type for validators
    return and_(instance_of(int), ge(least), le(most))


@frozen(kw_only=True)
class Rules:
    """
    What Kissmetrics takes and how it counts, in characters, seconds since 1970 UTC and names.

    Attributes:
        duplicate_rule: ``current`` (its page of today): a record is dropped if identity, event, second and all
            properties are those of one before. ``legacy`` (2012 to 2016): of two events with one identity, name
            and second only the first counts, and of two values of a property in one second as well; the export
            still has all.
        ignore_repeats_s: how long a record that came without a time of its own is not taken again; nothing by
            default, 300 by a note that Kissmetrics never showed.
        longest_name: of an event or a property; the rest is cut off.
        longest_identity: the rest is cut off.
        usual_value: the current limit of a property's value; beyond it a remark is left.
        longest_value: the limit of 2016, 8 KB; the rest is cut off.
        most_names: of events, and again of properties, in one product; beyond it a remark is left.
        earliest_second: 2009-01-01; what is said to be older is dropped.
        milliseconds_from: a time this large can only be meant in milliseconds.
        max_future_s: how far ahead a time may lie; one beyond it becomes the time of receipt. No limit by default.
        replace_in_identities: whether ``,`` and ``:`` become spaces in identities as they do in names (only in
            the earliest specification).
        fold_identities: whether identities are told apart without case, as some old exports suggest.
        label: which visible identity a person goes by: the one with the ``latest`` data, with the ``earliest``,
            or the ``smallest``. Kissmetrics does not say.
        history_limit: how many of a person's instances of each event, and values of each property, count: the
            most recent ones, 1000 by the page of 2016. No limit by default.

    Raises:
        ValueError: a number is out of its range, or a word is none of those above.
        TypeError: a value has the wrong type.
    """

    duplicate_rule: Literal["current", "legacy"] = field(default="current", validator=in_(("current", "legacy")))
    ignore_repeats_s: int | None = field(default=None, validator=optional(_count()))
    longest_name: int = field(default=255, validator=_count())
    longest_identity: int = field(default=255, validator=_count())
    usual_value: int = field(default=512, validator=_count())
    longest_value: int = field(default=8192, validator=_count())
    most_names: int = field(default=65_535, validator=_count())
    earliest_second: int = field(default=1_230_768_000, validator=_count(0, LAST_SECOND))
    milliseconds_from: int = field(default=100_000_000_000, validator=_count(1, LAST_SECOND))
    max_future_s: int | None = field(default=None, validator=optional(_count(0)))
    replace_in_identities: bool = field(default=False, validator=instance_of(bool))
    fold_identities: bool = field(default=False, validator=instance_of(bool))
    label: Literal["latest", "earliest", "smallest"] = field(
        default="latest", validator=in_(("latest", "earliest", "smallest"))
    )
    history_limit: int | None = field(default=None, validator=optional(_count()))


DEFAULT = Rules()


def remembered(database: Database) -> Rules | None:
    """
    Return the rules under which a file was last opened empty, or None if it is not that of a local Kissmetrics.
    """
    sql = "SELECT 1 FROM sqlite_master WHERE name = 'kissmetrics_rules'"
    return Rules(**_read(database)) if database.row(sql) else None


def settle(database: Database, rules: Rules, *, filled: bool) -> None:
    """
    Write the rules into a file that is still empty, or see that a filled one was filled under the same.

    Raises:
        StoreError: it was filled under others, which are named.
    """
    database.migrate("kissmetrics_rules", MIGRATIONS)
    wanted = attrs.asdict(rules)
    if filled:
        _compare(database, wanted)
        return
    with database.transaction() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO kissmetrics_rules VALUES (?, ?)",
            [(rule, json.dumps(value)) for rule, value in wanted.items()],
        )


def _read(database: Database) -> dict[str, Any]:
    rows = database.rows("SELECT rule, value FROM kissmetrics_rules")
    return {rule: json.loads(value) for rule, value in rows}


def _compare(database: Database, wanted: dict[str, Any]) -> None:
    known = _read(database)
    other = [f"{rule}={known[rule]!r}" for rule in known.keys() - ON_READING if known[rule] != wanted.get(rule)]
    if other:
        raise StoreError(
            database.path,
            f"was filled under other rules ({', '.join(sorted(other))}): open it under these, or import its "
            "export into a new file",
        )
