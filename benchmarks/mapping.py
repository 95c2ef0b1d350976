"""
Mapping alone: a message object in, encoded queries out, beside ``json.loads`` of the same messages.

``json.loads`` is the yardstick because every machine has it. Times are of this process alone, and the best of
several parts of one run, each with messages that were not seen before.

    python benchmarks/mapping.py [--messages 20000]
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from messages import track_messages

from identity.policy import MergePolicy
from sdkbridge.options import PROFILES, options_for
from sdkbridge.stateless import map_alone

PARTS = 5
RECEIVED = 1_790_000_000.0


def rate(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """
    Return how many items a second are worked through.
    """
    size = len(items) // PARTS
    seconds = []
    for part in range(PARTS):
        started = time.process_time()
        for item in items[part * size : (part + 1) * size]:
            work(item)
        seconds.append(time.process_time() - started)
    return size / min(seconds)


def mapper(profile: str) -> Callable[[dict[str, Any]], list[str]]:
    """
    Return what maps a message under a profile.
    """
    options, policy = options_for(profile, {}), MergePolicy.guarded()

    def map_message(message: dict[str, Any]) -> list[str]:
        mapped = map_alone(message, options=options, policy=policy, received=RECEIVED)
        return [request.query() for request in mapped.requests]

    return map_message


def compare_mapping(count: int) -> None:
    """
    Measure, and print a line for each.
    """
    messages = list(track_messages(count, people=2000))
    texts = [json.dumps(message) for message in messages]
    yardstick = rate(json.loads, texts)
    print(f"\nmapping alone: {len(messages):,} messages of {sum(map(len, texts)) / len(texts):.0f} bytes")
    print(f"{'json.loads':24}{yardstick:>12,.0f}/s{1:>8.2f}")
    for profile in PROFILES:
        mapped = rate(mapper(profile), messages)
        print(f"{'map, ' + profile:24}{mapped:>12,.0f}/s{mapped / yardstick:>8.2f}", flush=True)


def main() -> None:
    """
    Measure as many messages as were asked for.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--messages", type=int, default=20_000)
    compare_mapping(parser.parse_args().messages)


if __name__ == "__main__":
    main()
