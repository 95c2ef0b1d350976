"""
Segment messages made up by chance, out of parts whose meaning is known from how they were made.

Nothing here asks the code under test: a text that is a date is made of the moment that it means, an amount stands
beside the numbers that it is read as, an identity beside what the bridge makes of it.
"""

import random
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

RECEIVED = 1_700_000_000.5
"""When every message arrives, in seconds since 1970 UTC."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _dates() -> dict[str, int]:
    """
    Make texts that Segment takes for dates; each with its moment in milliseconds since 1970 UTC.
    """
    chance = random.Random(2014)
    dates = {"2014-01-01": 1_388_534_400_000}
    for _ in range(80):
        second = chance.randrange(-2_000_000_000, 4_000_000_000)
        milliseconds = chance.randrange(1000)
        moment = EPOCH + timedelta(seconds=second)
        east = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
        midnight = second - second % 86400
        dates[f"{moment:%Y-%m-%d}"] = midnight * 1000
        dates[f"{moment:%Y-%m-%dT%H:%M:%S}Z"] = second * 1000
        dates[f"{moment:%Y-%m-%d %H:%M:%S}"] = second * 1000
        dates[f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"] = second * 1000 + milliseconds
        dates[f"{moment:%Y-%m-%dT%H:%M}"] = (second - second % 60) * 1000
        dates[f"{east:%Y-%m-%dT%H:%M:%S}+05:30"] = second * 1000
    return dates


DATES = _dates()
NO_DATES = ("2014", "20140101", "2014-13-01", "2014-02-30", "2014-01-01 and more", "1.1.2014", "14-01-01")

AMOUNTS: dict[str, tuple[float | None, float | None]] = {
    "19.99": (19.99, 19.99),
    "$19.99": (19.99, 19.99),
    "$1.5 USD": (1.5, 1.5),
    "1,234.50": (1234.5, 1),
    "$1,234.50": (1234.5, 1),
    "-5": (-5, -5),
    "$3": (3, 3),
    "12 EUR": (12, 12),
    "0": (0, 0),
    "free": (None, None),
    "much 12": (None, None),
}
"""Text → the number that it means, and the number that Segment's libraries read."""

USERS: dict[Any, str | None] = {
    "ann": "ann",
    "Bob-7": "Bob-7",
    "Ann@Example.com": "ann@example.com",
    " bob@example.com": "bob@example.com",
    "ü 漢,x:y": "ü 漢,x:y",
    "12345": "12345",
    "2014-01-01": "2014-01-01",
    "null": None,
    "00000000-0000-0000-0000-000000000000": None,
    "Guest": None,
    "undefined": None,
}
"""Identity → how the bridge keeps it; None for what stands for nobody."""

NUMBER_USERS = {7: "7", 2**63 + 1: "9223372036854775809", 42.0: "42"}
ANONYMOUS = {
    "0f8fad5b-d9cb-469f-a165-70867728950e": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "ann": "ann",
    "anonymousId": None,
}

EVENTS = (
    *("Signed Up", "App Opened", "a:b, c", "é 漢 🙂", "Paid/100%", "KM Order Completed", "Product Viewed"),
    *("Order Completed", "Completed Order", "order_completed", "completed_order", "OrderCompleted"),
    *("Completed Order Again", "Order Completed!"),
)
KEYS = (
    *("plan", "Plan", "city", "some-property", "a,b", "x:y", "a.b", "b", "é", "日本", "_other", "", "Customer ID"),
    *("id", "name", "category", "userId", "anonymousId", "time", "0"),
    *("_k", "_p", "_n", "_t", "_d", "_ip", "_ua", "_c", "_u", "_P", "half \ud83d"),
)
TEXTS = (
    *("", " ", "pro", "Gold", "123", "1,2,3", "a&b=c+d", "é 漢 🙂", 'say "hi"\n\t\\', "\u2028", "</x>", "true"),
    *("v" * 600, "half \ud83d", "null", "[object Object]"),
)


@dataclass(frozen=True)
class Made:
    """
    A message; and when it happened, by what it was made of (None: nothing that can be read).
    """

    message: dict[str, Any]
    happened_ms: int | None
    sent_ms: int | None


