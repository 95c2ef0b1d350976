"""
The same calls under several strategies, each in a world of its own.

Calls are taken one by one and never kept. What is kept grows with the number of identities, not of calls: a few
numbers for each identity and strategy, and one line for each call that joined two people under some strategy.
"""

from array import array
from collections.abc import Container, Iterable, Sequence

from identity.errors import InvalidIdentity
from identity.simulate.activity import UNKNOWN, Activity, funnel_of, retention_of, uses_of
from identity.simulate.calls import Call, JSONObject, read_call
from identity.simulate.causes import Causes
from identity.simulate.comparison import Comparison, Refused
from identity.simulate.devices import Devices
from identity.simulate.differences import Known, differences
from identity.simulate.funnel import USUAL_STEPS
from identity.simulate.numbered import Identities
from identity.simulate.repeats import Repeats
from identity.simulate.strategies import GUARDED, IOS, NEVER, SEGMENT_SERVER, Strategy
from identity.simulate.truth import Truth
from identity.simulate.world import Counted, World

ALL = (NEVER, IOS, SEGMENT_SERVER, GUARDED)

SHOWN_REFUSALS = 20

JOINING = frozenset({"identify", "alias"})


def compare(
    calls: Iterable[JSONObject],
    strategies: Sequence[Strategy] = ALL,
    *,
    truth: Truth | None = None,
    funnel: Sequence[str] = USUAL_STEPS,
    within_s: int | None = None,
    most_differences: int = 50,
) -> Comparison:
    """
    Take calls once, and return what each strategy makes of them.

    Args:
        calls: messages in Segment's spelling, in the order of their arrival; one with a ``device`` instead of
            ids goes through that device's session.
        strategies: the ways to decide on aliases.
        truth: who truly made the calls, where that is known.
        funnel: names of events, in their order; a screen or page is ``Viewed <name> Screen`` or ``… Page``.
        within_s: how long the way through the funnel may take, in seconds.
        most_differences: how many of the worst differences to return.

    Raises:
        ValueError: two strategies have one name, or there is none.
    """
    simulation = Simulation(strategies, truth=truth, funnel=funnel, within_s=within_s)
    for message in calls:
        simulation.take(message)
    return simulation.result(most_differences=most_differences)


