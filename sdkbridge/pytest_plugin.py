"""
The fixture ``kissmetrics`` for pytest: a Kissmetrics on this machine, fresh for each test.

    def test_signing_up_is_one_person(kissmetrics):
        my_backend.sign_up("ann@example.com", tracking_url=kissmetrics.url)

        assert kissmetrics.person("ann@example.com").event_counts == {"Signed Up": 1}

pytest finds it once the package is installed. It is imported at the start of every pytest run, so what it needs is
imported by the tests that use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdkbridge.kissmetrics.log import LoggedRequest
    from sdkbridge.kissmetrics.people import LocalKissmetrics, Person
    from sdkbridge.kissmetrics.server import KissmetricsServer


class RunningKissmetrics:
    """
    A local Kissmetrics that takes requests at a URL.

    Attributes:
        fail: lets requests go wrong from now on, as in ``fail(500, times=3)`` or ``fail("reset", share=0.2)``; see
            `KissmetricsServer.fail`.
        heal: lets nothing go wrong any more, and ends what is going wrong.
    """

    def __init__(self, server: KissmetricsServer) -> None:
        self._server = server
        self.fail = server.fail
        self.heal = server.heal

    def __repr__(self) -> str:
        return f"RunningKissmetrics({self.url!r})"

    @property
    def url(self) -> str:
        """
        Where it listens, such as ``http://127.0.0.1:8080``.
        """
        return self._server.url

    @property
    def people(self) -> list[Person]:
        """
        The people that follow from what was sent so far, by their identities.
        """
        return self.local.people()

    def person(self, identity: str) -> Person:
        """
        Return the person who is known by an identity.

        Raises:
            LookupError: nothing was recorded of that identity, or several products know it.
        """
        found = self.local.people(identity)
        if len(found) != 1:
            known = [list(person.identities) for person in self.people]
            raise LookupError(f"{len(found)} people are known as {identity!r}; known are {known}")
        return found[0]

    @property
    def requests(self) -> list[LoggedRequest]:
        """
        Every request that was taken, right or wrong, in order and without its key.
        """
        return list(self.local.requests())

    @property
    def local(self) -> LocalKissmetrics:
        """
        What is behind the URL, to ask anything else: time lines, funnels, exports, diagnostics.
        """
        return self._server.kissmetrics

    @property
    def faults(self) -> list[dict[str, Any]]:
        """
        The faults that were asked for since the last healing, each with how many requests it ``met``.
        """
        return self._server.faults()


@pytest.fixture
def kissmetrics() -> Iterator[RunningKissmetrics]:
    """
    Run a local Kissmetrics on a free port of this machine; after the test everything is forgotten.
    """
    from identity.database import Database  # noqa: PLC0415 - most tests of a project need no Kissmetrics
    from sdkbridge.kissmetrics.people import LocalKissmetrics  # noqa: PLC0415
    from sdkbridge.kissmetrics.server import KissmetricsServer  # noqa: PLC0415

    database = Database(":memory:")
    try:
        with KissmetricsServer(LocalKissmetrics(database)) as server:
            yield RunningKissmetrics(server)
    finally:
        database.close()
