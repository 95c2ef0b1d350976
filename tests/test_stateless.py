"""
What a call would become, without any memory, is what a new bridge makes of it.
"""

from collections.abc import Callable

import pytest

from identity.placeholders import Placeholders
from identity.policy import MergePolicy
from sdkbridge import Bridge, InvalidCall
from sdkbridge.calls import JSONObject
from sdkbridge.options import MappingOptions
from sdkbridge.stateless import map_alone

POLICIES = {
    "guarded": MergePolicy.guarded(),
    "without placeholders": MergePolicy.guarded().without("placeholder"),
    "of their own": MergePolicy.guarded(placeholders=Placeholders(values=frozenset({"kiosk"}))),
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("user_id", ["null", "kiosk", "ann"])
@pytest.mark.parametrize(
    "call",
    [
        {"type": "track", "event": "Paid"},
        {"type": "track", "event": "Paid", "anonymousId": "phone"},
        {"type": "identify", "anonymousId": "phone", "traits": {"plan": "pro"}},
        {"type": "alias", "previousId": "phone"},
    ],
    ids="-".join,
)
def test_what_stands_for_nobody_is_what_the_policy_says(
    call: JSONObject, user_id: str, policy: MergePolicy
) -> None:
    """
    Not what is taken for nobody where no policy says anything.
    """
    message = {**call, "userId": user_id}

    def by_bridge() -> object:
        with Bridge(":memory:", api_key="k", deliver=False, policy=policy, clock=lambda: 1.7e9) as bridge:
            return bridge.accept(message).requests

    def alone() -> object:
        return map_alone(message, options=MappingOptions(), policy=policy, received=1.7e9).requests

    def outcome_of(take: Callable[[], object]) -> object:
        try:
            return take()
        except InvalidCall as error:
            return str(error)

    assert outcome_of(alone) == outcome_of(by_bridge)
