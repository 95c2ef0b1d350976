"""
Thousands of messages that nobody would think of, under every profile, beside a naive mapping written separately.

For each: the requests that should come do, in order, and no other; nothing takes the place of a parameter of
Kissmetrics' own; every value arrives under its name, as JavaScript would write it, or is left out for a reason
that the warnings name; and nothing arrives that nobody said.
"""

import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from made_messages import DATES, RECEIVED, Made, Maker
from naive_mapping import RESERVED, SYSTEMS, Expected, Leaf, RefusedError, js_date, js_iso, js_json, js_number
from naive_requests import requests_of

from identity.policy import MergePolicy
from sdkbridge.errors import InvalidCall
from sdkbridge.options import PROFILES, options_for
from sdkbridge.receipt import CallWarning
from sdkbridge.stateless import map_alone

MESSAGES = 5_000
"""For each profile."""

SAMPLE = 300
"""How many of them go through the command line, too."""

NODE = shutil.which("node")
NEVER_TAKEN = {"_k", "_p", "_t", "_d"}
LONGEST_NAME = 255

Requests = list[tuple[str, dict[str, str]]]


def made(profile: str, count: int) -> list[Made]:
    maker = Maker(profile)
    return [maker.message() for _ in range(count)]


def compared(name: str) -> str:
    return name.replace(",", " ").replace(":", " ").lower()


def comes(request: Expected, profile: str) -> bool:
    """
    Tell whether a request comes, which it does not if it would only set properties and has none to set.
    """
    return request.path != "/s" or request.even_empty or any(arrives(leaf, profile) for leaf in request.leaves)


def arrives(leaf: Leaf, profile: str) -> bool:
    """
    Tell whether a value can be sent under its name.
    """
    if leaf.text is None or (len(leaf.name) > LONGEST_NAME and profile == "bridge"):
        return False
    return leaf.name.lower() not in RESERVED or is_taken(leaf, profile)


def is_taken(leaf: Leaf, profile: str) -> bool:
    """
    Tell whether a value may stand under a reserved name, where the request has none of its own.
    """
    return profile != "bridge" and leaf.name.lower() in RESERVED - NEVER_TAKEN


def check(actual: Requests, warned: set[str], profile: str, one: Made) -> None:
    """
    Compare the requests that came with those that should.
    """
    expected = [request for request in requests_of(SYSTEMS[profile], one) if comes(request, profile)]

    assert [path for path, _ in actual] == [request.path for request in expected]
    for (_, parameters), request in zip(actual, expected, strict=True):
        check_reserved(parameters, request, profile)
        check_values(parameters, request, warned, profile)
    if not expected and one.message["type"] in {"page", "screen", "group"}:
        assert warned & {"unnamed_page", "call_not_sent", "switched_off"}


def check_reserved(parameters: dict[str, str], request: Expected, profile: str) -> None:
    """
    See that each reserved parameter is the request's own, or else one that the profile takes from properties.
    """
    taken = {leaf.name: leaf.text for leaf in request.leaves if leaf.text is not None and is_taken(leaf, profile)}
    for name in RESERVED - {"_k"}:
        assert parameters.get(name) == request.reserved.get(name, taken.get(name)), name


def check_values(parameters: dict[str, str], request: Expected, warned: set[str], profile: str) -> None:
    """
    See that each value is there or was left out for a reason, and that there is no other.
    """
    own = {compared(leaf.name): leaf.text for leaf in request.leaves if leaf.own and arrives(leaf, profile)}
    said = [leaf for leaf in request.leaves if leaf.own or compared(leaf.name) not in own]
    texts = {leaf.name: leaf.text for leaf in said if arrives(leaf, profile)}

    assert {name: text for name, text in parameters.items() if name not in RESERVED} == {
        name: text for name, text in texts.items() if name not in RESERVED
    }
    reasons = {reason for leaf in request.leaves for reason in reasons_for(leaf, own, profile)}
    arrived = Counter(compared(leaf.name) for leaf in said if arrives(leaf, profile))
    reasons |= {"same_name_twice" for count in arrived.values() if count > 1}
    assert reasons <= warned


def reasons_for(leaf: Leaf, own: dict[str, str | None], profile: str) -> set[str]:
    """
    Return what the warnings have to say of a value.
    """
    if leaf.text is None:
        return {leaf.reason} - {""}
    if leaf.name.lower() in RESERVED:
        return {"reserved_sent" if is_taken(leaf, profile) else "reserved_name"}
    if len(leaf.name) > LONGEST_NAME:
        return {"name_too_long" if profile == "bridge" else "long_name"}
    replaced = not leaf.own and own.get(compared(leaf.name), leaf.text) != leaf.text
    return {"replaced_property"} if replaced else set()


