"""
Made-up people: the same ones for the same numbers, in order, and with a truth for each call.
"""

import json
import re
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from identity.simulate import Population, Rates, Truth, population, read_call
from identity.simulate.activity import UNKNOWN
from identity.simulate.calls import moment_ms, screened

OFTEN = {
    "visits_a_week": 5.0,
    "signs_in": 0.9,
    "shared_tablets": 0.8,
    "kiosks": 60.0,
    "reinstalls": 0.2,
    "logs_out": 0.2,
    "email_changes": 0.2,
    "placeholder_release": 0.4,
    "offline": 0.3,
    "clock_skew": 0.3,
    "repeats": 0.05,
    "server_only": 0.2,
    "browser_first": 0.6,
}


def people(**changed: float) -> Population:
    return population(40, seed=7, days=20, rates={**OFTEN, **changed})


def test_the_same_numbers_give_the_same_calls_everywhere():
    """
    On each machine and each version of Python: these are the calls that were made when this was written.
    """
    calls = "".join(json.dumps(call) for call in population(60, seed=7, days=12, rates=OFTEN))

    assert sha256(calls.encode()).hexdigest() == DIGEST


DIGEST = "ce0dc1c0ab9a5ed0a628cc73ed24ee51fb9d79aa7f135bc690d7b2ab1fcb152f"


def test_iterating_again_begins_again():
    """
    A population can be looked at as often as one likes, and another seed is another population.
    """
    made_up = people()
    truth = [*made_up.truth.lines()]
    first = [*made_up]
    told = [*made_up.truth.lines()]

    assert truth == []
    assert [*made_up] == first
    assert [*made_up.truth.lines()] == told
    assert [*population(40, seed=8, days=20, rates=OFTEN)] != first


def arrived_ms(call):
    return moment_ms(call.get("receivedAt") or call["timestamp"])


def test_calls_come_in_the_order_of_their_arrival():
    """
    Also those of phones that were offline, or whose clock is wrong.
    """
    arrivals = [arrived_ms(call) for call in people(repeats=0.0)]

    assert arrivals == sorted(arrivals)
    assert len(arrivals) > 1000


def test_each_call_has_a_true_person():
    """
    While calls are made, and afterwards by what a truth file holds: the same person.
    """
    made_up = people()
    live = [
        (screened(read_call(call)), made_up.truth.people[made_up.truth.person_of(screened(read_call(call)))])
        for call in made_up
    ]
    read = Truth.read(json.dumps(line) for line in made_up.truth.lines())

    assert UNKNOWN not in {read.person_of(call) for call, _ in live}
    assert [read.people[read.person_of(call)] for call, _ in live] == [person for _, person in live]
    assert read.people == made_up.truth.people
    assert len(read.people) == 40


def named(user: str) -> str:
    """
    Return the person whose account or address this is.
    """
    return user.removeprefix("account-").split("@")[0]


