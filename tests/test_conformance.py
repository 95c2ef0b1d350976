"""
The cases in `fixtures/conformance`: a Segment call, and the requests that it becomes under a profile.
"""

import json
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from identity.policy import MergePolicy
from sdkbridge.calls import parse_call
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import Sending, encode, wire
from sdkbridge.mapping import map_call
from sdkbridge.options import PROFILES, options_for
from sdkbridge.stateless import map_alone

FOLDER = Path(__file__).parent.parent / "fixtures" / "conformance"
KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
RECEIVED = 1_600_000_000.5

CASES = [
    (path.parent.name, path.stem, json.loads(line))
    for path in sorted(FOLDER.glob("*/*.ndjson"))
    for line in path.read_text(encoding="utf-8").splitlines()
]


def mapped(profile, case):
    options = options_for(profile, case["settings"])
    if "alias" in case:
        return map_call(
            parse_call(case["message"]), alias=case["alias"], received=RECEIVED, options=options
        ), options
    policy = MergePolicy.guarded()
    return map_alone(case["message"], options=options, policy=policy, received=RECEIVED), options


def as_sent(request, options):
    sending = Sending(method=options.method, get_max_query=options.get_max_query)
    sent = wire(request.path, encode(request.parameters()), KEY, sending=sending)
    params = dict(parse_qsl(sent.query, keep_blank_values=True, strict_parsing=True))
    assert params.pop("_k") == KEY
    return {"method": sent.method, "path": sent.path, "params": params}


def loosely(requests):
    """
    Return requests with every value as a text: the sources do not tell 329 from "329".
    """
    return [
        {
            **request,
            "params": {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in request["params"].items()
            },
        }
        for request in requests
    ]


@pytest.mark.parametrize(
    ("profile", "case"),
    [pytest.param(profile, case, id=f"{profile}-{case['case']}") for profile, _, case in CASES],
)
def test_a_call_becomes_the_requests_of_its_case(profile, case):
    """
    Each call leads to exactly these requests, as they arrive over the wire, and to exactly these warnings.
    """
    if "refused" in case:
        with pytest.raises(InvalidCall) as refusal:
            mapped(profile, case)

        assert {"field": refusal.value.field, "reason": refusal.value.reason} == case["refused"]
        return
    result, options = mapped(profile, case)

    assert [as_sent(request, options) for request in result.requests] == loosely(case["requests"])
    assert [warning.code for warning in result.warnings] == case.get("warnings", [])


def test_every_profile_has_cases():
    """
    The folder is where it should be, with one folder in it for each profile.
    """
    assert {profile for profile, _, _ in CASES} == set(PROFILES)


def test_every_call_type_has_cases():
    """
    The default profile's cases cover all six calls.
    """
    types = {case["message"]["type"] for profile, _, case in CASES if profile == "bridge"}

    assert types == {"identify", "track", "page", "screen", "group", "alias"}


def test_every_case_has_a_name_of_its_own_and_a_source():
    """
    A case that fails can be found, and so can the reason why it is as it is.
    """
    names = Counter((profile, case["case"]) for profile, _, case in CASES)

    assert max(names.values()) == 1
    assert all(case["source"].strip() for _, _, case in CASES)
