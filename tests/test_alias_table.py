"""
Each row of the table in docs/aliases.md has a test that plays it through the bridge.
"""

from pathlib import Path

import pytest
import test_awkward_callers
import test_who_is_aliased as played
from freezegun import freeze_time

from sdkbridge import Bridge

PAGE = Path(__file__).parent.parent / "docs" / "aliases.md"

# The beginning of each row, and what plays it: rows of `ROWS` and `REFUSED` by name, tests by theirs.
PLAYED_BY = {
    "first identify(A) of X": [
        "first identify in a message that carries both ids",
        "test_first_identify_on_a_device_session",
    ],
    "identify(A) with X again": [
        "identify again",
        "alias of two identities of one person",
        "test_identify_again_is_known",
    ],
    "a message identify(B) with X": ["a second named identity on X"],
    "the same with a third": ["a third named identity on X", "test_the_open_hold_is_refused_with_the_third"],
    "a device named A, identify(B)": ["test_another_name_without_a_reset"],
    "reset": ["test_reset"],
    "identify without a userId": [
        "no userId",
        "an empty userId",
        "test_an_identify_that_names_nobody_still_sets_traits",
    ],
    "identify with a placeholder": ["a placeholder as userId", "a real identify after a placeholder"],
    "the same with no other id": ["a placeholder and no other id"],
    "alias(A, B), both named": [
        "alias of two named identities",
        "an e-mail change before the new address was used",
    ],
    "the same beyond a limit": [
        "test_a_person_with_too_many_names_is_held",
        "test_a_person_with_too_many_names_in_a_month_is_held",
    ],
    "alias(X, B), X belongs to nobody": ["alias of X, which belongs to nobody"],
    "alias(X, B), X belongs to A": ["alias of X, which belongs to A"],
    "`phone.alias(B)`": [
        "an alias without previousId, from anonymousId",
        "test_alias_goes_from_the_current_identity_which_stays",
    ],
    "an alias to or from a placeholder": [
        "an alias from a placeholder",
        "an alias to itself",
        "an alias from nobody",
    ],
    'identify(B) with an "anonymous" id': ["test_an_anonymous_id_that_is_somebodys_name"],
    "identify on a device that gives another": ["test_the_made_up_identity_of_another_device"],
    "track, page, screen, group": [
        "a track with both ids",
        "a page with both ids",
        "a screen with both ids",
        "a group with both ids",
    ],
    "any call whose integrations": [
        "an identify that its integrations switch off",
        "test_integrations_that_switch_kissmetrics_off",
    ],
}


def rows_of_the_page() -> list[str]:
    cells = [line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if line.startswith("|")]
    return [cell for cell in cells if cell != "what arrives" and set(cell) != {"-"}]


def all_that_is_played() -> set[str]:
    names = {row.name for row in played.ROWS} | {name for name, _, _ in played.REFUSED}
    for place in (globals(), vars(played), vars(played.TestDevice), vars(test_awkward_callers.TestIdentities)):
        names |= {name for name in place if name.startswith("test_")}
    return names


def test_each_row_is_played() -> None:
    """
    A row that is added to the page needs a test, and a test that goes leaves its row bare.
    """
    rows = rows_of_the_page()
    bare = [row for row in rows if not any(row.startswith(beginning) for beginning in PLAYED_BY)]
    gone = [beginning for beginning in PLAYED_BY if not any(row.startswith(beginning) for row in rows)]
    missing = {name for names in PLAYED_BY.values() for name in names} - all_that_is_played()

    assert (bare, gone, missing) == ([], [], set())
    assert len(rows) == len(PLAYED_BY)


def verdicts(bridge: Bridge, *messages: played.Message) -> list[tuple[str, str]]:
    receipts = [bridge.accept(message) for message in messages]
    return [(str(v.outcome), v.reason) for receipt in receipts for v in receipt.verdicts]


@pytest.fixture
def bridge(tmp_path: Path):
    with Bridge(tmp_path / "bridge.db", api_key="k", deliver=False) as bridge:
        yield bridge


def test_the_open_hold_is_refused_with_the_third(bridge: Bridge) -> None:
    """
    Nobody has to decide any more about a device that turned out to be shared.
    """
    named = [played.identify(name, "X") for name in "ABC"]

    assert verdicts(bridge, *named)[1:] == [("hold", "second_identity"), ("refuse", "shared_device")]
    assert bridge.graph.held() == []
    assert bridge.status().graph.links["refuse"] == 2


def test_a_person_with_too_many_names_is_held(bridge: Bridge) -> None:
    """
    The sixth name of one person sends no alias; the one before did.
    """
    receipts = []
    for n in range(5):
        with freeze_time(f"2026-0{n + 1}-15"):
            receipts.append(bridge.accept(played.alias(f"u{n}@example.com", f"u{n + 1}@example.com")))

    assert [[r.path for r in receipt.requests] for receipt in receipts] == [["/a"]] * 4 + [[]]
    assert [v.reason for v in receipts[-1].verdicts] == ["too_many_named_identities"]


def test_a_person_with_too_many_names_in_a_month_is_held(bridge: Bridge) -> None:
    """
    The fourth name within thirty days sends no alias.
    """
    receipts = [bridge.accept(played.alias(f"u{n}@example.com", f"u{n + 1}@example.com")) for n in range(3)]

    assert [[r.path for r in receipt.requests] for receipt in receipts] == [["/a"]] * 2 + [[]]
    assert [v.reason for v in receipts[-1].verdicts] == ["too_many_named_lately"]


def test_an_anonymous_id_that_is_somebodys_name(bridge: Bridge) -> None:
    """
    Kissmetrics' own browser cookie holds a name after a second identify; passed on as anonymous, it joins nobody.
    """
    assert verdicts(bridge, played.identify("A"), played.identify("B", "A")) == [("hold", "not_asked_for")]


def test_the_made_up_identity_of_another_device(bridge: Bridge) -> None:
    """
    A phone that is told another phone's generated id is not joined with it.
    """
    other = bridge.device("other").anonymous_id

    assert verdicts(bridge, played.on("phone", played.identify(other))) == [("hold", "made_up_name")]
