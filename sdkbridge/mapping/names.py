"""
What properties are called in a request, and what Kissmetrics makes of names.
"""

from functools import lru_cache
from typing import Any

from attrs import field, frozen

from sdkbridge.kissmetrics.escaping import escaped_again
from sdkbridge.kissmetrics.requests import RESERVED
from sdkbridge.options import MappingOptions
from sdkbridge.plain import is_writable
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values import LONGEST_NAME

MOST_REMEMBERED = 1000
"""Names that a naming keeps in mind; what callers name their properties must not fill the memory."""

MOST_SHAPES = 100
LONGEST_SHAPE = 4000
"""Objects that a naming keeps in mind, and characters of the names of one's members."""


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


@frozen(kw_only=True)
class Naming:
    """
    How properties are named in a request.

    Attributes:
        prefix: what comes before each name.
        bare: the one name that is never prefixed, in the form in which names are compared.
        revenue_prefix: what comes before ``revenue`` instead.
        usual: those of the names asked for before that can be sent as they are, by the property's own name.
        shapes: the objects met before, by the names of their members.
    """

    prefix: str = ""
    bare: str = ""
    revenue_prefix: str | None = None
    usual: dict[str, Name] = field(factory=dict, init=False, eq=False, repr=False)
    shapes: dict[tuple[str, ...], Shape] = field(factory=dict, init=False, eq=False, repr=False)
    _unusual: dict[str, Name] = field(factory=dict, init=False, eq=False, repr=False)

    def name(self, own: str) -> Name:
        """
        Return the name in the request of a property by its own name.
        """
        met = self.usual.get(own) or self._unusual.get(own)
        if met is None:
            met = self._name(own)
            remembered = self.usual if met.is_usual else self._unusual
            if len(remembered) < MOST_REMEMBERED and len(own) <= LONGEST_NAME:
                remembered[own] = met
        return met

    def shape(self, own: tuple[Any, ...]) -> Shape | None:
        """
        Return what is known of properties by their own names, or None if there is anything to say of these.
        """
        try:
            return self.shapes[own]
        except KeyError:
            shape = self._shape(own)
            if shape is not None and len(self.shapes) < MOST_SHAPES and sum(map(len, own)) <= LONGEST_SHAPE:
                self.shapes[own] = shape
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
