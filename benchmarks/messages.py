"""
Segment messages as a mobile backend sees them, the same ones each time: what the benchmarks feed to everybody.
"""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 1, tzinfo=UTC)
EVENTS = (
    "Signed Up",
    "App Opened",
    "Product Viewed",
    "Product Added",
    "Search Performed",
    "Video Played",
    "Shared",
)
WORDS = (
    "Größe",
    "summer sale",
    "naïve",
    "50% off",
    "A/B",
    "plain",
    "new & used",
    "日本語",
    "ok",
    "first-time buyer",
)


def track_messages(count: int, *, seed: int = 7, people: int = 100) -> Iterator[dict[str, Any]]:
    """
    Yield track messages of about a kilobyte: nested objects, arrays, dates, numbers, text beyond ASCII.
    """
    dice = random.Random(seed)
    for number in range(count):
        yield _message(dice, number, people)


def _message(dice: random.Random, number: int, people: int) -> dict[str, Any]:
    person = dice.randrange(people)
    happened = START + timedelta(seconds=number, milliseconds=dice.randrange(1000))
    return {
        "type": "track",
        "messageId": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        "userId": f"user-{person}@example.com",
        "anonymousId": str(uuid.UUID(int=person + 1, version=4)),
        "event": dice.choice(EVENTS),
        "timestamp": _iso(happened),
        "sentAt": _iso(happened + timedelta(seconds=2)),
        "properties": {
            "plan": dice.choice(("free", "pro", "team")),
            "price": round(dice.uniform(1, 200), 2),
            "quantity": dice.randrange(1, 9),
            "first": dice.random() < 0.5,
            "title": " ".join(dice.choices(WORDS, k=4)),
            "tags": dice.choices(("red", "blue", "green", "xl"), k=3),
            "released": _iso(happened - timedelta(days=dice.randrange(400))),
            "cart": {
                "id": f"cart-{dice.randrange(10**9)}",
                "value": {"net": dice.randrange(10_000) / 100, "gross": dice.randrange(12_000) / 100},
                "empty": None,
            },
            "referrer": {"type": "campaign", "url": f"https://example.com/a/{number}?utm_source=mail&n={number}"},
        },
        "context": {
            "ip": f"203.0.113.{person % 250}",
            "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
            "library": {"name": "analytics-swift", "version": "1.9.4"},
            "app": {"name": "Shop", "version": "3.2.1", "build": "321"},
            "device": {"manufacturer": "Apple", "model": "iPhone17,1", "type": "ios"},
            "os": {"name": "iOS", "version": "18.1"},
            "locale": "de-DE",
            "timezone": "Europe/Berlin",
        },
        "integrations": {},
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
