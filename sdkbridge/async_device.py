"""
One device, as a program on asyncio holds it in its hand.
"""

from collections.abc import Awaitable, Callable, Mapping

from sdkbridge.awaiting import committed
from sdkbridge.device import DeviceCalls
from sdkbridge.receipt import Receipt
from sdkbridge.sessions.session import DeviceSession


class AsyncDevice(DeviceCalls[Awaitable[Receipt]]):
    """
    A `Device` whose calls are awaited, and so is what it remembers: ``await phone.identity``.

    Made by `AsyncBridge.device`.
    """

    @property
    async def identity(self) -> str:
        """
        The identity that calls go under now.
        """
        return (await self._session()).identity

    @property
    async def anonymous_id(self) -> str:
        """
        The anonymous identity that was generated when the session began.
        """
        return (await self._session()).anonymous_id

    @property
    async def is_anonymous(self) -> bool:
        """
        Whether nobody has been identified since the session began.
        """
        return (await self._session()).is_anonymous

    @property
    async def traits(self) -> Mapping[str, str]:
        """
        What was said of the person since the session began: names and texts, as they were sent.
        """
        return (await self._session()).traits

    async def _session(self) -> DeviceSession:
        return await committed(self._core, lambda: self._core.acceptance.devices.session(self.name))

    def _do(self, work: Callable[[], Receipt]) -> Awaitable[Receipt]:
        return committed(self._core, work)
