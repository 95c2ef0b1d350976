"""
Whole logs on one machine: every engine finds the people that following the links by hand finds.
"""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.batch import join, kernel, placeholders, resolve, resolve_pairs, sorting
from identity.batch.engines import fastest
from identity.batch.hashing import HashedLinks
from identity.batch.reading import Piece
from identity.errors import InvalidLinks
from identity.ids import is_email, is_placeholder

ENGINES = ("numba", "scipy", "python")

# Texts that begin alike for eight bytes, that end in nothing, and whose order differs between UTF-8 and UTF-16.
AWKWARD = [
    "",
    "a",
    "a\0",
    "a\0\0",
    "customer-1",
    "customer-10",
    "customer-é",
    "É",
    "\uffff",
    "😀",
    "null",
    " null ",
]
identities = st.sampled_from(AWKWARD) | st.integers(0, 30).map(str) | st.text(max_size=12)
ends = st.none() | identities
links = st.lists(st.tuples(ends, ends), max_size=40)


def table(pairs):
    return pl.DataFrame(pairs, schema={"older": pl.String, "newer": pl.String}, orient="row")


def followed_by_hand(pairs):
    """
    The naive model: hand the smallest name on along every link, until nothing changes.
    """
    name = {end: end for pair in pairs for end in pair if end is not None}
    changed = True
    while changed:
        changed = False
        for pair in pairs:
            if None not in pair:
                least = min(name[end] for end in pair)
                changed |= any(name[end] != least for end in pair)
                name |= dict.fromkeys(pair, least)
    return name


def chain(length):
    names = [f"step {number * 7919 % (length + 1)}" for number in range(length + 1)]
    return list(pairwise(names))


def hub(spokes):
    return [("kiosk", f"u{number}@example.com") for number in range(spokes)]


@given(links)
def test_plain_python_follows_the_links(pairs):
    """
    Identities that links lead to from one another share the smallest of their names, and nobody else does.
    """
    assert resolve_pairs(pairs) == followed_by_hand(pairs)


@pytest.mark.parametrize("engine", ENGINES)
@given(pairs=links)
def test_every_engine_follows_the_links(engine, pairs):
    """
    Each engine says what the naive model says, each identity once, whatever the texts are.
    """
    people = resolve(table(pairs), engine=engine)

    assert people.schema == {"id": pl.String, "canonical": pl.String}
    assert people.height == people["id"].n_unique()
    assert dict(people.iter_rows()) == followed_by_hand(pairs)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "pairs", [[], [("x", "x")], chain(5_000), hub(5_000), chain(300) + hub(300) + [("step 0", "kiosk")]]
)
def test_chains_hubs_and_nothing_at_all(engine, pairs):
    """
    A chain of thousands is one person, and so is a hub of thousands, and a link to itself; no links are nobody.
    """
    assert dict(resolve(table(pairs), engine=engine).iter_rows()) == resolve_pairs(pairs)


@given(st.lists(links, max_size=5))
def test_pieces_add_up(pieces):
    """
    Links that come in pieces, more than were expected, are joined as if they had come at once.
    """
    joining = HashedLinks(0, count=False)
    for pairs in pieces:
        frame = table(pairs)
        whole = frame.drop_nulls()
        rest = frame.filter(pl.any_horizontal(pl.all().is_null()))
        joining.add(
            Piece(
                whole["older"],
                whole["newer"],
                pl.concat([rest["older"], rest["newer"].alias("older")]).drop_nulls(),
            )
        )
    joined = joining.joined(links=0, refused=0)

    expected = followed_by_hand([pair for pairs in pieces for pair in pairs])
    people = {}
    for identity, person in zip(joined.ids, joined.person, strict=True):
        people.setdefault(person, set()).add(identity)
    assert {min(members): members for members in people.values()} == {
        name: {one for one in expected if expected[one] == name} for name in expected.values()
    }


def test_two_identities_with_one_hash_stay_apart():
    """
    Where two texts agree in the first 64 bits of their hashes, the next ones decide.
    """
    same = np.full(2, np.iinfo(np.uint64).max)
    other = np.array([5, 6], np.uint64)
    second = np.array([1 << 40, 2 << 40], np.uint64)
    table, parent = np.zeros(2 * 5, np.uint64), np.empty(5, np.int32)
    new = np.empty(4, np.uint32)

    known = kernel.join(table, parent, 0, (same, second, other, other), new, np.empty(0, np.int32))

    assert known == 4
    assert parent[:4].tolist() == [0, 0, 2, 2]


@given(st.lists(identities, max_size=30))
def test_numbers_by_hash_are_numbers_by_text(texts):
    """
    The scipy engine's second way, which it takes when hashes collide, numbers as its first one does.
    """
    series = pl.Series("id", texts, pl.String)
    for number in (sorting._numbered, sorting._numbered_by_text):
        ids, codes = number(series)

        assert ids.gather(codes).to_list() == texts
        assert ids.n_unique() == len(ids)


def test_links_come_from_wherever_they_are(tmp_path):
    """
    Frames, lazy frames, Arrow tables, pandas frames and files of three kinds say the same; digits stay as written.
    """
    frame = pl.DataFrame({"from": ["007", "b"], "to": ["b", "c"]})
    frame.write_parquet(tmp_path / "links.parquet")
    frame.write_csv(tmp_path / "links.csv")
    frame.write_ndjson(tmp_path / "links.ndjson")
    sources = [frame, frame.lazy(), frame.to_arrow(), frame.to_pandas()]
    sources += [tmp_path / f"links.{suffix}" for suffix in ("parquet", "csv", "ndjson")]
    sources += [str(tmp_path / "links.parquet"), frame.with_columns(pl.all().cast(pl.Categorical))]

    for source in sources:
        people = resolve(source, older="from", newer="to")

        assert sorted_rows(people) == [("007", "007"), ("b", "007"), ("c", "007")]


