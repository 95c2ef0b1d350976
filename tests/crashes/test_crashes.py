"""
Killed, or refused by the disk, at each system call that changes the database: nothing is lost, nothing doubled.

Real processes under strace. Each disturbed run is taken up again on the same file, and then compared with a run
that nobody disturbed. ``SDKBRIDGE_CRASH_POINTS`` says how many points are tried; ``all`` is the full sweep.
"""

import os
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from crashes.disturbance import BROKEN, FULL, KILL, Point, Stage, unavailable
from crashes.script import CallIds, calls, play

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer

PARTS = 8
POINTS = os.environ.get("SDKBRIDGE_CRASH_POINTS", "500" if os.environ.get("CI") else "64")
DEVICES = ("phone", "tablet", "browser-1")

missing = unavailable()
pytestmark = [
    pytest.mark.skipif(missing is not None, reason=str(missing)),
    # Each point is a process, and somebody may have asked for all of them.
    pytest.mark.timeout(3600),
]


@frozen
class Theatre:
    """
    Where runs take place: their stage, the local Kissmetrics, and what an undisturbed run comes to.
    """

    stage: Stage
    kissmetrics: LocalKissmetrics
    url: str
    points: list[Point]
    undisturbed: dict[str, list[Any]]


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    folder = tmp_path_factory.mktemp("undisturbed")
    database = Database(":memory:")
    with KissmetricsServer(LocalKissmetrics(database)) as server:
        stage = Stage(folder, server.url)
        try:
            run = stage.run(folder, None, key="undisturbed")
            assert (run.code, run.error) == (0, "")
            assert len(run.acknowledged) == len(calls())
            points = [
                Point(call, number + 1, how)
                for call, count in sorted(run.system_calls.items())
                for number in range(count)
                for how in (KILL, FULL, BROKEN)
            ]
            yield Theatre(stage, server.kissmetrics, server.url, points, lanes(server.kissmetrics, "undisturbed"))
        finally:
            stage.close()
    database.close()


def lanes(kissmetrics: LocalKissmetrics, key: str) -> dict[str, list[Any]]:
    """
    Return what arrived, in order, for each device and, without one, each identity: a repeat counts once.
    """
    arrived: dict[str, list[Any]] = defaultdict(list)
    for line in kissmetrics.export(api_key=key):
        what = (line["_p"], line["_p2"]) if "_p2" in line else line
        if what not in arrived[lane_of(line)]:
            arrived[lane_of(line)].append(what)
    return dict(arrived)


def lane_of(line: dict[str, Any]) -> str:
    if "_p2" in line:
        pair = (line["_p"], line["_p2"])
        return next((lane for lane in DEVICES if any(one.startswith(lane) for one in pair)), "change of address")
    call = calls()[line["_t"] % 60]
    return str(call.get("device") or call.get("anonymousId") or call["userId"])


def people(kissmetrics: LocalKissmetrics, key: str) -> list[Any]:
    return [(person.identities, dict(person.event_counts)) for person in kissmetrics.people(api_key=key)]


def tracks_seen(kissmetrics: LocalKissmetrics, key: str) -> set[str]:
    """
    Return the message ids of the tracks that arrived.
    """
    return {f"m{line['_t'] % 60}" for line in kissmetrics.export(api_key=key) if "_n" in line}


def chosen(points: list[Point], part: int) -> list[Point]:
    """
    Return one part of the points that are tried, spread over all of them; the same ones each time.
    """
    if POINTS != "all":
        points = random.Random(7).sample(points, min(len(points), int(POINTS)))
    return points[part::PARTS]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_disturbed_run_is_taken_up_where_it_ended(part: int, theatre: Theatre, tmp_path: Path) -> None:
    """
    Whatever the moment: what was acknowledged arrives, the rest can be said again, and the people are the same.
    """
    tracks = {call["messageId"] for call in calls() if call["type"] == "track"}
    for point in chosen(theatre.points, part):
        folder, key = tmp_path / str(point), str(point)
        folder.mkdir()
        run = theatre.stage.run(folder, point, key=key)
        problem = f"{point}, {run}"
        assert (run.code == -9) == (point.how == KILL), problem

        ids = CallIds()
        with Bridge(folder / "bridge.db", api_key=key, url=theatre.url, ids=ids, deliver=False) as bridge:
            assert bridge.flush(timeout=10).waiting == 0, problem
            assert tracks & {*run.acknowledged} <= tracks_seen(theatre.kissmetrics, key), problem

            play(bridge, ids)
            assert bridge.status().outbox.dead == 0, problem

        assert lanes(theatre.kissmetrics, key) == theatre.undisturbed, problem
        assert people(theatre.kissmetrics, key) == people(theatre.kissmetrics, "undisturbed"), problem
