"""
Calls as SDKs send them: what a device does carries its session's anonymous identity and its named one.
"""

from attrs import define, evolve

from identity.simulate.calls import RESET, Call, screened


@define
class _Session:
    anonymous_id: str
    begun: int = 1
    user_id: str | None = None
    switched: bool = False


class Devices:
    """
    The sessions of the devices that calls were made on.

    A session is named by the first identify, renamed by each other one, and forgets on a reset. Its anonymous
    identity is the device's name and how many sessions it has begun, such as ``iphone-anonymous-1``.

    Args:
        screen: whether a placeholder counts as absent, as it does for our bridge.
    """

    def __init__(self, *, screen: bool) -> None:
        self._screen = screen
        self._sessions: dict[str, _Session] = {}

    def fill(self, call: Call) -> Call:
        """
        Return the call with its identities filled in; a call without a device keeps its own.

        A reset, of which only a strategy hears, gets the anonymous identities before and after it.
        """
        if call.device is None:
            return screened(call) if self._screen else call
        session = self._session(call.device)
        if call.type == RESET:
            begun = session.begun + 1
            self._sessions[call.device] = after = _Session(_anonymous(call.device, begun), begun)
            return evolve(call, previous_id=session.anonymous_id, anonymous_id=after.anonymous_id, user_id=None)
        call = evolve(call, anonymous_id=None, user_id=call.user_id if call.type in _NAMING else None)
        if self._screen:
            call = screened(call)
        if call.type == "alias":
            previous_id = call.previous_id or session.user_id or session.anonymous_id
            return evolve(call, previous_id=previous_id, anonymous_id=session.anonymous_id)
        named = call.type == "identify" and call.user_id not in {None, session.anonymous_id}
        if named:
            session.switched |= session.user_id not in {None, call.user_id}
            session.user_id = call.user_id
        return evolve(
            call,
            user_id=session.user_id,
            anonymous_id=session.anonymous_id,
            proposes=(named and not session.switched) or call.refused_user_id is not None,
        )

    def _session(self, device: str) -> _Session:
        found = self._sessions.get(device)
        if found is None:
            found = self._sessions[device] = _Session(_anonymous(device, 1))
        return found


_NAMING = frozenset({"identify", "alias"})


def _anonymous(device: str, begun: int) -> str:
    return f"{device}-anonymous-{begun}"
