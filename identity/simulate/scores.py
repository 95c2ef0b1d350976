"""
How people that were counted compare with the true ones.

What is compared are uses: an identity that a true person used is one item, and one that three people used is
three, which no strategy can tell apart. Pairwise measures look at each two items: is it said that they are one
person's, and are they? B-cubed measures look at each item: which part of those that are said to be of one person
with it are (precision), and which part of those that are is said to be (recall).
"""

from collections import Counter
from collections.abc import Iterable

from attrs import frozen

from identity.simulate.activity import UNKNOWN


@frozen
class Agreement:
    """
    Precision and recall, each from 0 to 1.

    Attributes:
        precision: of what was joined, how much belongs together.
        recall: of what belongs together, how much was joined.
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """
        The harmonic mean of the two.
        """
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@frozen(kw_only=True)
class Scores:
    """
    How a strategy's people compare with the true ones.

    Attributes:
        true_people: true people of whom anything was recorded.
        squished: counted people that hold two or more true ones.
        squished_people: true people in them.
        avoidable: squished people who could have been told apart: they hold an identity that only one person
            ever used, and another that only another did.
        avoidable_people: true people with such an identity in them.
        split: true people who were counted as two or more.
        pairwise: agreement over each two items.
        b_cubed: agreement over each item.
        events: events of people who are known.
        wrong_events: those that are counted under somebody else: the person who did most of it owns a profile.
    """

    true_people: int
    squished: int
    squished_people: int
    avoidable: int
    avoidable_people: int
    split: int
    pairwise: Agreement
    b_cubed: Agreement
    events: int
    wrong_events: int


def score(uses: Iterable[tuple[int, int, int, int]]) -> Scores:
    """
    Compare counted people with the true ones.

    Args:
        uses: for each identity that a person used: the counted person, the identity, the true person and the
            number of events.
    """
    cells: Counter[tuple[int, int]] = Counter()
    done: Counter[tuple[int, int]] = Counter()
    only_user: dict[int, tuple[int, int] | None] = {}
    for counted, identity, person, events in uses:
        if person == UNKNOWN:
            continue
        cells[counted, person] += 1
        if events:
            done[counted, person] += events
        only_user[identity] = (counted, person) if identity not in only_user else None
    counted_sizes, true_sizes = _sizes(cells, 0), _sizes(cells, 1)
    people_in = Counter(counted for counted, _ in cells)
    parts_of = Counter(person for _, person in cells)
    apart = {cell for cell in only_user.values() if cell is not None}
    alone = Counter(counted for counted, _ in apart)
    most: dict[int, int] = {}
    for (counted, _), events in done.items():
        most[counted] = max(events, most.get(counted, 0))
    total = sum(done.values())
    return Scores(
        true_people=len(parts_of),
        squished=sum(people > 1 for people in people_in.values()),
        squished_people=len({person for counted, person in cells if people_in[counted] > 1}),
        avoidable=sum(people > 1 for people in alone.values()),
        avoidable_people=len({person for counted, person in apart if alone[counted] > 1}),
        split=sum(parts > 1 for parts in parts_of.values()),
        pairwise=_pairwise(cells, counted_sizes, true_sizes),
        b_cubed=_b_cubed(cells, counted_sizes, true_sizes),
        events=total,
        wrong_events=total - sum(most.values()),
    )


def _sizes(cells: Counter[tuple[int, int]], side: int) -> Counter[int]:
    sizes: Counter[int] = Counter()
    for cell, items in cells.items():
        sizes[cell[side]] += items
    return sizes


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _pairwise(cells: Counter[tuple[int, int]], counted: Counter[int], true: Counter[int]) -> Agreement:
    right, said, are = (_pairs(sizes.values()) for sizes in (cells, counted, true))
    return Agreement(right / said if said else 1.0, right / are if are else 1.0)


def _b_cubed(cells: Counter[tuple[int, int]], counted: Counter[int], true: Counter[int]) -> Agreement:
    items = sum(cells.values())
    if not items:
        return Agreement(1.0, 1.0)
    return Agreement(
        sum(cell**2 / counted[one] for (one, _), cell in cells.items()) / items,
        sum(cell**2 / true[person] for (_, person), cell in cells.items()) / items,
    )
