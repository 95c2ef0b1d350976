"""
One visit of one person to an app on one device.
"""

from typing import Any

from attrs import define

from identity.simulate.households.dice import Dice
from identity.simulate.households.people import HOUR_MS, MINUTE_MS, Device, Person
from identity.simulate.households.post import Post
from identity.simulate.households.rates import Rates

NOBODY = "null"
"""What a release says that forgot that nobody may be signed in."""

PRODUCTS = ("kettle", "teapot", "mug", "grinder", "scale", "filter")

LONGEST_OFFLINE_MS = 72 * HOUR_MS


@define
class Visit:
    """
    Somebody on a device, from a moment on.
    """

    person: Person
    device: Device
    at_ms: int
    dice: Dice
    rates: Rates
    post: Post
    delay_ms: int = 0

    def take_place(self, *, bad_release: bool, logs_out: float) -> None:
        """
        Do what people do.

        Args:
            bad_release: whether the release that identifies nobody as ``null`` is out.
            logs_out: how often a visit ends with a log-out.
        """
        device, dice = self.device, self.dice
        self.at_ms = max(self.at_ms, device.free_ms + MINUTE_MS)
        if dice.chance(self.rates.offline):
            self.delay_ms = round(dice.between(HOUR_MS, LONGEST_OFFLINE_MS))
        if device.is_fresh:
            device.is_fresh = False
            self._does("track", event="Application Installed", properties={"version": "5.0"})
        self._does("track", event="Application Opened", properties={"version": "5.0"})
        if bad_release and device.has_bad_release and device.user_id is None:
            self._identifies(NOBODY)
        self._says_who()
        self._looks_around()
        if device.user_id is not None and dice.chance(logs_out):
            device.reset()
        device.free_ms = self.at_ms

    def _does(self, kind: str, **own: Any) -> None:  # noqa: ANN401 - members of a message
        again = self.dice.chance(self.rates.repeats)
        self.post.send(self.person, self.device, self.at_ms, kind, delay_ms=self.delay_ms, again=again, **own)
        self.at_ms += round(self.dice.between(2_000, 90_000))

    def _says_who(self) -> None:
        """
        Sign in, or stay who one is; a device where somebody else is signed in is borrowed, or taken over.
        """
        person, device, dice, rates = self.person, self.device, self.dice, self.rates
        there = device.user_id
        if there is not None and there == person.account:
            if dice.chance(rates.identifies_at_launch):
                self._identifies(there)
            return
        somebody_else = there is not None and there != NOBODY and not there.startswith(f"{person.name}@")
        if person.account is None or dice.chance(rates.borrows if somebody_else else 1 - rates.signs_in):
            return
        if somebody_else and not dice.chance(rates.forgets_reset):
            device.reset()
        self._signs_in(person.account)

    def _signs_in(self, account: str) -> None:
        person = self.person
        self._identifies(account)
        event = "Signed In" if person.has_signed_up else "Signed Up"
        self._does("track", event=event, properties={})
        if not person.has_signed_up and person.browser is not None and self.dice.chance(self.rates.hand_overs):
            # The link in the app's store carried the browser's identity.
            self.post.send(
                person, None, self.at_ms, "alias", previousId=person.browser.anonymous_id, userId=account
            )
        person.has_signed_up = True

    def _identifies(self, user_id: str) -> None:
        self.device.user_id = user_id
        self._does("identify", traits={"plan": "free"})

    def _looks_around(self) -> None:
        for _ in range(1 + self.dice.count(3.0)):
            product = self.dice.pick(PRODUCTS)
            if self.dice.chance(0.3):
                self._does("screen", name="Shop", properties={})
            else:
                self._does("track", event="Product Viewed", properties={"product_id": product})
        if self.dice.chance(0.25):
            self._does("track", event="Product Added", properties={"product_id": self.dice.pick(PRODUCTS)})
            if self.device.user_id not in {None, NOBODY} and self.dice.chance(0.5):
                revenue = round(self.dice.between(5, 80), 2)
                self._does("track", event="Order Completed", properties={"revenue": revenue})
