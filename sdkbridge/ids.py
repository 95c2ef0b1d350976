"""
Making new ids: one for each anonymous session, one for each call that comes without.
"""

import uuid
from typing import Protocol


class IdGenerator(Protocol):
    """
    Whatever can make ids that nobody else has.
    """

    def anonymous_id(self, device: str) -> str:
        """
        Return a new anonymous identity for a device's session.
        """

    def message_id(self) -> str:
        """
        Return a new message id for a call.
        """


class RandomIds:
    """
    Random UUIDs; anonymous ones in upper case, as the iOS SDK writes them.
    """

    def anonymous_id(self, device: str) -> str:  # noqa: ARG002 - others may name it after the device
        """
        Return a new anonymous identity.
        """
        return str(uuid.uuid4()).upper()

    def message_id(self) -> str:
        """
        Return a new message id.
        """
        return str(uuid.uuid4())
