"""
Killed, or refused by the disk, at each system call that changes the database: nothing is lost, nothing doubled.

Real processes under strace: one that takes calls, one that delivers them, one that forgets old ones, and one that
makes a new file. Each disturbed run is taken up again on the same file, and then compared with a run that nobody
disturbed. ``SDKBRIDGE_CRASH_POINTS`` says how many points are tried; ``all`` is the full sweep.
"""

import os
import random
import shutil
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from crashes.disturbance import BROKEN, CHANGES, FULL, KILL, Act, Point, Stage, unavailable
from crashes.script import LONG_AGO, CallIds, calls, play

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.delivery.sweeping import Sweep
from sdkbridge.kissmetrics.people import LocalKissmetrics, Received
from sdkbridge.kissmetrics.server import KissmetricsServer

PARTS = 8
POINTS = os.environ.get("SDKBRIDGE_CRASH_POINTS", "600" if os.environ.get("CI") else "64")
DEVICES = ("phone", "tablet", "browser-1")
TRACKS = {call["messageId"] for call in calls() if call["type"] == "track"}

TAKE = Act("take", only_database=True)
DELIVER = Act("deliver", calls=(*CHANGES, "sendto"))
FORGET = Act("forget")
BE_BORN = Act("be_born")
BE_BORN_WITHOUT_LINKS = Act(
    "be_born",
    calls=("fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    without=("link", "linkat"),
)
LATER_ACTS = (DELIVER, FORGET)
"""What is only played on a database in which the calls were taken."""

REHEARSALS = 3
"""How often each act is played undisturbed: a delivery may be written down at once, or in two or three parts."""

Requests = list[tuple[str, tuple[tuple[str, str], ...]]]

missing = unavailable()
pytestmark = [
    pytest.mark.skipif(missing is not None, reason=str(missing)),
    # Each point is a process, and somebody may have asked for all of them.
    pytest.mark.timeout(3600),
]


class Sink(LocalKissmetrics):
    """
    A local Kissmetrics that also keeps all that it received with a key, repeats too.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.received: dict[str, Requests] = defaultdict(list)

    def receive(self, path: str, parameters: Mapping[str, str]) -> Received:
        said = dict(parameters)
        self.received[said.pop("_k")].append((path, tuple(said.items())))
        return super().receive(path, parameters)


@frozen
class Outcome:
    """
    What a run comes to.

    Attributes:
        lanes: which requests arrived, in order, for each device and, without one, each identity; a repeat of the
            same bytes counts once.
        people: who they make, and what each of them did.
        delivered: how many requests were taken out of the outbox, so an alias that was queued twice counts twice.
    """

    lanes: dict[str, Requests]
    people: list[Any]
    delivered: int


@frozen
class Theatre:
    """
    Where runs take place: their stage, the local Kissmetrics, and what an undisturbed run comes to.

    Attributes:
        taken: the folder with a database in which all calls wait to be delivered.
    """

    stage: Stage
    sink: Sink
    url: str
    taken: Path
    points: list[Point]
    undisturbed: Outcome


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    folder = tmp_path_factory.mktemp("undisturbed")
    database = Database(":memory:")
    sink = Sink(database)
    with KissmetricsServer(sink) as server:
        stage = Stage(folder, server.url)
        try:
            points = points_of(TAKE, stage, folder)
            taken = folder / f"{TAKE}-0"
            for act in (*LATER_ACTS, BE_BORN, BE_BORN_WITHOUT_LINKS):
                points += points_of(act, stage, folder, taken=taken)
            whole = folder_for(DELIVER, folder / "whole", taken=taken)
            undisturbed = taken_up(whole, sink, server.url, key="undisturbed", acknowledged=TRACKS)
            yield Theatre(stage, sink, server.url, taken, points, undisturbed)
        finally:
            stage.close()
    database.close()


def folder_for(act: Act, folder: Path, *, taken: Path | None) -> Path:
    """
    Make the folder of a run.
    """
    if act in LATER_ACTS:
        assert taken is not None
        shutil.copytree(taken, folder)
    else:
        folder.mkdir()
    return folder


def points_of(act: Act, stage: Stage, folder: Path, *, taken: Path | None = None) -> list[Point]:
    """
    Return where an act can be disturbed, found by playing it undisturbed.
    """
    counts = []
    for number in range(REHEARSALS):
        run = stage.run(folder_for(act, folder / f"{act}-{number}", taken=taken), act, key="rehearsal")
        assert (run.code, run.error) == (0, "")
        counts.append(run.system_calls)
    return [
        Point(act, call, number + 1, how)
        for call in act.calls
        for number in range(min(count.get(call, 0) for count in counts))
        # A disk has no say in what is sent.
        for how in ((KILL,) if call == "sendto" else (KILL, FULL, BROKEN))
    ]


def taken_up(
    folder: Path, sink: Sink, url: str, *, key: str, acknowledged: Collection[str], again: int = 0
) -> Outcome:
    """
    Go on where a run ended, and return what it comes to: what was acknowledged arrives, all can be said again.

    Args:
        folder: where its database is.
        sink: where everything arrives.
        url: where the sink listens.
        key: the key that it was delivered with.
        acknowledged: the message ids of the calls that were told to be taken.
        again: from which call on they are said again.
    """
    ids = CallIds()
    with Bridge(folder / "bridge.db", api_key=key, url=url, ids=ids, deliver=False) as bridge:
        assert bridge.flush(timeout=10).waiting == 0
        assert TRACKS.intersection(acknowledged) <= tracks_in(sink.received[key])
        play(bridge, ids, first=again)
        assert bridge.flush(timeout=10).waiting == 0
        outbox = bridge.status().outbox
    assert outbox.dead == 0
    people = [(person.identities, dict(person.event_counts)) for person in sink.people(api_key=key)]
    return Outcome(lanes(sink.received[key]), people, outbox.delivered)


def lanes(received: Requests) -> dict[str, Requests]:
    """
    Return what arrived, in order, for each device and, without one, each identity: a repeat counts once.
    """
    arrived: dict[str, Requests] = defaultdict(list)
    for request in dict.fromkeys(received):
        arrived[lane_of(*request)].append(request)
    return dict(arrived)


def lane_of(path: str, said: tuple[tuple[str, str], ...]) -> str:
    parameters = dict(said)
    if path == "/a":
        pair = (parameters["_p"], parameters["_n"])
        return next((lane for lane in DEVICES if any(one.startswith(lane) for one in pair)), "change of address")
    call = calls()[int(parameters["_t"]) % 60]
    return str(call.get("device") or call.get("anonymousId") or call["userId"])


def tracks_in(received: Requests) -> set[str]:
    """
    Return the message ids of the tracks that arrived.
    """
    return {f"m{int(dict(said)['_t']) % 60}" for path, said in received if path == "/e"}


def chosen(points: list[Point], part: int) -> list[Point]:
    """
    Return one part of the points that are tried, the same ones each time: half of them where calls are only taken.
    """
    if POINTS != "all":
        chance = random.Random(7)
        taking = [point for point in points if point.act is TAKE]
        others = [point for point in points if point.act is not TAKE]
        others = chance.sample(others, min(len(others), int(POINTS) // 2))
        points = others + chance.sample(taking, min(len(taking), int(POINTS) - len(others)))
    return points[part::PARTS]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_disturbed_run_is_taken_up_where_it_ended(part: int, theatre: Theatre, tmp_path: Path) -> None:
    """
    Whatever the moment: the same requests arrive in the same order, each was queued once, the people are the same.
    """
    for point in chosen(theatre.points, part):
        act, key = point.act, str(point)
        folder = folder_for(act, tmp_path / key, taken=theatre.taken)
        run = theatre.stage.run(folder, act, point, key=key)
        problem = f"{point}, {run}"
        # A delivery may come to an end with fewer writes than another one.
        assert (run.code == -9) == (point.how == KILL) or (act is DELIVER and run.code == 0), problem
        if point.how != KILL and not point.call.startswith("unlink"):
            assert [*folder.glob(".bridge.db.*")] == [], problem

        again = LONG_AGO if act is FORGET else 0
        outcome = taken_up(folder, theatre.sink, theatre.url, key=key, acknowledged=run.acknowledged, again=again)
        assert outcome == theatre.undisturbed, problem
        if act is FORGET:
            assert remembered_in(folder) == len(calls()) - LONG_AGO, problem


def remembered_in(folder: Path) -> int:
    """
    Return how many calls are remembered once what is left to forget is forgotten.
    """
    with closing(Database(folder / "bridge.db")) as database:
        Sweep(database).step(now_ms=int(time.time() * 1000))
        row = database.row("SELECT count(*) FROM accepted_message")
    assert row is not None
    return int(row[0])


def test_a_delivery_is_killed_before_between_and_after_its_requests(theatre: Theatre, tmp_path: Path) -> None:
    """
    Among the changes at which it is killed are some before the first request has arrived, between, and after all.
    """
    arrived = set()
    for point in [point for point in theatre.points if point.act is DELIVER and point.how == KILL][::2]:
        if point.call == "sendto":
            continue
        key = f"{point} alone"
        run = theatre.stage.run(folder_for(DELIVER, tmp_path / key, taken=theatre.taken), DELIVER, point, key=key)
        if run.code == -9:
            arrived.add(len(set(theatre.sink.received[key])))

    assert {0, theatre.undisturbed.delivered} < arrived


@pytest.mark.parametrize("act", [BE_BORN, BE_BORN_WITHOUT_LINKS], ids=str)
def test_the_birth_of_a_file_is_disturbed_at_each_of_its_steps(act: Act, theatre: Theatre) -> None:
    """
    It is written and synced beside its place, put there, and its folder is synced.
    """
    steps = {point.call for point in theatre.points if point.act is act}
    put_there = {"rename", "renameat", "renameat2"} if act.without else {"link", "linkat"}

    assert ("write" in steps, "fsync" in steps) == (not act.without, True)
    assert steps & put_there
    assert steps & {"unlink", "unlinkat"}
