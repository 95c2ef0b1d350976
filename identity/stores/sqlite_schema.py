"""
The tables of a SQLite file: made by migrations, and listed to be copied.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from identity.stores.interface import Columns, Connection, Migrations, Numbers, Row, Statement, state

APPLIED = "_sqlite_migrations"
"""Where sqlite-utils notes the steps that it applied."""

_MAKE_APPLIED = (
    f"""
    CREATE TABLE IF NOT EXISTS {APPLIED} (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)
    """,
    f"""
    CREATE UNIQUE INDEX IF NOT EXISTS idx_{APPLIED}_migration_set_name ON {APPLIED} (migration_set, name)
    """,
)
_NOTE_STEP = f"INSERT INTO {APPLIED} (migration_set, name, applied_at) VALUES (?, ?, ?)"  # noqa: S608 - a constant

Rows = Callable[[str, Sequence[str]], list[Row]]


def applied(rows: Rows, name: str) -> list[str]:
    """
    Return the steps of a migration set that were applied, oldest first.

    Asked without sqlite-utils, which takes longer to import than everything else here together.
    """
    if not rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (APPLIED,)):
        return []
    found = rows(f"SELECT name FROM {APPLIED} WHERE migration_set = ? ORDER BY id", (name,))  # noqa: S608 - a constant
    return [step for (step,) in found]


def make(connection: sqlite3.Connection, name: str, migrations: Migrations) -> bool:
    """
    Apply all steps of a migration set, within the transaction that is under way, unless some were applied before.

    Noted as sqlite-utils notes them, but without it, see `applied`: the first start of a program does this.
    """
    if applied(lambda sql, parameters: connection.execute(sql, parameters).fetchall(), name):
        return False
    for sql in _MAKE_APPLIED:
        connection.execute(sql)
    for step, statements in migrations.items():
        for statement in statements:
            state(connection, statement)
        connection.execute(_NOTE_STEP, (name, step, str(datetime.now(UTC))))
    return True


def upgrade(name: str, migrations: Migrations) -> Callable[[sqlite3.Connection], None]:
    """
    Return what applies the steps of a migration set that were not, within the transaction that is under way.

    To be called before that transaction begins: others would wait for it while sqlite-utils is imported.
    """
    import sqlite_utils  # noqa: PLC0415 - see above
    from sqlite_utils.migrations import Migrations as MigrationSet  # noqa: PLC0415 - see above

    steps = MigrationSet(name)
    for step, statements in migrations.items():

        def take(db: sqlite_utils.Database, statements: Sequence[Statement] = statements) -> None:
            for statement in statements:
                state(db.conn, statement)

        steps(name=step)(take)
    return lambda connection: steps.apply(sqlite_utils.Database(connection))


def tables(rows: Rows) -> Columns:
    """
    Return the tables that migrations made, with their columns.
    """
    names = [
        name
        for (name,) in rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid", ()
        )
        if name != APPLIED
    ]
    return {
        name: [column for (column,) in rows("SELECT name FROM pragma_table_info(?) ORDER BY cid", (name,))]
        for name in names
    }


def last_numbers(rows: Rows) -> Numbers:
    """
    Return, by table, the column of its rows' numbers and the last one that was given, even if its row is gone.
    """
    given: dict[str, int] = (
        dict(rows("SELECT name, seq FROM sqlite_sequence", ())) if _keeps_sequences(rows) else {}
    )
    numbers: dict[str, tuple[str, int]] = {}
    for table in tables(rows):
        keys = rows("SELECT name, upper(type) FROM pragma_table_info(?) WHERE pk > 0", (table,))
        if len(keys) != 1 or keys[0][1] != "INTEGER":
            continue
        (column, _), *_ = keys
        ((highest,),) = rows(f'SELECT coalesce(max("{column}"), 0) FROM "{table}"', ())  # noqa: S608 - known names
        numbers[table] = (column, max(highest, given.get(table, 0)))
    return numbers


def _keeps_sequences(rows: Rows) -> bool:
    return bool(rows("SELECT 1 FROM sqlite_master WHERE name = ?", ("sqlite_sequence",)))


def continue_after(connection: Connection, table: str, last: int) -> None:
    """
    Let the next row have a number above the last one; without AUTOINCREMENT, SQLite looks at the rows alone.
    """
    keeps = "SELECT 1 FROM sqlite_master WHERE name = ? AND upper(sql) LIKE '%AUTOINCREMENT%'"
    if not connection.execute(keeps, (table,)).fetchone():
        return
    if not connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table)).rowcount:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
