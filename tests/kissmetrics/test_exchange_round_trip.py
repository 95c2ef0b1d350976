"""
What is exported and imported into a fresh local Kissmetrics is exported the same again, and makes the same people.
"""

import json
import tempfile
from pathlib import Path

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics, Rules

NOW = 1_700_000_000
TEXTS = st.text(max_size=4) | st.sampled_from(
    ["a,b", "A:b", "İ", "ΑΣ", "ß", "\\303\\241", " ", "x" * 300, "İ" * 300]
)
IDENTITIES = st.sampled_from(["ann", "Ann", "anonymous", "ü:😀"]) | TEXTS
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "_n": st.sampled_from(["Visited", "VISITED", "ann", "anonymous"]) | TEXTS,
        "_d": st.sampled_from(["1", "1", "0"]),
        "_t": st.sampled_from([str(NOW), str(NOW - 1), "1230768000", "4000000000.5", "1", "soon"]),
        "_c": st.just("mobile_app"),
    },
)
PROPERTIES = st.dictionaries(st.sampled_from(["Plan", "plan", "Customer ID"]) | TEXTS, TEXTS, max_size=3)
requests = st.tuples(
    st.sampled_from(["/e", "/e", "/s", "/a"]),
    st.builds(
        lambda identity, parameters, more: more | parameters | {"_p": identity}, IDENTITIES, PARAMETERS, PROPERTIES
    ),
)


def filled(traffic, rules):
    kissmetrics = LocalKissmetrics(Database(), clock=lambda: NOW, rules=rules)
    for path, parameters in traffic:
        # The key last: made-up properties may be called like it, and would choose another product.
        kissmetrics.receive(path, parameters | {"_k": "key"})
    return kissmetrics


def in_lower_case(people):
    """
    Exports have names in lower case, so that how they were spelt is the one thing that an import cannot know.
    """
    return [
        attrs.evolve(
            person,
            event_counts={name.lower()[:255]: count for name, count in person.event_counts.items()},
            properties={name.lower()[:255]: history for name, history in person.properties.items()},
        )
        for person in people
    ]


@pytest.mark.parametrize("duplicate_rule", ["current", "legacy"])
@given(traffic=st.lists(requests, max_size=20).flatmap(lambda some: st.permutations(some + some[:5])))
@example(traffic=[("/a", {"_p": "ann", "_n": "Ann"}), ("/e", {"_p": "Ann", "_n": "x", "": "x"})])
def test_an_export_is_imported_and_exported_the_same(duplicate_rule, traffic):
    """
    Line by line and person by person nothing changes, whatever the traffic, with repeats under either rule.
    """
    before = filled(traffic, Rules(duplicate_rule=duplicate_rule))
    lines = list(before.export())
    after = LocalKissmetrics(Database(), clock=lambda: NOW + 99, rules=Rules(duplicate_rule=duplicate_rule))
    report = after.import_lines((json.dumps(line).encode() for line in lines), api_key="another key")

    assert (report.lines, report.refused) == (len(lines), {})
    assert list(after.export()) == lines
    assert in_lower_case(after.people()) == in_lower_case(before.people())


@given(traffic=st.lists(requests, max_size=20), lines_per_file=st.integers(1, 5))
def test_revisions_hold_the_export(traffic, lines_per_file):
    """
    The files one after the other are the export, and octal escapes in place of other text change nothing.
    """
    before = filled(traffic, Rules(duplicate_rule="legacy"))
    with tempfile.TemporaryDirectory() as folder:
        count = before.export_revisions(Path(folder), lines_per_file=lines_per_file)
        files = [Path(folder) / "revisions" / f"{number}.json" for number in range(1, count + 1)]
        written = b"".join(file.read_bytes() for file in files).splitlines()
    spoilt = [with_octal_escapes(json.loads(line)) for line in written]
    after = filled([], Rules(duplicate_rule="legacy"))
    report = after.import_lines(spoilt, api_key="key")

    assert [json.loads(line) for line in written] == list(before.export()) == list(after.export())
    assert report.repaired == sum(not json.dumps(line, ensure_ascii=False).isascii() for line in before.export())


def with_octal_escapes(line):
    text = json.dumps(line, ensure_ascii=False)
    return "".join(c if c.isascii() else "".join(rf"\{byte:03o}" for byte in c.encode()) for c in text).encode()
