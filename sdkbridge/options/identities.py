"""
Options of who somebody is: identify, group and alias calls, and the identities of all calls.
"""

from typing import Literal

from attrs import frozen

from sdkbridge.options.kinds import choice, flag


@frozen(kw_only=True, slots=False)
class IdentityOptions:
    """
    Options of identify, group and alias calls.
    """

    auto_alias: Literal["first", "always", "never"] = choice(
        "first",
        "always",
        "never",
        meaning="Whether an identify that carries both ids sends an alias: if they were not joined before, also "
        "if they were, or never. A verdict to hold or to refuse goes before it.",
    )
    identify_order: Literal["alias_first", "set_first"] = choice(
        "alias_first", "set_first", meaning="Which request of an identify with an alias is sent first."
    )
    alias_direction: Literal["new_old", "old_new"] = choice(
        "new_old",
        "old_new",
        meaning="What _p and _n are in the alias of an identify; Kissmetrics makes no difference.",
    )
    alias_call_direction: Literal["old_new", "new_old"] = choice(
        "old_new",
        "new_old",
        meaning="What _p and _n are in the alias of an alias call; Kissmetrics makes no difference.",
    )
    alias_from_anonymous_id: bool = flag(
        default=True, meaning="Take the anonymousId for the previousId of an alias call that has none."
    )
    alias_time: bool = flag(
        default=False, meaning="Send the time with an alias, where Kissmetrics' specification knows none."
    )
    self_alias: bool = flag(default=False, meaning="Send an alias of an identity with itself.")
    identities: Literal["checked", "as_sent"] = choice(
        "checked",
        "as_sent",
        meaning="Check identities (fold e-mail addresses, set placeholders aside, refuse long ones), or take them "
        "as they come. A Bridge always checks.",
    )
    long_id: Literal["reject", "sha256"] = choice(
        "reject",
        "sha256",
        meaning="Refuse a call whose identity has more than 255 characters, or send the identity's SHA-256.",
    )
    identify_id_trait: bool = flag(default=True, meaning="Set the property id to the userId on an identify.")
    strip_sdk_traits: bool = flag(
        default=True,
        meaning="Leave out the traits anonymousId and userId that mobile SDKs add, if they repeat the call's own.",
    )
    drop_carried_traits: bool = flag(
        default=False,
        meaning="When somebody else is identified on a device, or under an anonymousId, without a reset, leave "
        "out the traits that were said of the one before. Needs a Bridge's memory.",
    )
    send_empty_set: bool = flag(
        default=False, meaning="Send an identify or group without any property all the same."
    )
    context_properties: bool = flag(
        default=False,
        meaning="Set App Version, App Build, Device Manufacturer, Device Platform, Device Model, System Name and "
        "System Version from the context: on a device when they change, otherwise with an identify and when the "
        "app is installed, updated or opened.",
    )
    send_groups: bool = flag(default=True, meaning="Send group calls.")
    group_title_case: bool = flag(
        default=False, meaning="Begin the names of a group's traits with a capital, as Segment's page does."
    )
    group_clean: bool = flag(
        default=True, meaning="Write a group's traits as an identify's; if false, nested ones in brackets."
    )
