"""
Options that need a memory: traits carried over from the person before, and the app and device when they change.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from identity.database import Database
from sdkbridge import Bridge, MappingOptions, Receipt
from sdkbridge.sessions.described import Described
from sdkbridge.sessions.session import DeviceSession

ANN = {"email": "ann@shop.example", "plan": "pro"}
BOTH = {**ANN, "first_name": "Bob"}


@pytest.fixture
def bridge_with() -> Iterator[Callable[..., Bridge]]:
    """
    Makes a bridge with options, that delivers nothing.
    """
    made: list[Bridge] = []

    def make(**options: Any) -> Bridge:
        made.append(Bridge(":memory:", api_key="k", deliver=False, options=MappingOptions(**options)))
        return made[-1]

    yield make
    for bridge in made:
        bridge.close()


def said(receipt: Receipt) -> dict[str, str]:
    """
    What a call set of a person, besides who they are.
    """
    properties = [pair for request in receipt.requests if request.path == "/s" for pair in request.properties]
    return {name: text for name, text in properties if name != "id"}


class TestCarriedTraits:
    """
    Segment's classic mobile SDKs keep traits until the reset, and say of Bob what they know of Ann.
    """

    @pytest.fixture(params=["device", "message"])
    def identify(self, request: pytest.FixtureRequest) -> Callable[..., Receipt]:
        """
        Identifies on a device of the bridge's, or by messages that carry the phone's anonymous identity.
        """

        def on_device(bridge: Bridge, user_id: str, traits: dict[str, Any]) -> Receipt:
            return bridge.device("phone").identify(user_id, traits)

        def by_message(bridge: Bridge, user_id: str, traits: dict[str, Any]) -> Receipt:
            return bridge.identify(user_id, traits, anonymous_id="4F1C")

        return on_device if request.param == "device" else by_message

    def test_they_are_sent_by_default(self, bridge_with: Any, identify: Any) -> None:
        """
        As Segment's servers would.
        """
        bridge = bridge_with()
        identify(bridge, "ann", ANN)

        assert said(identify(bridge, "bob", BOTH)) == BOTH

    def test_they_can_be_left_out(self, bridge_with: Any, identify: Any) -> None:
        """
        What was said of Ann is not said of Bob; the receipt names it, and the alias is held or never proposed.
        """
        bridge = bridge_with(drop_carried_traits=True)
        first = identify(bridge, "ann", ANN)
        second = identify(bridge, "bob", BOTH)

        assert (said(first), said(second)) == (ANN, {"first_name": "Bob"})
        assert "carried_traits" in {warning.code for warning in second.warnings}
        assert all(request.path != "/a" for request in second.requests)

    def test_what_is_new_of_the_second_person_is_sent(self, bridge_with: Any, identify: Any) -> None:
        """
        Another value is no trait of the one before; and once Bob is there, what is said of him is his own.
        """
        bridge = bridge_with(drop_carried_traits=True)
        identify(bridge, "ann", ANN)

        assert said(identify(bridge, "bob", {"plan": "free"})) == {"plan": "free"}
        assert said(identify(bridge, "bob", {"plan": "free"})) == {"plan": "free"}

    def test_the_same_person_again_loses_nothing(self, bridge_with: Any, identify: Any) -> None:
        """
        A phone that says the same at each launch is believed each time.
        """
        bridge = bridge_with(drop_carried_traits=True)

        assert [said(identify(bridge, "ann", ANN)) for _ in range(2)] == [ANN, ANN]

    def test_another_phone_carries_nothing(self, bridge_with: Any) -> None:
        """
        Who has the same plan on another phone has it.
        """
        bridge = bridge_with(drop_carried_traits=True)
        bridge.identify("ann", ANN, anonymous_id="4F1C")

        assert said(bridge.identify("bob", ANN, anonymous_id="9A2B")) == ANN

    def test_nothing_is_remembered_of_somebody_forgotten(self) -> None:
        """
        Neither by who they are nor by the phone's anonymous identity.
        """
        database = Database()
        described = Described(database)
        for anonymous, user in (("X", "ann"), ("Y", "ann"), ("Z", "bob")):
            described.save(DeviceSession(device=anonymous, identity=user, anonymous_id=anonymous))
        described.forget("ann")
        described.forget("Z")

        assert database.rows("SELECT * FROM described") == []
        database.close()


class TestContext:
    """
    The properties that Kissmetrics' own SDKs set of the app and the device.
    """

    CONTEXT: ClassVar = {"app": {"version": "1.2"}, "os": {"name": "iOS", "version": "17.0"}}
    TEXTS: ClassVar = {"App Version": "1.2", "System Name": "iOS", "System Version": "17.0"}

    def test_a_device_sets_what_changes(self, bridge_with: Any) -> None:
        """
        All of it the first time, then only what is new.
        """
        phone = bridge_with(context_properties=True).device("phone")
        newer = {**self.CONTEXT, "app": {"version": "1.3"}}
        seen = [said(phone.track("Seen", context=context)) for context in (self.CONTEXT, self.CONTEXT, newer)]

        assert seen == [self.TEXTS, {}, {"App Version": "1.3"}]

    def test_a_new_person_on_the_device_has_it_too(self, bridge_with: Any) -> None:
        """
        After a reset nothing is known of whoever comes next.
        """
        phone = bridge_with(context_properties=True).device("phone")
        phone.track("Seen", context=self.CONTEXT)
        phone.reset()

        assert said(phone.track("Seen", context=self.CONTEXT)) == self.TEXTS

    def test_it_stays_out_by_default(self, bridge_with: Any) -> None:
        """
        Segment forwarded the address and the user agent only.
        """
        phone = bridge_with().device("phone")

        assert said(phone.track("Seen", context=self.CONTEXT)) == {}
