"""
The switches of the local Kissmetrics, as options of the commands that fill a file.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

Command = Callable[..., None]

OPTIONS = {
    "duplicate_rule": click.option(
        "--duplicate-rule",
        "duplicate_rule",
        type=click.Choice(["current", "legacy"]),
        help="When two records count as one: if all of both is equal (current), or as until 2016 (legacy).",
    ),
    "ignore_repeats_s": click.option(
        "--ignore-repeats",
        "ignore_repeats_s",
        type=click.IntRange(1),
        metavar="SECONDS",
        help="Take a record without a time of its own only once within so many seconds.",
    ),
    "replace_in_identities": click.option(
        "--replace-in-identities/--keep-in-identities",
        "replace_in_identities",
        default=None,
        help="Whether , and : become spaces in identities, too.",
    ),
    "fold_identities": click.option(
        "--fold-identities/--exact-identities",
        "fold_identities",
        default=None,
        help="Whether identities that differ only in case are one.",
    ),
    "max_future_s": click.option(
        "--max-future",
        "max_future_s",
        type=click.IntRange(0),
        metavar="SECONDS",
        help="Take a time further ahead than this for the time of receipt.",
    ),
    "longest_value": click.option(
        "--longest-value",
        "longest_value",
        type=click.IntRange(1),
        metavar="CHARACTERS",
        help="Where the value of a property is cut off: 8192 in 2016, 512 today.",
    ),
    "history_limit": click.option(
        "--history-limit",
        "history_limit",
        type=click.IntRange(1),
        metavar="COUNT",
        help="Count only so many of a person's instances of an event, and values of a property: 1000 in 2016.",
    ),
}


"""Each by the name of the rule that it sets."""


def rule_options(command: Command) -> Command:
    """
    Give a command the switches, and hand it those that were given as ``changed``.
    """

    @wraps(command)
    def with_rules(**given: Any) -> None:  # noqa: ANN401 - as click hands them over
        changed = {rule: value for rule in OPTIONS if (value := given.pop(rule)) is not None}
        command(changed=changed, **given)

    for option in reversed(OPTIONS.values()):
        with_rules = option(with_rules)
    return with_rules
