"""
Which requests a message becomes, and what each of them says: the second half of the naive mapping.
"""

import math
from typing import Any

from made_messages import AMOUNTS, ANONYMOUS, NUMBER_USERS, RECEIVED, USERS, Made
from naive_mapping import Expected, Facts, Leaf, RefusedError, flat, in_brackets, js_number, js_single, unsendable


def requests_of(facts: Facts, made: Made) -> list[Expected]:
    """
    Return what is sent for a message, in order.

    Raises:
        RefusedError: it is not taken.
    """
    if made.message["type"] == "alias" and made.message.get("userId") in {None, ""}:
        raise RefusedError
    return [] if made.message.get("integrations") else _Naive(facts, made).requests()


class _Naive:
    def __init__(self, facts: Facts, made: Made) -> None:
        self.facts = facts
        self.message = made.message
        self.context = made.message.get("context", {})
        self.user = self._identity("userId", {**USERS, **NUMBER_USERS})
        self.anonymous = self._identity("anonymousId", ANONYMOUS)
        self.second = self._second(made)

    def requests(self) -> list[Expected]:
        kind = self.message["type"]
        if kind == "alias":
            return self._alias()
        if self.user is None and self.anonymous is None:
            raise RefusedError
        if kind == "identify":
            return self._identify()
        if kind == "group":
            return self._group()
        return self._track() if kind == "track" else self._view(kind)

    def _identity(self, member: str, known: dict[Any, str | None]) -> str | None:
        value = self.message.get(member)
        if value is None or value == "":
            return None
        if isinstance(value, str) and len(value) > 255:
            if self.facts.checks:
                raise RefusedError
            return value
        if self.facts.checks or not isinstance(value, str):
            return known[value]
        return value

    def _second(self, made: Made) -> int:
        """
        Return when it happened: by the sender's clock unless that cannot be right, or always corrected.
        """
        if made.happened_ms is None:
            return math.floor(RECEIVED)
        happened = made.happened_ms / 1000
        if made.sent_ms is not None:
            sent = made.sent_ms / 1000
            if self.facts.corrects_clocks or sent > RECEIVED + 300:
                happened = RECEIVED - (sent - happened)
        return math.floor(happened)

    def _reserved(self, name: str | None = None, *, second: int | None = None) -> dict[str, str]:
        own = {"_p": self.user or self.anonymous, "_n": name}
        if second is not None:
            own |= {"_d": "1", "_t": str(second)}
        return {name: value for name, value in {**own, **self._address()}.items() if value is not None}

    def _address(self) -> dict[str, str]:
        if not self.facts.address:
            return {}
        known = {"_ip": self.context.get("ip"), "_ua": self.context.get("userAgent")}
        return {name: text for name, text in known.items() if text}

    def _set(self, leaves: list[Leaf], second: int | None, *, even_empty: bool) -> Expected:
        reserved = self._reserved(second=second)
        return Expected(path="/s", reserved=reserved, leaves=leaves, even_empty=even_empty)

    def _join(self, one: str, other: str) -> list[Expected]:
        if one == other and not self.facts.aliases_itself:
            return []
        return [Expected(path="/a", reserved={"_p": one, "_n": other, **self._address()})]

    def _alias(self) -> list[Expected]:
        raw = self.message.get("previousId")
        if raw in {None, ""}:
            if self.facts.previous_id_needed or not self.message.get("anonymousId"):
                raise RefusedError
            previous = self.anonymous
        else:
            previous = self._identity("previousId", {**USERS, 7: "7"})
        if self.facts.checks and (previous is None or self.user is None or previous == self.user):
            raise RefusedError
        return self._join(self.user, previous) if self.facts.alias_new_first else self._join(previous, self.user)

    def _identify(self) -> list[Expected]:
        traits = self.message.get("traits") or self.context.get("traits") or {}
        leaves = [Leaf("id", self.user, own=True)] if self.user and self.facts.adds_id else []
        for leaf in flat(self.facts, traits):
            repeats = leaf.name in {"userId", "anonymousId"} and self._repeats(leaf.name, traits[leaf.name])
            leaves += [] if repeats and self.facts.checks else [leaf]
        joined = []
        if self.facts.alias_on_identify and self.user and self.anonymous:
            joined = self._join(self.user, self.anonymous)
        said = [self._set(leaves, self.second, even_empty=not self.facts.checks)]
        return [*joined, *said] if self.facts.alias_first else [*said, *joined]

    def _repeats(self, name: str, value: Any) -> bool:
        known = {**USERS, **ANONYMOUS}
        kept = known.get(value, value) if value.__hash__ and isinstance(value, str) else value
        # Both ids the same are one id, kept as the user's.
        anonymous = None if self.anonymous == self.user else self.anonymous
        return kept is not None and kept == (self.user if name == "userId" else anonymous)

    def _group(self) -> list[Expected]:
        if not self.facts.groups:
            return []
        write = in_brackets if self.facts.group_in_brackets else flat
        leaves = [Leaf("id", self.message["groupId"], own=True), *write(self.facts, self.message["traits"])]
        return [self._set(prefixed("Group" + self.facts.separator, leaves), self.second, even_empty=True)]

    def _view(self, kind: str) -> list[Expected]:
        facts, word = self.facts, self.facts.page_word[kind]
        if kind == "screen" and not facts.screens:
            return []
        name, category = self.message["name"] or "", self.message["category"] or ""
        properties = self.message["properties"]
        found = []
        if kind == "page" and facts.page_view:
            url = properties.get("url") or self.context.get("page", {}).get("url")
            around = {"Viewed URL": js_text(url), "Referrer": js_text(properties.get("referrer")) or "Direct"}
            leaves = [Leaf(name, text, own=True) for name, text in around.items() if text]
            found.append(self._event("Page View", leaves))
        own = [Leaf("name", name, own=True)] if name else []
        own += [Leaf("category", category, own=True)] if category else []
        if facts.page_named_by_properties:
            own, among = [], js_text(properties.get("category"))
            event = f"Viewed {among} {name} page" if name and among else f"Viewed {name} {word}" if name else ""
        else:
            event = f"Viewed {name or category} {word}" if name or category else ""
        if not event:
            if facts.unnamed is None:
                return found
            event = facts.unnamed.format(word=word, kind=kind.capitalize())
        write = in_brackets if facts.page_in_brackets else flat
        leaves = [*own, *write(facts, properties)]
        prefix = kind.capitalize() + facts.separator if facts.page_prefixed[kind] else ""
        return [*found, self._event(event, prefixed(prefix, leaves))]

    def _event(self, event: str, leaves: list[Leaf]) -> Expected:
        if len(event) > 255 and self.facts.checks:
            raise RefusedError
        return Expected(path="/e", reserved=self._reserved(event, second=self.second), leaves=leaves)

    def _track(self) -> list[Expected]:
        facts, event = self.facts, self.message["event"]
        values = dict(self.message["properties"])
        completed = event in facts.orders
        products = None
        if completed or facts.products_of_others != "kept":
            products = values.pop("products", None)
        if completed and facts.order_in_brackets:
            leaves = [*self._revenue_as_it_came(values), *in_brackets(facts, values)]
        else:
            own, values = self._revenue(values, total=event in facts.totals)
            leaves = [*own, *flat(facts, values)]
        sent = completed or facts.products_of_others == "sent"
        broken = products is not None and not isinstance(products, list)
        if broken or (products and not sent):
            leaves.append(Leaf("products", None, "dropped_products"))
        found = [self._event(event, self._named(event, leaves, prefixed_=facts.prefixed))]
        if sent and isinstance(products, list):
            found += self._products(event, products, found[0])
        return found

    def _products(self, event: str, products: list[Any], of: Expected) -> list[Expected]:
        facts, found = self.facts, []
        for place, product in enumerate(products):
            if not isinstance(product, dict):
                of.leaves.append(Leaf("products", None, "unsupported_value"))
                continue
            leaves: list[Leaf] = []
            if facts.products_in_brackets:
                leaves = [*self._revenue_as_it_came(product), *in_brackets(facts, product)]
            elif facts.product_revenue:
                own, rest = self._revenue(product, total=event in facts.totals)
                leaves = [*own, *flat(facts, rest)]
            else:
                leaves = list(flat(facts, product))
            second = self.second + place if facts.products_timed else None
            named = self._named(event, leaves, prefixed_=facts.products_prefixed)
            found.append(self._set(named, second, even_empty=False))
        return found

    def _named(self, event: str, leaves: list[Leaf], *, prefixed_: bool) -> list[Leaf]:
        """
        Put the event's name before all but the amount that Kissmetrics looks for.
        """
        if not prefixed_:
            return leaves
        named = []
        for leaf in leaves:
            separator = " - " if leaf.name == "revenue" else self.facts.separator
            bare = leaf.name == "Billing Amount"
            named.append(
                leaf if bare else Leaf(f"{event}{separator}{leaf.name}", leaf.text, leaf.reason, leaf.own)
            )
        return named

    def _revenue(self, values: dict[str, Any], *, total: bool) -> tuple[list[Leaf], dict[str, Any]]:
        """
        Read the amount; return it under both names, and what else there is.
        """
        source = values.get("revenue")
        silent = source in (None, "") or (self.facts.reads_amounts == 1 and source == 0)
        if total and silent:
            source = values.get("total")
        amount = self._amount(source)
        if amount is None or (amount == 0 and self.facts.reads_amounts == 1):
            return [], values
        rest = {name: value for name, value in values.items() if name != "revenue"}
        text = js_number(amount)
        billed = [Leaf("Billing Amount", text, own=True)] if amount else []
        return [*billed, Leaf("revenue", text, own=True)], rest

    def _amount(self, source: Any) -> float | None:
        if isinstance(source, str):
            return AMOUNTS.get(source, (None, None))[self.facts.reads_amounts]
        usable = isinstance(source, int | float) and not isinstance(source, bool) and not unsendable(source)
        return None if not usable or math.isnan(source) else source

    def _revenue_as_it_came(self, values: dict[str, Any]) -> list[Leaf]:
        text = js_text(values.get("revenue"))
        return [Leaf("Billing Amount", text, own=True)] if text else []


def prefixed(prefix: str, leaves: list[Leaf]) -> list[Leaf]:
    return [Leaf(prefix + leaf.name, leaf.text, leaf.reason, leaf.own) for leaf in leaves]


def js_text(value: Any) -> str:
    """
    Write a single value; an object or array is none.
    """
    return "" if isinstance(value, dict | list) else js_single(value)