class Simulation:
    """
    What `compare` does, for calls that come one by one.
    """

    def __init__(
        self,
        strategies: Sequence[Strategy] = ALL,
        *,
        truth: Truth | None = None,
        funnel: Sequence[str] = USUAL_STEPS,
        within_s: int | None = None,
    ) -> None:
        names = [strategy.name for strategy in strategies]
        if not names or len(set(names)) < len(names):
            raise ValueError("strategies must be at least one, each with a name of its own")
        self._identities = Identities()
        self._worlds = [World(strategy, self._identities) for strategy in strategies]
        self._truth = truth
        self._within_s = within_s
        self._causes = Causes(names)
        self._as_sent, self._as_ours = Devices(screen=False), Devices(screen=True)
        # Nearly all is recorded alike under each strategy; what differs is in the two smaller ones.
        self._alike, self._only_sent, self._only_ours = (Activity(funnel) for _ in range(3))
        self._true = Activity(funnel)
        self._named = bytearray()
        self._repeats = Repeats()
        self._taken = self._unknown = self._left_out = 0
        self._refused: list[Refused] = []
        self._refusals = 0

    def take(self, message: JSONObject, *, number: int | None = None) -> None:
        """
        Take one message in Segment's spelling.

        Args:
            message: the call.
            number: what to call it by, such as its line in a file; by default its place among all.
        """
        try:
            call = read_call(message)
        except (InvalidIdentity, ValueError) as error:
            self.refuse(str(error), number=number)
            return
        self._taken += 1
        if self._repeats.is_repeat(call.message_id):
            return
        sent, ours = self._as_sent.fill(call), self._as_ours.fill(call)
        if ours is not sent and ours == sent:
            ours = sent
        self._join(sent, ours, number or self._taken)
        self._record(sent, ours)

    def leave_out(self) -> None:
        """
        Count a message that is not for Kissmetrics.
        """
        self._taken += 1
        self._left_out += 1

    def refuse(self, problem: str, *, number: int | None = None) -> None:
        """
        Count a message that cannot be read.
        """
        self._taken += 1
        self._refusals += 1
        if len(self._refused) < SHOWN_REFUSALS:
            self._refused.append(Refused(number=number or self._taken, problem=problem))

    def _join(self, sent: Call, ours: Call, number: int) -> None:
        joining = sent.type in JOINING
        joined, joined_by = None, 0
        for bit, world in enumerate(self._worlds):
            if not joining and not world.strategy.hears_all:
                continue
            two = world.hear(ours if world.strategy.screens else sent)
            if two is not None:
                joined, joined_by = joined or two, joined_by | 1 << bit
        if joined is not None:
            remarks = (world.remark for world in self._worlds if world.strategy.screens)
            self._causes.add(
                number=number,
                type=sent.type,
                message_id=sent.message_id,
                joined=joined,
                at_ms=sent.at_ms,
                joined_by=joined_by,
                remark=next((remark for remark in remarks if remark), ""),
            )

    def _record(self, sent: Call, ours: Call) -> None:
        if not (sent.is_recorded or ours.is_recorded):
            return
        person = UNKNOWN
        if self._truth is not None:
            person = self._truth.person_of(ours)
            if person == UNKNOWN:
                self._unknown += 1
            else:
                self._true.note(person, person, sent.event, sent.at_ms)
        if ours is sent:
            self._note(self._alike, sent, person)
        else:
            self._note(self._only_sent, sent, person)
            self._note(self._only_ours, ours, person)

    def _note(self, activity: Activity, call: Call, person: int) -> None:
        if call.identity is None or not call.is_recorded:
            return
        number = self._identities.number(call.identity)
        activity.note(number, person, call.event, call.at_ms)
        if call.user_id is not None:
            if number >= len(self._named):
                self._named.extend(bytes(number + 1 - len(self._named)))
            self._named[number] = 1

    def result(self, *, most_differences: int = 50) -> Comparison:
        """
        Return what came of the calls so far.
        """
        counted = tuple(
            world.counted(self._activities(world), truth_is_known=self._truth is not None, within_s=self._within_s)
            for world in self._worlds
        )
        different, worst = differences(
            {world.strategy.name: world.partition(self._activities(world)) for world in self._worlds},
            self._identities,
            self._known(),
            self._causes,
            most=most_differences,
        )
        return Comparison(
            calls=self._taken - self._left_out - self._refusals - self._repeats.found,
            left_out=self._left_out,
            repeats=self._repeats.found,
            refused_calls=self._refusals,
            refused=tuple(self._refused),
            identities=len(self._identities),
            events=self._alike.events + self._only_sent.events,
            unknown_calls=self._unknown,
            strategies=counted,
            truth=self._truly() if self._truth is not None else None,
            different_people=different,
            differences=worst,
        )

    def _activities(self, world: World) -> tuple[Activity, Activity]:
        return self._alike, self._only_ours if world.strategy.screens else self._only_sent

    def _truly(self) -> Counted:
        sizes: dict[int, int] = {}
        for _, person, _ in uses_of((self._alike, self._only_sent)):
            if person != UNKNOWN:
                sizes[person] = sizes.get(person, 0) + 1
        per_person: dict[int, int] = {}
        for size in sizes.values():
            per_person[size] = per_person.get(size, 0) + 1
        return Counted(
            strategy="truth",
            described="who it truly was",
            people=len(sizes),
            verdicts={},
            identities_per_person=dict(sorted(per_person.items())),
            funnel=funnel_of((self._true,), lambda person: person, within_s=self._within_s),
            retention=retention_of((self._true,), lambda person: person),
        )

    def _known(self) -> Known:
        count = len(self._identities)
        is_named = self._named + bytes(count - len(self._named))
        events_of = array("q", [0]) * count
        for number, _, events in uses_of((self._alike, self._only_sent)):
            events_of[number] += events
        return Known(is_named, events_of, None if self._truth is None else self._persons)

    def _persons(self, numbers: Container[int]) -> dict[int, set[int]]:
        persons: dict[int, set[int]] = {}
        for number, person, _ in uses_of((self._alike, self._only_sent)):
            if number in numbers and person != UNKNOWN:
                persons.setdefault(number, set()).add(person)
        return persons