def happened(calls: list) -> Counter[str]:
    """
    Return how often each behaviour shows.
    """
    found: Counter[str] = Counter()
    users: dict[str, set[str]] = {}
    identified: set[tuple[str, str]] = set()
    sessions: set[str] = set()
    seen: set[str] = set()
    on_devices, on_server = set(), set()
    for call in calls:
        user, anonymous = call.get("userId"), call.get("anonymousId") or ""
        device = anonymous.split(".")[0]
        if call["messageId"] in seen:
            found["repeats"] += 1
            continue
        seen.add(call["messageId"])
        if call["type"] == "identify" and user != "null":
            users.setdefault(anonymous, set()).add(named(user))
            found["identifies_at_launch"] += "-phone" in device and (anonymous, user) in identified
            identified.add((anonymous, user))
        if user and user != "null":
            (on_devices if anonymous else on_server).add(named(user))
        if "-phone" in device:
            sessions.add(anonymous)
        found["others_at_home"] += "-p2" in device
        found["more_phones"] += "-phone2" in device
        found["installs"] += "-phone" in device and call.get("event") == "Application Installed"
        found["placeholder_release"] += user == "null"
        found["email_ids"] += "@" in (user or "")
        found["email_changes"] += call["type"] == "alias" and "@" in call["previousId"]
        found["hand_overs"] += call["type"] == "alias" and "-browser" in call["previousId"]
        found["browser_first"] += "-browser" in device
        found["shared_tablets"] += "-tablet" in device
        found["kiosks"] += device.startswith("kiosk")
        found["server_events"] += not anonymous and call["type"] == "track"
        late = arrived_ms(call) - moment_ms(call.get("sentAt") or call["timestamp"])
        found["clock_skew"] += bool(call.get("sentAt")) and late != 0
        found["offline"] += (
            moment_ms(call.get("sentAt") or call["timestamp"]) - moment_ms(call["timestamp"]) > 10**6
        )
    phones = {session.split(".")[0] for session in sessions}
    found["reinstalls"] = found["installs"] - len(phones)
    found["logs_out"] = len(sessions) - found["installs"]
    found["server_only"] = len(on_server - on_devices)
    found["signs_in"] = found["signs_up"] = len(on_devices)
    found["forgets_reset"] = sum(len(names) > 1 for names in users.values())
    # Rates of what shows as something else that is counted above.
    found["changes_told"] = found["email_changes"]
    found["tablet_visits"], found["kiosk_visits"] = found["shared_tablets"], found["kiosks"]
    return found


BEHAVIOURS = (
    *("others_at_home", "more_phones", "signs_up", "signs_in", "identifies_at_launch", "logs_out", "reinstalls"),
    *("shared_tablets", "tablet_visits", "forgets_reset", "kiosks", "kiosk_visits", "email_ids", "email_changes"),
    *("changes_told", "browser_first", "hand_overs", "server_only", "server_events", "placeholder_release"),
    *("offline", "clock_skew", "repeats"),
)


@pytest.mark.parametrize("rate", BEHAVIOURS)
def test_each_behaviour_has_a_rate(rate):
    """
    Each one happens, and never when its rate is zero.
    """
    never = {rate: 0.0, **({"server_only": 0.0} if rate in {"server_events", "signs_up"} else {})}

    assert happened([*people()])[rate] > 0
    assert happened([*people(**never)])[rate] == 0


def test_somebody_borrows_a_device_and_their_events_are_theirs_all_the_same():
    """
    The truth of an event on a shared device is who held it, not whose name was on the call.
    """
    made_up = people(borrows=1.0)
    borrowed = 0
    for message in made_up:
        call = screened(read_call(message))
        holder = made_up.truth.people[made_up.truth.person_of(call)]
        owner = (call.user_id or "").removeprefix("account-").split("@")[0]
        borrowed += bool(owner) and owner != holder

    assert borrowed > 10


def test_a_population_that_cannot_be_is_refused():
    """
    Each mistake is named.
    """
    with pytest.raises(ValueError, match="no rate 'shared_tablet'"):
        population(1, seed=1, rates={"shared_tablet": 0.5})
    with pytest.raises(ValueError, match="out of its range"):
        population(1, seed=1, rates={"borrows": 1.5})
    with pytest.raises(ValueError, match="at least one person"):
        population(0, seed=1)
    with pytest.raises(ValueError, match="seed"):
        population(1, seed=-1)


def test_each_rate_says_what_it_means():
    """
    For the help text, the documents and a notebook.
    """
    assert all(meaning for _, meaning in Rates.described().values())


def test_the_documents_argue_for_each_default():
    """
    docs/simulate.md lists each rate with its default and a reason.
    """
    page = (Path(__file__).parents[3] / "docs" / "simulate.md").read_text(encoding="utf-8")
    argued = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| .{20,} \|$", page, re.MULTILINE)

    assert [(name, float(default)) for name, default in argued] == [
        (name, default) for name, (default, _) in Rates.described().items()
    ]
