"""
The cases in `fixtures/conformance`: a Segment call, and the requests that it becomes.
"""

import json
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from sdkbridge.calls import parse_call
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import encode, wire
from sdkbridge.mapping import map_call
from sdkbridge.options import options_for

FOLDER = Path(__file__).parent.parent / "fixtures" / "conformance"
KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
RECEIVED = 1_600_000_000.5

CASES = [
    (path.stem, json.loads(line))
    for path in sorted(FOLDER.glob("*.ndjson"))
    for line in path.read_text(encoding="utf-8").splitlines()
]


def mapped(case):
    call = parse_call(case["message"])
    options = options_for("bridge", case["settings"])
    return map_call(call, alias=case.get("alias", True), received=RECEIVED, options=options)


def as_sent(request):
    sent = wire(request.path, encode(request.parameters()), KEY)
    params = dict(parse_qsl(sent.query, keep_blank_values=True, strict_parsing=True))
    assert params.pop("_k") == KEY
    return {"method": sent.method, "path": sent.path, "params": params}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for _, case in CASES])
def test_a_call_becomes_the_requests_of_its_case(case):
    """
    Each call leads to exactly these requests, byte by byte on the wire, and to exactly these warnings.
    """
    if "refused" in case:
        with pytest.raises(InvalidCall) as refusal:
            mapped(case)

        assert {"field": refusal.value.field, "reason": refusal.value.reason} == case["refused"]
        return
    result = mapped(case)

    assert [as_sent(request) for request in result.requests] == case["requests"]
    assert [warning.code for warning in result.warnings] == case.get("warnings", [])


def test_every_call_type_has_cases():
    """
    The folder is where it should be, and covers all six calls.
    """
    assert {case["message"]["type"] for _, case in CASES} == {
        "identify",
        "track",
        "page",
        "screen",
        "group",
        "alias",
    }


def test_every_case_has_a_name_of_its_own_and_a_source():
    """
    A case that fails can be found, and so can the reason why it is as it is.
    """
    names = Counter((file, case["case"]) for file, case in CASES)

    assert max(names.values()) == 1
    assert all(case["source"].strip() for _, case in CASES)
