"""
How often made-up people do what they do. ``docs/simulate.md`` argues for each default.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, fields, frozen, validators


def _share(default: float, meaning: str) -> Any:  # noqa: ANN401 - what attrs' field returns
    return field(
        default=default,
        converter=float,
        validator=[validators.ge(0.0), validators.le(1.0)],
        metadata={"meaning": meaning},
    )


def _mean(default: float, meaning: str) -> Any:  # noqa: ANN401 - what attrs' field returns
    return field(default=default, converter=float, validator=validators.ge(0.0), metadata={"meaning": meaning})


@frozen(kw_only=True)
class Rates:
    """
    How often made-up people do what they do.

    A rate is a share from 0 to 1, or an average number; `Rates.described` says what each one means.
    """

    others_at_home: float = _mean(1.3, "people in a household besides the first")
    more_phones: float = _mean(0.3, "phones of a person besides the first")
    visits_a_week: float = _mean(2.0, "days a week on which a person uses the app")
    signs_up: float = _share(0.6, "people who say who they are, sooner or later")
    signs_in: float = _share(0.5, "visits while signed out on which one of these signs in")
    identifies_at_launch: float = _share(0.3, "visits while signed in on which the app identifies once more")
    logs_out: float = _share(0.04, "visits that end with a log-out, which resets the device")
    reinstalls: float = _share(0.02, "visits before which the app was installed anew")
    shared_tablets: float = _share(0.1, "households of several with a tablet that all of them use")
    tablet_visits: float = _share(0.4, "visits that are made on the tablet where there is one")
    borrows: float = _share(0.2, "visits to a device where somebody else is signed in that leave it so")
    forgets_reset: float = _share(0.3, "changes of who is signed in without a reset between the two")
    kiosks: float = _mean(0.5, "kiosks, or tablets in shops, for each thousand people")
    kiosk_visits: float = _mean(6.0, "visits to a kiosk a day")
    kiosk_left_signed_in: float = _share(0.2, "visits to a kiosk after which nobody logs out")
    email_ids: float = _share(0.5, "accounts whose id is their e-mail address")
    email_changes: float = _share(0.003, "visits of one of these after which the address changes")
    changes_told: float = _share(0.7, "changes of address of which the server sends an alias")
    browser_first: float = _share(0.2, "people who come by the website first")
    hand_overs: float = _share(0.7, "of these, those whose sign-up in the app sends an alias from the browser")
    server_only: float = _share(0.05, "people who only ever occur in calls of the server")
    server_events: float = _share(0.1, "days of somebody signed up on which the server records something, too")
    placeholder_release: float = _share(0.03, "phones that get a release which identifies nobody as null")
    offline: float = _share(0.05, "visits without a connection, whose calls arrive hours or days later")
    clock_skew: float = _share(0.03, "devices whose clock is wrong, by minutes or hours")
    repeats: float = _share(0.002, "calls that arrive twice, with one message id")

    @classmethod
    def described(cls) -> dict[str, tuple[float, str]]:
        """
        Return the default and the meaning of each rate, by its name.
        """
        return {one.name: (one.default, one.metadata["meaning"]) for one in fields(cls)}

    @classmethod
    def of(cls, changed: Mapping[str, float]) -> "Rates":
        """
        Return the usual rates, but for some.

        Raises:
            ValueError: there is no rate of that name, or it cannot be that high or low.
        """
        unknown = changed.keys() - cls.described().keys()
        if unknown:
            raise ValueError(f"no rate {min(unknown)!r}: there are {', '.join(cls.described())}")
        try:
            return cls(**changed)
        except ValueError as error:
            raise ValueError(f"a rate is out of its range: {error.args[0]}") from error
