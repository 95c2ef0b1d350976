"""
The stores that a graph can be kept in: what holds for one holds for all.
"""

from collections.abc import Callable, Iterator

import pytest

from identity import Database, IdentityGraph

TABLES = ("decision", "link", "identity", "person", "told", "tombstone", "tombstone_key")


@pytest.fixture(params=["memory", "file", "postgres"], scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    Where a graph can be kept: in memory, in a file, in a schema of PostgreSQL's.
    """
    if request.param == "postgres":
        with request.getfixturevalue("postgres_server").empty_schema() as url:
            yield url
    else:
        yield ":memory:" if request.param == "memory" else str(tmp_path_factory.mktemp("store") / "graph.db")


@pytest.fixture(scope="module")
def store(place: str) -> Iterator[Database]:
    """
    One database of each kind, with a graph's tables in it.
    """
    database = Database(place)
    IdentityGraph(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def emptied(store: Database) -> Callable[[], Database]:
    """
    What empties the store, as often as an example needs one.
    """

    def empty() -> Database:
        with store.transaction() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")
        return store

    return empty


@pytest.fixture
def database(emptied: Callable[[], Database]) -> Database:
    """
    An empty store.
    """
    return emptied()