class Maker:
    """
    A source of messages, the same ones for the same seed.
    """

    def __init__(self, seed: object) -> None:
        self.chance = random.Random(str(seed))

    def message(self) -> Made:
        kind = self.chance.choice(("identify", "track", "track", "track", "page", "screen", "group", "alias"))
        own = getattr(self, f"_{kind}")()
        happened_ms, sent_ms, times = self._times()
        message = {"type": kind, **self._identities(), **own, **times, **self._context()}
        return Made(message, happened_ms, sent_ms)

    def some(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def happens(self, share: float) -> bool:
        return self.chance.random() < share

    def _identify(self) -> dict[str, Any]:
        traits = self.object()
        if self.happens(0.2):
            traits |= {"userId": self.some(*USERS), "anonymousId": self.some(*ANONYMOUS)}
        return {} if self.happens(0.1) else {"traits": traits}

    def _track(self) -> dict[str, Any]:
        event = self.some(*EVENTS) if self.happens(0.97) else "E" * self.some(240, 255, 256, 300)
        properties = self.object()
        if self.happens(0.4):
            properties["revenue"] = self._amount()
        if self.happens(0.1):
            properties["total"] = self._amount()
        if self.happens(0.3):
            properties["products"] = self.some(
                *[[self._product() for _ in range(self.chance.randrange(4))] for _ in range(5)],
                None,
                [],
                "none",
                [self._product(), "no product"],
            )
        return {"event": event, "properties": properties}

    def _product(self) -> dict[str, Any]:
        product = {"sku": self.some("s-1", "s-2", 3), "quantity": self.number(), "more": self.value(1)}
        if self.happens(0.3):
            product["revenue"] = self.some(5, 9.5, "$3")
        if self.happens(0.2):
            product |= self.object(2)
        return self.some(product, product, product, {}, {"gone": None})

    def _page(self) -> dict[str, Any]:
        names = {"name": self.some("Home", "Docs: 1", "", None), "category": self.some("Shop", "", None)}
        properties = self.object()
        for name in ("url", "referrer"):
            if self.happens(0.4):
                properties[name] = self.some("http://shop.example/?a=b", "")
        return {**names, "properties": properties}

    _screen = _page

    def _group(self) -> dict[str, Any]:
        return {"groupId": self.some("g-1", "2014-01-01", "Acme, Inc."), "traits": self.object()}

    def _alias(self) -> dict[str, Any]:
        return {"previousId": self.some(*USERS, None, "", 7)}

    def _identities(self) -> dict[str, Any]:
        found = {}
        if self.happens(0.85):
            found["userId"] = self.some(*USERS, *NUMBER_USERS, "", None)
        elif self.happens(0.05):
            found["userId"] = "u" * 256
        if self.happens(0.6):
            found["anonymousId"] = self.some(*ANONYMOUS, None)
        return found

    def _times(self) -> tuple[int | None, int | None, dict[str, Any]]:
        # Quarters of a second are exact in binary.
        happened_ms = self.chance.randrange(1_300_000_000, 1_699_000_000) * 1000 + self.some(0, 250, 500, 750)
        way = self.chance.randrange(10)
        if way == 0:
            return None, None, {}
        if way == 1:
            return None, None, {"timestamp": self.some("yesterday", "2014-13-01", [1], True)}
        sent_ms, times = None, {"timestamp": self._written(happened_ms)}
        if way < 5:
            # Late by its own clock, which may be wrong by an hour either way.
            sent_ms = int(RECEIVED * 1000) + self.some(-3600_000, -1000, 0, 60_000, 3600_000)
            times["sentAt"] = self._written(sent_ms)
        return happened_ms, sent_ms, times

    def _written(self, milliseconds: int) -> Any:
        moment = EPOCH + timedelta(milliseconds=milliseconds)
        text = f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}"
        return self.some(f"{text}Z", f"{text}+00:00", text.replace("T", " "), milliseconds, milliseconds / 1000)

    def _context(self) -> dict[str, Any]:
        context: dict[str, Any] = {}
        if self.happens(0.3):
            context["ip"] = "203.0.113.9"
        if self.happens(0.3):
            context["userAgent"] = "Mozilla/5.0 (X11)"
        if self.happens(0.1):
            context["traits"] = self.object()
        if self.happens(0.1):
            context["page"] = {"url": "http://shop.example/around"}
        more = {"integrations": {"All": False}} if self.happens(0.01) else {}
        return {"context": context, **more} if context else more

    def _amount(self) -> Any:
        return self.some(*AMOUNTS, 19.99, 1, 0, -5, 1e21, 0.1 + 0.2, None, "")

    def object(self, depth: int = 0) -> dict[str, Any]:
        return {self.key(): self.value(depth) for _ in range(self.chance.randrange(6 if depth == 0 else 4))}

    def key(self) -> str:
        return self.some(*KEYS) if self.happens(0.98) else "k" * self.some(250, 255, 256)

    def value(self, depth: int) -> Any:
        way = self.chance.random()
        if depth < 4 and way < 0.2:
            return self.object(depth + 1)
        if depth < 4 and way < 0.35:
            return [self.value(depth + 2) for _ in range(self.chance.randrange(4))]
        if way < 0.55:
            return self.number()
        if way < 0.7:
            return self.some(*DATES)
        return self.some(*TEXTS, *NO_DATES, None, True, False)

    def number(self) -> float:
        return self.some(
            self.chance.randrange(-1000, 1000),
            self.chance.randrange(10**9) / 100,
            self.some(
                1.0, -0.0, 1e16, 1e21, 1e-5, 1e-6, 1e-7, 123456789012345680000.0, 5e-324, 1.7976931348623157e308
            ),
            self.some(2**53, 2**53 + 1, -(2**63), 10**21, 10**22),
            self._any_double(),
            self.some(float("nan"), float("inf"), 10**400),
        )

    def _any_double(self) -> float:
        (double,) = struct.unpack("<d", self.chance.randbytes(8))
        return double if abs(double) < float("inf") else 0.5
