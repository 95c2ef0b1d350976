"""
What properties are called in a request, and what Kissmetrics makes of names.
"""

from collections import deque
from functools import lru_cache
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from sdkbridge.kissmetrics.escaping import escaped_again
from sdkbridge.kissmetrics.requests import RESERVED
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values.flattening import LONGEST_NAME
from sdkbridge.values.plain import is_writable

MOST_NAMES = 20_000
MOST_SHAPES = 2000
LONGEST_SHAPE = 4000
"""
Names and objects that all namings together keep in mind, and characters of an object's names as they are written:
what callers call their events and properties must not fill the memory. All at their longest take some 150 MB.
"""


def compared_name(name: str) -> str:
    """
    Return a name as Kissmetrics compares it: without case, commas or colons (its technical limitations).
    """
    return _compared_before(name) if len(name) <= LONGEST_NAME else _compared(name)


def _compared(name: str) -> str:
    return name.replace(",", " ").replace(":", " ").lower()


_compared_before = lru_cache(maxsize=8192)(_compared)


@frozen
class Name:
    """
    A property's name.

    Attributes:
        full: as it is sent.
        compared: as Kissmetrics compares it.
        is_usual: whether it can be sent as it is, with nothing to remark on.
    """

    full: str
    compared: str
    is_usual: bool


@frozen
class Shape:
    """
    The names of properties that come together, each of which can be sent as it is.

    Attributes:
        names: as they are sent.
        heads: the same as they are written in a query, each between ``&`` and ``=``.
        members: the object's own members, in small letters.
    """

    names: tuple[str, ...]
    heads: tuple[str, ...]
    members: frozenset[str]


Own = TypeVar("Own")
Found = TypeVar("Found")


class _Memory(Generic[Own, Found]):
    """
    What several dictionaries keep in mind: so many things altogether, the last ones that were new.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: deque[tuple[dict[Own, Found], Own]] = deque()

    def keep(self, place: dict[Own, Found], own: Own, found: Found) -> None:
        place[own] = found
        self._kept.append((place, own))
        if len(self._kept) > self._most:
            oldest, gone = self._kept.popleft()
            oldest.pop(gone, None)


_names: _Memory[str, Name] = _Memory(MOST_NAMES)
_shapes: _Memory[tuple[str, ...], Shape] = _Memory(MOST_SHAPES)


@frozen(kw_only=True)
class Naming:
    """
    How properties are named in a request.

    Attributes:
        prefix: what comes before each name.
        bare: the one name that is never prefixed, in the form in which names are compared.
        revenue_prefix: what comes before ``revenue`` instead.
        names: the names met before, by the property's own name.
        shapes: the objects met before, by the names of their members.
    """

    prefix: str = ""
    bare: str = ""
    revenue_prefix: str | None = None
    names: dict[str, Name] = field(factory=dict, init=False, eq=False, repr=False)
    shapes: dict[tuple[str, ...], Shape] = field(factory=dict, init=False, eq=False, repr=False)

    def name(self, own: str) -> Name:
        """
        Return the name in the request of a property by its own name.
        """
        met = self.names.get(own)
        if met is None:
            met = self._name(own)
            if len(met.full) <= 2 * LONGEST_NAME:
                _names.keep(self.names, own, met)
        return met

    def shape(self, own: tuple[Any, ...]) -> Shape | None:
        """
        Return what is known of properties by their own names, or None if there is anything to say of these.
        """
        try:
            return self.shapes[own]
        except KeyError:
            shape = self._shape(own)
            if shape is not None and sum(map(len, shape.heads)) <= LONGEST_SHAPE:
                _shapes.keep(self.shapes, own, shape)
            return shape

    def _shape(self, own: tuple[Any, ...]) -> Shape | None:
        if not all(type(one) is str for one in own):
            return None
        names = [self.name(one) for one in own]
        if not all(name.is_usual for name in names) or len({name.compared for name in names}) < len(names):
            return None
        full = tuple([name.full for name in names])
        heads = tuple([f"&{escaped_again(name)}=" for name in full])
        return Shape(full, heads, frozenset(one.partition(".")[0].lower() for one in own))

    def _name(self, own: str) -> Name:
        full = self._full(own)
        compared = compared_name(full)
        changes = compared != full.lower()
        fits = len(own) > 0 and len(full) <= LONGEST_NAME
        usual = (
            fits and not changes and not full.startswith("_") and compared != "customer id" and is_writable(full)
        )
        return Name(full, compared, usual)

    def _full(self, own: str) -> str:
        if self.bare and compared_name(own) == self.bare:
            return own
        if self.revenue_prefix is not None and own == "revenue":
            return f"{self.revenue_prefix}{own}"
        return f"{self.prefix}{own}"


UNPREFIXED = Naming()
"""Each under its own name."""


@lru_cache(maxsize=64)
def prefixed(prefix: str) -> Naming:
    """
    Return how all properties are named that have one prefix, always the same for one.
    """
    return Naming(prefix=prefix)


def fitting_name(name: str, options: MappingOptions, remarks: Remarks) -> str | None:
    """
    Return a name as the options send it if it is longer than Kissmetrics keeps, or None if they do not.
    """
    if len(name) <= LONGEST_NAME:
        return name
    if options.long_name == "reject":
        remarks.add(Problem.NAME_TOO_LONG, name)
        return None
    remarks.add(Problem.NAME_CUT if options.long_name == "truncate" else Problem.LONG_NAME, name)
    return name[:LONGEST_NAME] if options.long_name == "truncate" else name


def remark_on_name(name: str, remarks: Remarks) -> None:
    """
    Note what Kissmetrics would make of a name that is sent.
    """
    if name.startswith("_") and name not in RESERVED:
        remarks.add(Problem.UNDERSCORE_NAME, name)
    if "," in name or ":" in name:
        remarks.add(Problem.NAME_CHANGED, name)
    if compared_name(name) == "customer id":
        remarks.add(Problem.CUSTOMER_ID, name)
