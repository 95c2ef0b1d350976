"""
What is disturbed: calls taken by a bridge and delivered, in a process that can be killed at any system call.

Started once, with everything imported; for each line of JSON on its standard input it forks a child that plays the
calls. The child waits until it is told to go on, so that a tracer can be attached to it.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from sdkbridge import Bridge, StoreError
from sdkbridge.ids import RandomIds

TRIES = 3


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


def play(bridge: Bridge, ids: CallIds, *, acknowledged: int | None = None) -> None:
    """
    Take the calls, telling of each one that was taken, and deliver them.

    What cannot be written is tried again, as a caller would.
    """
    for call in calls():
        ids.call = call["messageId"]
        _insist(lambda call=call: bridge.accept(call))
        if acknowledged is not None:
            os.write(acknowledged, f"{call['messageId']}\n".encode())
    _insist(lambda: bridge.flush(timeout=10))


def _insist(work: Callable[[], object]) -> None:
    for attempt in range(TRIES):
        try:
            work()
        except StoreError:
            if attempt == TRIES - 1:
                raise
        else:
            return


def child(command: dict[str, str]) -> NoReturn:
    """
    Wait for the word to go on, and play.
    """
    Path(command["go"]).read_bytes()
    acknowledged = os.open(command["acknowledged"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        ids = CallIds()
        with Bridge(
            command["database"], api_key=command["key"], url=command["url"], ids=ids, deliver=False
        ) as bridge:
            play(bridge, ids, acknowledged=acknowledged)
    except BaseException as error:  # noqa: BLE001 - it is told, and the process ends
        Path(command["error"]).write_text(repr(error))
        os._exit(1)
    os._exit(0)


def warm_up() -> None:
    """
    Import what is only imported when it is used, which takes long under a tracer.
    """
    with Bridge(":memory:", api_key="none", url="http://127.0.0.1:9", deliver=False) as bridge:
        bridge.track("ann", "Opened")
        bridge.flush(timeout=0.01)


def main() -> None:
    """
    Fork a child for each command, and tell its number and how it ended.
    """
    warm_up()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            child(json.loads(line))
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
