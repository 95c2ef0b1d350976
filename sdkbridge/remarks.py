"""
What is wrong with parts of an accepted call, said once for each kind of problem.
"""

from enum import StrEnum

from attrs import Factory, define

from sdkbridge.receipt import CallWarning

MOST_NAMES_SHOWN = 5
LONGEST_NAME_SHOWN = 60


class Problem(StrEnum):
    """
    The codes of warnings about properties; what each one means is in `SENTENCES`.
    """

    EMPTY_NAME = "empty_name"
    NAME_TOO_LONG = "name_too_long"
    RESERVED_NAME = "reserved_name"
    UNDERSCORE_NAME = "underscore_name"
    NAME_CHANGED = "name_changed"
    CUSTOMER_ID = "customer_id"
    SAME_NAME_TWICE = "same_name_twice"
    REPLACED_PROPERTY = "replaced_property"
    LONG_VALUE = "long_value"
    NUMBER_AS_TEXT = "number_as_text"
    UNSUPPORTED_VALUE = "unsupported_value"
    HALF_CHARACTER = "half_character"
    CONTAINS_ITSELF = "contains_itself"
    TOO_MANY_VALUES = "too_many_values"
    OBJECT_ARRAY = "object_array"
    UNREADABLE_REVENUE = "unreadable_revenue"
    PRODUCT_REVENUE = "product_revenue"
    DROPPED_PRODUCTS = "dropped_products"
    OTHER_SPELLING = "other_spelling"
    TOO_MANY_NAMES = "too_many_names"
    SAME_SECOND = "same_second"
    DENSE = "dense"
    UNNAMED_PAGE = "unnamed_page"
    SWITCHED_OFF = "switched_off"
    CALL_NOT_SENT = "call_not_sent"
    CARRIED_TRAITS = "carried_traits"
    LONG_NAME = "long_name"
    LOST_SIBLING = "lost_sibling"
    NAME_CUT = "name_cut"
    RESERVED_SENT = "reserved_sent"


SENTENCES = {
    Problem.EMPTY_NAME: "a property without a name was left out",
    Problem.NAME_TOO_LONG: "names of more than 255 characters, which Kissmetrics does not keep, were left out",
    Problem.RESERVED_NAME: "names that are reserved for the request itself were left out",
    Problem.UNDERSCORE_NAME: "Kissmetrics takes names that begin with _ for its own and may ignore them",
    Problem.NAME_CHANGED: "Kissmetrics turns each comma and colon in a name into a space",
    Problem.CUSTOMER_ID: "Kissmetrics keeps identities under this name; it should not be set as a property",
    Problem.SAME_NAME_TWICE: "Kissmetrics takes these names for one, and keeps one value",
    Problem.REPLACED_PROPERTY: "properties were replaced by the call's own value of that name",
    Problem.LONG_VALUE: "Kissmetrics keeps 512 characters of a value; longer ones may be cut",
    Problem.NUMBER_AS_TEXT: "Kissmetrics takes a text that is a number for one, so that 007 is 7",
    Problem.UNSUPPORTED_VALUE: "values of a type that cannot be sent were left out",
    Problem.HALF_CHARACTER: "texts with half of a surrogate pair, which is no character, were left out",
    Problem.CONTAINS_ITSELF: "a value that contains itself was left out where it does",
    Problem.TOO_MANY_VALUES: "the call has more values than can be sent; left out from here on",
    Problem.OBJECT_ARRAY: "arrays of objects were left out, as the option object_array says",
    Problem.UNREADABLE_REVENUE: "no amount can be read from the revenue; it was sent as it is, and not counted",
    Problem.PRODUCT_REVENUE: "a product's own revenue is part of its order's, and was not counted again",
    Problem.DROPPED_PRODUCTS: "products are sent for completed orders only, and only as an array",
    Problem.OTHER_SPELLING: "Kissmetrics takes these names for others that were written before in another case",
    Problem.TOO_MANY_NAMES: "there are 65,535 names already, and Kissmetrics keeps no more",
    Problem.SAME_SECOND: "Kissmetrics would count two of this name in one second once; the second one was moved",
    Problem.DENSE: "Kissmetrics may count two of this name once: no second nearby is free of another",
    Problem.UNNAMED_PAGE: "it has neither a name nor a category; nothing was sent",
    Problem.SWITCHED_OFF: "the options record no such page; nothing was sent",
    Problem.CALL_NOT_SENT: "the options send no such call; nothing was sent",
    Problem.CARRIED_TRAITS: "traits that were said of the person before were left out",
    Problem.LONG_NAME: "Kissmetrics keeps 255 characters of a name; longer ones were sent all the same",
    Problem.LOST_SIBLING: "what follows an object inside an object was lost, as the option flatten_objects says",
    Problem.NAME_CUT: "names of more than 255 characters were cut",
    Problem.RESERVED_SENT: "names that are reserved for the request were sent where it has none of its own",
}


@define
class Remarks:
    """
    A collection of problems while a call is mapped, with the names that each is about; never their values.
    """

    _names: dict[Problem, dict[str, None]] = Factory(dict)

    def add(self, problem: Problem, name: str = "") -> None:
        """
        Note a problem, once for each name.
        """
        names = self._names.setdefault(problem, {})
        if name:
            names[name] = None

    def warnings(self) -> tuple[CallWarning, ...]:
        """
        Return one warning for each problem, which shows the first few names.
        """
        if not self._names:
            return ()
        return tuple(
            CallWarning(problem.value, _message(problem, list(names))) for problem, names in self._names.items()
        )


def _message(problem: Problem, names: list[str]) -> str:
    if not names:
        return SENTENCES[problem]
    shown = ", ".join(repr(_shortened(name)) for name in names[:MOST_NAMES_SHOWN])
    more = len(names) - MOST_NAMES_SHOWN
    return f"{SENTENCES[problem]}: {shown}{f' and {more} more' if more > 0 else ''}"


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME_SHOWN else f"{name[:LONGEST_NAME_SHOWN]}…"
