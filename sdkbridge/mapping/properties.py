"""
Values become properties: named, and checked against what Kissmetrics makes of names and values.
"""

from collections.abc import Mapping
from typing import Any

from attrs import Factory, define, frozen

from sdkbridge.brackets import bracketed
from sdkbridge.kissmetrics.requests import NEVER_TAKEN, RESERVED
from sdkbridge.options import MappingOptions
from sdkbridge.plain import is_writable
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values import LONGEST_NAME, Leaf, flatten

LONGEST_VALUE = 512
"""Characters of a property's value (Kissmetrics' current technical notes)."""

Properties = tuple[tuple[str, str], ...]


def key_of(values: Mapping[Any, Any], name: str) -> str | None:
    """
    Return the key under which an object has a name, whatever its case, as Segment's libraries look names up.
    """
    if name in values:
        return name
    return next((key for key in values if isinstance(key, str) and key.lower() == name), None)


def compared_name(name: str) -> str:
    """
    Return a name as Kissmetrics compares it: without case, commas or colons (its technical limitations).
    """
    return name.replace(",", " ").replace(":", " ").lower()


@frozen(kw_only=True)
class Naming:
    """
    How properties are named in a request.

    Attributes:
        prefix: what comes before each name.
        bare: the one name that is never prefixed, in the form in which names are compared.
        revenue_prefix: what comes before ``revenue`` instead.
    """

    prefix: str = ""
    bare: str = ""
    revenue_prefix: str | None = None

    def name(self, name: str) -> str:
        """
        Return the full name.
        """
        if self.bare and compared_name(name) == self.bare:
            return name
        if self.revenue_prefix is not None and name == "revenue":
            return f"{self.revenue_prefix}{name}"
        return f"{self.prefix}{name}"


def properties_of(
    values: Mapping[Any, Any],
    *,
    own: Mapping[str, str],
    naming: Naming,
    options: MappingOptions,
    remarks: Remarks,
    clean: bool = True,
) -> Properties:
    """
    Return the properties that are sent for an object.

    Args:
        values: what the caller said.
        own: what the call itself says, sent as it is; it takes the place of what the caller calls the same.
        naming: how they are named.
        options: how values are written.
        remarks: where problems are noted, by name.
        clean: whether nested values are flattened; otherwise they go in brackets.
    """
    sheet = _Sheet(naming, options, remarks)
    for name, text in own.items():
        sheet.add_own(_own_leaf(name, text))
    for leaf in flatten(values, options) if clean else bracketed(values, options):
        sheet.add(leaf)
    return tuple(sheet.texts.items())


@define
class _Sheet:
    naming: Naming
    options: MappingOptions
    remarks: Remarks
    texts: dict[str, str] = Factory(dict)
    own: dict[str, str] = Factory(dict)
    spellings: dict[str, str] = Factory(dict)

    def add_own(self, leaf: Leaf) -> None:
        name = self.add(leaf)
        if name is not None:
            self.own[compared_name(name)] = self.texts[name]

    def add(self, leaf: Leaf) -> str | None:
        """
        Take a value; return its full name if it is sent.
        """
        for problem in leaf.problems:
            self.remarks.add(problem, self.naming.name(leaf.name))
        name = None if leaf.text is None else self._usable_name(leaf)
        if leaf.text is None or name is None:
            return None
        compared = compared_name(name)
        if compared in self.own:
            if self.own[compared] != leaf.text:
                self.remarks.add(Problem.REPLACED_PROPERTY, name)
            return None
        if compared in self.spellings:
            self.remarks.add(Problem.SAME_NAME_TWICE, name)
        self.spellings[compared] = name
        self._remark_on(name, leaf.text)
        self.texts[name] = leaf.text
        return name

    def _usable_name(self, leaf: Leaf) -> str | None:
        name = self.naming.name(leaf.name)
        if not leaf.name:
            self.remarks.add(Problem.EMPTY_NAME)
        elif name.lower() in RESERVED:
            taken = self.options.allow_reserved and name.lower() not in NEVER_TAKEN
            self.remarks.add(Problem.RESERVED_SENT if taken else Problem.RESERVED_NAME, name)
            return name if taken else None
        else:
            return fitting_name(name, self.options, self.remarks)
        return None

    def _remark_on(self, name: str, text: str) -> None:
        if name.startswith("_") and name not in RESERVED:
            self.remarks.add(Problem.UNDERSCORE_NAME, name)
        if "," in name or ":" in name:
            self.remarks.add(Problem.NAME_CHANGED, name)
        if compared_name(name) == "customer id":
            self.remarks.add(Problem.CUSTOMER_ID, name)
        if len(text) > LONGEST_VALUE:
            self.remarks.add(Problem.LONG_VALUE, name)


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


def _own_leaf(name: str, text: str) -> Leaf:
    """
    Return a value that is a text already: an identity that looks like a date stays what it is.
    """
    return Leaf(name, text) if is_writable(text) else Leaf(name, None, (Problem.HALF_CHARACTER,))
