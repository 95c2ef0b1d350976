"""
What is disturbed: one act of a database's life, in a process that can be killed at any system call.

Started once, with everything imported; for each line of JSON on its standard input it forks a child that plays an
act. The child says when it is ready, and waits until it is told to go on, so that a tracer can be attached to it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from identity.database import Database
from sdkbridge import Bridge, StoreError
from sdkbridge.delivery.settings import DeliverySettings
from sdkbridge.delivery.sweeping import REMEMBERED_MS, Sweep
from sdkbridge.ids import RandomIds

TRIES = 3

LONG_AGO = 2
"""How many of the calls were taken so long ago that they can be forgotten."""


class CallIds(RandomIds):
    """
    Anonymous ids that are the same each time the same calls are played: device and number of the call.
    """

    call = ""

    def anonymous_id(self, device: str) -> str:
        """
        Return ``<device>-<call>``.
        """
        return f"{device}-{self.call}"


def calls() -> list[dict[str, Any]]:
    """
    Two phones that are identified, handed on and reset, a browser that is handed over, a change of address.
    """
    phone, tablet = {"device": "phone"}, {"device": "tablet"}
    said: list[dict[str, Any]] = [
        {"type": "track", "event": "Opened", **phone},
        {"type": "identify", "userId": "ann@example.com", "traits": {"plan": "pro"}, **phone},
        {"type": "track", "event": "Bought", "properties": {"revenue": 20}, **phone},
        {"type": "track", "event": "Opened", **tablet},
        {"type": "identify", "userId": "bob@example.com", **tablet},
        {"type": "track", "event": "Searched", "anonymousId": "browser-1"},
        {"type": "identify", "userId": "ann@example.com", "anonymousId": "browser-1"},
        {"type": "identify", "userId": "cleo@example.com", "anonymousId": "browser-1"},
        {"type": "alias", "previousId": "ann@example.com", "userId": "ann@new.example"},
        {"type": "reset", **tablet},
        {"type": "track", "event": "Opened", **tablet},
        {"type": "identify", "userId": "ann@new.example", **tablet},
        {"type": "track", "event": "Invoice Paid", "userId": "ann@new.example"},
    ]
    return [
        {"messageId": f"m{number}", "timestamp": f"2026-04-01T10:00:{number:02d}Z", **call}
        for number, call in enumerate(said)
    ]


def play(bridge: Bridge, ids: CallIds, *, told: Callable[[str], object] = lambda _: None, first: int = 0) -> None:
    """
    Take the calls, telling the message id of each one that was taken.

    What cannot be written is tried again, as a caller would.
    """
    for call in calls()[first:]:
        ids.call = call["messageId"]
        _insist(lambda call=call: bridge.accept(call))
        told(ids.call)


def _insist(work: Callable[[], object]) -> None:
    for attempt in range(TRIES):
        try:
            work()
        except StoreError:
            if attempt == TRIES - 1:
                raise
        else:
            return


def take(command: dict[str, str], go_on: Callable[[], None]) -> None:
    """
    Open a database that may be new, and take the calls, the first ones as of long ago.
    """
    go_on()
    ids = CallIds()
    remembered_s = REMEMBERED_MS / 1000

    def clock() -> float:
        return time.time() - (2 * remembered_s if ids.call in {f"m{number}" for number in range(LONG_AGO)} else 0)

    acknowledged = os.open(command["acknowledged"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Bridge(
        command["database"], api_key=command["key"], url=command["url"], ids=ids, deliver=False, clock=clock
    ) as bridge:
        play(bridge, ids, told=lambda call: os.write(acknowledged, f"{call}\n".encode()))


def deliver(command: dict[str, str], go_on: Callable[[], None]) -> None:
    """
    Deliver what waits, one request after the other, with everything opened before.
    """
    with Bridge(
        command["database"],
        api_key=command["key"],
        url=command["url"],
        deliver=False,
        delivery=DeliverySettings(concurrency=1),
    ) as bridge:
        go_on()
        _insist(lambda: bridge.flush(timeout=10))


def forget(command: dict[str, str], go_on: Callable[[], None]) -> None:
    """
    Forget the calls that were taken long ago.
    """
    database = Database(command["database"])
    sweep = Sweep(database)
    go_on()
    _insist(lambda: sweep.step(now_ms=int(time.time() * 1000)))
    database.close()


def be_born(command: dict[str, str], go_on: Callable[[], None]) -> None:
    """
    Make a new file.
    """
    go_on()
    _insist(lambda: Database(command["database"]).close())


ACTS = {"take": take, "deliver": deliver, "forget": forget, "be_born": be_born}


def child(command: dict[str, str]) -> NoReturn:
    """
    Play an act, once it is ready and told to go on.
    """

    def go_on() -> None:
        say(f"ready {os.getpid()}")
        Path(command["go"]).read_bytes()

    try:
        ACTS[command["act"]](command, go_on)
    except BaseException as error:  # noqa: BLE001 - it is told, and the process ends
        Path(command["error"]).write_text(repr(error))
        os._exit(1)
    os._exit(0)


def say(line: str) -> None:
    """
    Tell whoever gives the commands.
    """
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def warm_up() -> None:
    """
    Import what is only imported when it is used, which takes long under a tracer.
    """
    with Bridge(":memory:", api_key="none", url="http://127.0.0.1:9", deliver=False) as bridge:
        bridge.track("ann", "Opened")
        bridge.flush(timeout=0.01)


def main() -> None:
    """
    Fork a child for each command, and tell how it ended.
    """
    warm_up()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            child(json.loads(line))
        _, status = os.waitpid(process, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