def sorted_rows(frame):
    return frame.sort(frame.columns[0]).rows()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (pl.DataFrame({"old": ["a"], "newer": ["b"]}), "older is no column of the links, which have old, newer"),
        (pl.DataFrame({"older": [1.5], "newer": ["b"]}), "older must be a column of texts, not of Float64"),
        ([("a", "b")], "links must be a frame, an Arrow table or a file, not list"),
    ],
)
def test_what_holds_no_links_is_said(source, problem):
    """
    A table without the columns, or with something else in them, is an error that names the column.
    """
    with pytest.raises(InvalidLinks, match=problem):
        resolve(source)


@pytest.mark.parametrize("engine", ENGINES)
def test_refused_links_join_nobody(engine):
    """
    What a rule refuses joins nobody, and no identity is lost by it; nor by a link that lacks an end.
    """
    pairs = [("null", "ann"), ("null", "bob"), ("phone", "ann"), (None, "cleo"), ("old", "bob")]
    frame = table(pairs).with_columns(kind=pl.Series([None, None, None, None, "manual"], dtype=pl.String))

    resolution = join(frame, refuse=placeholders() | (pl.col("kind") == "manual"), engine=engine)

    assert (resolution.links, resolution.refused) == (5, 4)
    assert sorted_rows(resolution.identities()) == [
        ("ann", "ann"),
        ("bob", "bob"),
        ("cleo", "cleo"),
        ("null", "null"),
        ("old", "old"),
        ("phone", "ann"),
    ]


looks = st.from_regex(
    r"[0fFxX-]{0,12}|[<{$%].{0,6}|[A-Za-z]{1,9}[_-]?[0-9]{0,4}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    fullmatch=True,
)
published = st.sampled_from(["null", "NaN", '"undefined"', "lmy47d", "\uff10", "9774d56d682e549c", "n/a", "-1"])


@given(st.lists(st.none() | looks | published | st.text() | st.emails(), max_size=30))
def test_placeholders_are_those_of_the_graph(texts):
    """
    In columns the same texts stand for nobody as one by one.
    """
    frame = pl.DataFrame({"id": texts}, schema={"id": pl.String})
    expected = [None if text is None else is_placeholder(text) for text in texts]

    assert frame.select(placeholders("id")).to_series().to_list() == expected


@pytest.mark.parametrize("engine", ENGINES)
@given(pairs=links)
def test_persons_are_counted_as_by_hand(engine, pairs):
    """
    Each person's identities, names, links, and the identity that most others are linked to.
    """
    counted = join(table(pairs), engine=engine).persons()

    name = followed_by_hand(pairs)
    whole = [pair for pair in pairs if None not in pair]
    expected = []
    for canonical in set(name.values()):
        members = [one for one in name if name[one] == canonical]
        beside = {one: {end for pair in whole if one in pair for end in pair} - {one} for one in members}
        most = max(len(others) for others in beside.values())
        expected.append(
            (
                canonical,
                len(members),
                sum(is_email(one) for one in members),
                sum(name[older] == canonical for older, _ in whole),
                min(one for one in members if len(beside[one]) == most),
                most,
            )
        )
    assert counted.rows() == sorted_persons(expected)


def sorted_persons(rows):
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def test_sizes_tell_how_many_identities_people_have():
    """
    One person of three identities and two of two make two rows.
    """
    resolution = join(table([("a", "b"), ("b", "c"), ("d", "e"), ("f", "g")]))

    assert resolution.sizes().rows() == [(2, 2), (3, 1)]
    assert join(table([])).sizes().rows() == []


def test_the_caller_says_what_names_somebody():
    """
    Who counts as named is an expression over the identities.
    """
    counted = join(table([("phone", "u1"), ("u1", "u2")])).persons(named=pl.col("id").str.starts_with("u"))

    assert counted["named"].to_list() == [2]


def test_the_engine_depends_on_how_much_there_is_to_do():
    """
    What has to be compiled is loaded for many links only, and an engine that nobody knows is an error.
    """
    assert fastest(10**9) == "numba"
    with pytest.raises(ValueError, match="engine must be numba, scipy or python"):
        resolve(table([]), engine="fast")


def test_the_core_needs_none_of_the_columnar_libraries():
    """
    Without them `identity` and `resolve_pairs` work, and `resolve` says what to install.
    """
    program = """
import sys
for name in ("numba", "numpy", "polars", "pyarrow", "pyspark", "scipy"):
    sys.modules[name] = None
import identity
from identity.batch import resolve, resolve_pairs
assert resolve_pairs([("b", "a")]) == {"a": "a", "b": "a"}
for use in (lambda: resolve("links.parquet"), lambda: __import__("identity.batch.spark")):
    try:
        use()
    except ImportError as error:
        print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.splitlines() == [
        "identity.batch needs polars and numpy, and scipy or numba: pip install 'sdkbridge[batch]'",
        "identity.batch.spark needs Spark's client: pip install 'sdkbridge[spark]'",
    ]


def test_importing_loads_nothing_that_is_slow():
    """
    The columnar libraries are loaded by the first call, not by the import.
    """
    program = (
        "import sys, identity.batch; print({'polars', 'numba', 'numpy', 'scipy', 'pyspark'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout == "set()\n"
