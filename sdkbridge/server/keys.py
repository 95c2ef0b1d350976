"""
Whose request it is: the write key, in any of the places where Segment's SDKs put it.

Source: the requests of Segment's SDKs. The Python and Node libraries put it into a Basic authorization, with or
without the colon behind it; the mobile ones into the body only; with OAuth the header holds a Bearer token, and
the body the key.
"""

import binascii
from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Generic, TypeVar

from sdkbridge.server.answers import Refusal

LONGEST_AUTHORIZATION = 8_192
"""Characters of the header: a Bearer token may be long."""

Owner = TypeVar("Owner")


class WriteKeys(Generic[Owner]):
    """
    The write keys of all projects.

    Args:
        owners: each key, and whose it is.
        unauthorized_status: of the answer to an unknown key.
    """

    def __init__(self, owners: Sequence[tuple[str, Owner]], *, unauthorized_status: int = 401) -> None:
        self._owners = [(_digest(key), owner) for key, owner in owners]
        self._unauthorized_status = unauthorized_status

    def owner(self, key: str) -> Owner | None:
        """
        Return whose key it is; takes the same time for every key, known or not.
        """
        asked = _digest(key)
        found = None
        for known, owner in self._owners:
            if compare_digest(known, asked):
                found = owner
        return found

    def authorized(self, authorization: str | None, in_body: object) -> Owner:
        """
        Return whose request it is.

        Args:
            authorization: the header.
            in_body: what the body has for ``writeKey``.

        Raises:
            Refusal: there is no key, one is unknown, or there are two of different owners.
        """
        given = [key for key in (basic_key(authorization), in_body) if key is not None]
        owners = {id(owner): owner for owner in map(self._owner_of, given)}
        if len(owners) != 1 or None in owners.values():
            raise self._unauthorized(bool(given))
        (owner,) = owners.values()
        assert owner is not None  # noqa: S101 - refused above
        return owner

    def _owner_of(self, key: object) -> Owner | None:
        return self.owner(key) if isinstance(key, str) and key else None

    def _unauthorized(self, given: bool) -> Refusal:  # noqa: FBT001 - private, and read at the one call
        message = "the write key is not one of this server's" if given else "a write key is required"
        headers = {
            401: {"WWW-Authenticate": 'Basic realm="write key", charset="UTF-8"'},
            503: {"Retry-After": "300"},
        }
        status = self._unauthorized_status
        return Refusal(status, "invalid_write_key", message, headers=headers.get(status))


def basic_key(authorization: str | None) -> str | None:
    """
    Return the key in a Basic authorization, or None if the header has another scheme, or none.

    A header that cannot be read holds a key that nobody has: an empty one.
    """
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    if len(credentials) > LONGEST_AUTHORIZATION:
        return ""
    try:
        decoded = b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]


def is_token(authorization: str | None, token: str) -> bool:
    """
    Tell whether a request shows the server's token: as a Bearer token, or as the password of any user.
    """
    scheme, _, shown = (authorization or "").partition(" ")
    if scheme.lower() == "basic" and len(shown) <= LONGEST_AUTHORIZATION:
        try:
            shown = b64decode(shown.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            shown = ""
    elif scheme.lower() != "bearer":
        shown = ""
    return compare_digest(_digest(shown.strip()), _digest(token))


def _digest(text: str) -> bytes:
    # Of one length, so that comparing them tells nothing of the key's.
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
