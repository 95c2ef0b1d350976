"""
Everything that a bridge is made of, from what its maker says and what its settings say.
"""

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypedDict

from attrs import evolve, field, frozen

from identity.clock import Clock
from identity.database import Safety
from identity.policy import MergePolicy
from sdkbridge.delivery.problems import DeliveryProblem
from sdkbridge.delivery.settings import AS_USUAL, DeliverySettings
from sdkbridge.ids import IdGenerator
from sdkbridge.options import InvalidOption, MappingOptions, options_for
from sdkbridge.settings.resolving import Resolved, resolve
from sdkbridge.settings.setting import InvalidSetting

POLICIES = {
    "guarded": MergePolicy.guarded,
    "permissive": MergePolicy.permissive,
    "strict": MergePolicy.strict,
}


class Arguments(TypedDict, total=False):
    """
    What a bridge can be told beside its database; what is None counts as not said.

    Attributes:
        api_key: the Kissmetrics key.
        url: where Kissmetrics is.
        safety: what an accepted call survives: ``"process"``, the end of this process however sudden (the default
            on SQLite), or ``"power"``, a power cut, too (the default on PostgreSQL).
        profile: whose way of mapping.
        options: how calls are mapped to requests: the options that differ from the profile's, or all of them.
        policy: what decides about aliases, or its name.
        alias_grace: how many seconds an alias waits before it is queued, and its link can be retracted.
        outbox_limit: how many requests may wait for delivery; beyond, calls are refused with `OutboxFull`.
        deliver: whether to deliver as calls come; otherwise only `flush` does, or another process.
        concurrency: how many requests are under way at once.
        pace: how many requests to send a second at most.
        timeout: how many seconds a request may take in all.
        alias_wait: for how many seconds an alias waits for its other side while that is failing.
        delivery: all of that at once, and more.
        clock: the time in seconds since 1970 UTC.
        ids: what makes anonymous ids and message ids.
        transport: what makes an httpx transport, in place of the usual one; see `KissmetricsClient`.
        on_error: told what goes wrong while delivering, in a thread of its own.
    """

    api_key: str | None
    url: str | None
    safety: Safety | str | None
    profile: str | None
    options: MappingOptions | Mapping[str, object] | None
    policy: MergePolicy | str | None
    alias_grace: float | None
    outbox_limit: int | None
    deliver: bool | None
    concurrency: int | None
    pace: float | None
    timeout: float | None
    alias_wait: float | None
    delivery: DeliverySettings | None
    clock: Clock | None
    ids: IdGenerator | None
    transport: Callable[[], object] | None
    on_error: Callable[[DeliveryProblem], object] | None


OBJECTS = frozenset({"delivery", "clock", "ids", "transport", "on_error"})
"""Arguments that no file can hold, and so are no settings."""

SAID_BY = {
    "options": ("profile",),
    "delivery": ("concurrency", "pace", "timeout", "alias_wait"),
}
"""An argument → the settings that it says all of, if it is an object."""


@frozen(kw_only=True)
class BridgeSettings:
    """
    Every setting of a bridge, with the objects that its names stand for.
    """

    database: str
    api_key: str = field(repr=False)
    url: str
    safety: str | None
    options: MappingOptions
    policy: MergePolicy
    alias_grace: float
    outbox_limit: int | None
    deliver: bool
    delivery: DeliverySettings


def bridge_settings(
    database: str | Path | None,
    arguments: Mapping[str, object],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> BridgeSettings:
    """
    Return a bridge's settings: what its maker says, and for the rest what `resolve` finds.

    Args:
        database: a path or a URL, if it is said.
        arguments: as in `Arguments`.
        environment: as for `resolve`.
        folder: as for `resolve`.

    Raises:
        InvalidSetting: a value cannot be, or database or key are nowhere to be found.
        TypeError: an argument does not exist, ``on_error`` cannot be called, or the database is neither a path nor
            a text.
    """
    for unknown in sorted(arguments.keys() - Arguments.__annotations__.keys()):
        near = get_close_matches(unknown, Arguments.__annotations__, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise TypeError(f"a bridge takes no argument {unknown!r}{hint}")
    said = {name: value for name, value in arguments.items() if value is not None}
    if "on_error" in said and not callable(said["on_error"]):
        raise TypeError("on_error must be a callable that takes a DeliveryProblem")
    objects = _objects(said)
    plain = {name: value for name, value in said.items() if name not in OBJECTS and name not in objects}
    if database is not None:
        plain["database"] = _as_text(database)
    resolved = resolve(plain, environment=environment, folder=folder)
    values = resolved.values
    kept = ("url", "safety", "alias_grace", "outbox_limit", "deliver")
    return BridgeSettings(
        database=_needed("database", resolved),
        api_key=_needed("api_key", resolved),
        options=objects.get("options") or mapping_options(resolved),
        policy=objects.get("policy") or POLICIES[values["policy"]](),
        delivery=objects.get("delivery") or _delivery(values),
        **{name: values[name] for name in kept},
    )


def _objects(said: Mapping[str, object]) -> dict[str, Any]:
    """
    Return the arguments that say at once what settings say one by one.
    """
    kinds = {"options": MappingOptions, "policy": MergePolicy, "delivery": DeliverySettings}
    objects = {name: said[name] for name, kind in kinds.items() if isinstance(said.get(name), kind)}
    for name in objects:
        for single in SAID_BY.get(name, ()):
            if single in said:
                raise InvalidSetting(single, "argument", f"is said by {name}, too: give one of the two")
    if "delivery" in said and "delivery" not in objects:
        raise TypeError("delivery must be DeliverySettings")
    return objects


def _as_text(database: str | Path) -> str:
    if not isinstance(database, str | os.PathLike):
        raise TypeError(f"database must be a path or a URL, not {type(database).__name__}")
    return os.fspath(database)


def _needed(name: str, resolved: Resolved) -> str:
    value: str | None = resolved.values[name]
    if value is None:
        how = 'Bridge("bridge.db")' if name == "database" else f'Bridge({name}="…")'
        raise InvalidSetting(
            name,
            "not given",
            f"is needed: say {how}, set SDKBRIDGE_{name.upper()}, or write {name} into sdkbridge.toml",
        )
    return value


def mapping_options(resolved: Resolved) -> MappingOptions:
    """
    Return how calls are mapped, by a profile and the options that differ from it.

    Raises:
        InvalidSetting: an option does not exist, or cannot be what it is said to be.
    """
    try:
        return options_for(resolved.values["profile"], resolved.values["options"])
    except InvalidOption as error:
        raise InvalidSetting("options", resolved.origins["options"], f"cannot be: {error}") from error


def _delivery(values: Mapping[str, Any]) -> DeliverySettings:
    return evolve(
        AS_USUAL,
        concurrency=values["concurrency"],
        pace=values["pace"],
        timeout_s=values["timeout"],
        alias_wait_s=values["alias_wait"],
    )
