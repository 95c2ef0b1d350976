"""
What an audit says in sentences, for people who know their customers better than graphs.
"""

from collections.abc import Sequence

from identity.squished.values import Cause, SquishedPerson

LONGEST_QUOTE = 60

HEADINGS = {
    Cause.PLACEHOLDER: "a placeholder",
    Cause.HUB: "an identity that everybody shares",
    Cause.SHARED_DEVICE: "a shared device",
    Cause.ADDRESS_CHANGE: "a wrong change of address",
    Cause.TWO_ACCOUNTS: "two accounts joined",
}
"""Each cause in a few words."""


def quoted(name: str) -> str:
    """
    Return an identity in quotes, cut where it is too long for a sentence.
    """
    return repr(name if len(name) <= LONGEST_QUOTE else name[: LONGEST_QUOTE - 3] + "...")


def counted(count: int, one: str, many: str) -> str:
    """
    Return a count with its noun.
    """
    return f"{count:,} {one if count == 1 else many}"


def why_placeholder(placeholder: str, other: str) -> str:
    """
    Say why a link with a placeholder is to blame.
    """
    return f"{quoted(placeholder)} stands for nobody, and was joined with {quoted(other)}."


def why_hub(hub: str, other: str, people: int) -> str:
    """
    Say why a link with a hub is to blame.
    """
    more = counted(people - 1, "more account or address", "more accounts and addresses")
    return f"{quoted(hub)} was joined with {quoted(other)} and {more}: nobody has so many."


def why_device(device: str, owner: str, other: str) -> str:
    """
    Say why a link with a device is to blame.
    """
    if owner == device:
        return f"The device {quoted(device)} was joined with {quoted(other)} of somebody else."
    return f"The device {quoted(device)} belonged to {quoted(owner)} when {quoted(other)} was joined with it."


def why_address(older: str, newer: str, *, lives: bool) -> str:
    """
    Say why a change of address is to blame.
    """
    lived = "both were in use before, and by two customers" if lives else "they lead to two customers"
    return f"{quoted(older)} was joined with {quoted(newer)} as if an address had changed, but {lived}."


def why_accounts(older: str, newer: str, owners: tuple[str, str]) -> str:
    """
    Say why a link between names is to blame.
    """
    joined = f"{quoted(older)} was joined with {quoted(newer)}"
    if set(owners) == {older, newer}:
        return f"{joined}: two customers."
    return f"{joined}, which makes one customer of {quoted(owners[0])} and {quoted(owners[1])}."


def summary(people: int, causes: Sequence[Cause], through: Sequence[str], drop: int) -> str:
    """
    Say in a sentence what happened to a squished person, and what would part it.
    """
    what = " and ".join(HEADINGS[cause] for cause in causes[:2])
    named = ", ".join(map(quoted, through[:2])) + (f" and {len(through) - 2} more" if len(through) > 2 else "")
    blame = f"{what} ({named})" if named else what
    who = "1 person is joined with nobody" if people == 1 else f"{people:,} people count as one"
    return f"{who}, because of {blame}. Without {counted(drop, 'link', 'links')} they would be apart."


def crowd(name: str, identities: int) -> str:
    """
    Say what is odd about a person who has very many identities and no contradiction among them.
    """
    return (
        f"{quoted(name)} has {identities:,} identities: a login that many people share, a test account, or a "
        "program that makes up a new device each time. No link is to blame, and nothing can part them."
    )


def heading(person: SquishedPerson) -> str:
    """
    Return a few words over what was found.
    """
    if not person.blamed:
        return f"one name, {person.identities:,} identities: {quoted(person.name)}"
    nobodies = [part.name for part in person.parts if part.nobody]
    said = f"{counted(person.people, 'person', 'people')} in one"
    return f"{said}, through {quoted(nobodies[0])}" if nobodies else f"{said}: {quoted(person.name)}"
