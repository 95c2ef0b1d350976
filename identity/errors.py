"""
What can go wrong in the identity graph.

    IdentityError
    ├── InvalidIdentity   an identity that nobody can be known by (also a ValueError)
    └── StoreError        the file that keeps the graph cannot be used
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


class StoreError(IdentityError):
    """
    The database file cannot be opened, read or written.

    Attributes:
        path: the file.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
