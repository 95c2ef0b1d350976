"""
What can go wrong in the identity graph.

    IdentityError
    ├── InvalidIdentity   an identity that nobody can be known by (also a ValueError)
    ├── InvalidDecision   a link that cannot be approved, rejected or retracted (also a ValueError)
    ├── InvalidLinks      a table that holds no links (also a ValueError)
    ├── StoreError        the file that keeps the graph cannot be used
    └── Unresolved        what a cluster made of some links cannot be right
"""


class IdentityError(Exception):
    """
    Base of everything that this package raises on purpose.
    """


class InvalidIdentity(IdentityError, ValueError):
    """
    A value that cannot be an identity.

    Attributes:
        field: which argument held it.
        problem: what is wrong with it, without the value itself.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class InvalidLinks(IdentityError, ValueError):
    """
    A table or file that links cannot be read from.

    Attributes:
        field: which column or argument it is.
        problem: what is wrong with it.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class InvalidDecision(IdentityError, ValueError):
    """
    A link that cannot be approved, rejected or retracted.

    Attributes:
        reason: one word for programs: ``unknown``, ``impossible``, ``merged``, ``not_merged`` or ``told``.
    """

    def __init__(self, reason: str, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


class StoreError(IdentityError):
    """
    The database cannot be opened, read or written.

    Attributes:
        path: the file, or the server's address without its password.
        problem: what is wrong, and what to do.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem

    def again(self) -> "StoreError":
        """
        Return the same error for another thread, which will add its own traceback to it.
        """
        return type(self)(self.path, self.problem)


class Unresolved(IdentityError):
    """
    What a cluster made of some links breaks a rule that holds for every right answer: do nothing with it.
    """
