"""
What is counted under an identity.
"""

from attrs import frozen

from identity.ids import IdentityKind


@frozen
class Sighting:
    """
    Records under one identity.

    Attributes:
        name: the identity, folded.
        kind: anonymous or named.
        first_ms: when the first of them was, in milliseconds since 1970 UTC.
        last_ms: when the last of them was.
        records: how many they are.
        sort: what sort of name it is, if that was said.
    """

    name: str
    kind: IdentityKind
    first_ms: int
    last_ms: int
    records: int = 1
    sort: str | None = None