def mapped(profile: str, message: dict[str, Any]) -> tuple[Requests, tuple[CallWarning, ...]]:
    """
    Map a message by the code under test.
    """
    options = options_for(profile, {})
    result = map_alone(message, options=options, policy=MergePolicy.guarded(), received=RECEIVED)
    return [(request.path, request.parameters()) for request in result.requests], result.warnings


@pytest.mark.parametrize("profile", PROFILES)
def test_messages_become_what_the_naive_mapping_makes_of_them(profile: str) -> None:
    """
    Five thousand and more under each profile; what one of them refuses, so does the other.
    """
    kinds = Counter[str]()
    for one in made(profile, MESSAGES):
        try:
            actual, warnings = mapped(profile, one.message)
        except InvalidCall as refusal:
            kinds[refusal.reason] += 1
            with pytest.raises(RefusedError):
                requests_of(SYSTEMS[profile], one)
            continue
        kinds.update(path for path, _ in actual)
        try:
            check(actual, {warning.code for warning in warnings}, profile, one)
        except (AssertionError, RefusedError) as difference:
            raise AssertionError(f"{one}\n{difference!r}") from difference

    assert min(kinds[path] for path in ("/e", "/s", "/a")) > MESSAGES / 20


@pytest.mark.parametrize("profile", PROFILES)
def test_the_command_line_says_the_same(profile: str) -> None:
    """
    A sample goes through ``sdkbridge map`` as text, and comes out as from Python.
    """
    timed = [one for one in made(profile, SAMPLE) if one.happened_ms and not one.sent_ms]
    lines = "".join(json.dumps(one.message) + "\n" for one in timed)
    command = [sys.executable, "-m", "sdkbridge", "map", "-", "--api-key", "KEY", "--profile", profile]
    run = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)

    answers = [json.loads(line) for line in run.stdout.split("\n") if line]
    assert run.returncode == 3
    for one, answer in zip(timed, answers, strict=True):
        try:
            requests, warnings = mapped(profile, one.message)
        except InvalidCall as refusal:
            requests, warnings, reason = [], (), refusal.reason
        else:
            reason = None
        assert answer.get("refused", {}).get("reason") == reason
        assert answer["requests"] == [
            {"method": how["method"], "path": path, "params": {"_k": "KEY", **parameters}}
            for how, (path, parameters) in zip(answer["requests"], requests, strict=True)
        ]
        assert answer["warnings"] == [str(warning) for warning in warnings]


def test_every_reason_is_met() -> None:
    """
    The messages are odd enough: each reason for which a value is left out is among them.
    """
    warned = {
        leaf.reason
        for profile in PROFILES
        for one in made(profile, 1000)
        for request in expected_or_none(profile, one)
        for leaf in request.leaves
    }

    assert warned == {
        *("", "half_character", "unsupported_value", "empty_name", "name_too_long", "lost_sibling"),
        "dropped_products",
    }


def expected_or_none(profile: str, one: Made) -> list[Expected]:
    try:
        return requests_of(SYSTEMS[profile], one)
    except RefusedError:
        return []


@pytest.mark.skipif(NODE is None, reason="node is not installed, so there is no JavaScript to compare with")
def test_the_naive_texts_are_those_of_node() -> None:
    """
    Numbers, dates and JSON of the messages, as the oracle writes them and as JavaScript does.
    """
    assert NODE is not None
    maker = Maker("node")
    numbers = [number for number in (maker.number() for _ in range(5000)) if abs(number) <= sys.float_info.max]
    values = [value for value in (maker.value(0) for _ in range(3000)) if is_whole(value)]
    asked = {"numbers": numbers, "dates": list(DATES.values()), "values": values}
    run = subprocess.run(
        [NODE, "-e", PROGRAM],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    answer = json.loads(run.stdout)

    assert [js_number(number) for number in numbers] == answer["numbers"]
    assert [[js_date(moment), js_iso(moment)] for moment in DATES.values()] == answer["dates"]
    assert [js_json(value) for value in values] == answer["values"]


PROGRAM = """
const asked = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify({
    numbers: asked.numbers.map(String),
    dates: asked.dates.map((moment) => [new Date(moment).toString(), new Date(moment).toISOString()]),
    values: asked.values.map((value) => JSON.stringify(value)),
}));
"""


def is_whole(value: Any) -> bool:
    """
    Tell whether JSON can carry a value to JavaScript as it is; an object there puts names that are numbers first.
    """
    if isinstance(value, dict):
        ordered = "0" not in value
        return ordered and all(is_whole(key) and is_whole(one) for key, one in value.items())
    if isinstance(value, list):
        return all(is_whole(one) for one in value)
    if isinstance(value, str):
        return value.isprintable() and "half" not in value
    return value is None or math.isfinite(value if value != 10**400 else math.inf)
