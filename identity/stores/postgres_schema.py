"""
The tables of a PostgreSQL database: made by migrations, and listed to be copied.
"""

from psycopg import errors

from identity.stores.interface import Columns, Connection, Migrations, Numbers, state

APPLIED = "migration_step"

_MAKE_APPLIED = f"""
    CREATE TABLE IF NOT EXISTS {APPLIED} (
        number INTEGER PRIMARY KEY,
        migration_set TEXT NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (migration_set, name)
    )
"""

_APPLIED_STEPS = f"SELECT name FROM {APPLIED} WHERE migration_set = ? ORDER BY number"  # noqa: S608 - a constant
_NOTE_STEP = f"INSERT INTO {APPLIED} (migration_set, name) VALUES (?, ?)"  # noqa: S608 - a constant

RACES = (errors.UniqueViolation, errors.DuplicateTable, errors.DuplicateObject)
"""What those who make the same tables at the same moment are told, all but the first."""


def applied(connection: Connection, name: str) -> list[str]:
    """
    Return the steps of a migration set that were applied, oldest first.
    """
    if connection.execute("SELECT to_regclass(?)", (APPLIED,)).fetchone() == (None,):
        return []
    found = connection.execute(_APPLIED_STEPS, (name,))
    return [step for (step,) in found.fetchall()]


def apply(connection: Connection, name: str, migrations: Migrations) -> None:
    """
    Apply the steps of a migration set that were not, within the transaction that is under way.
    """
    connection.execute(_MAKE_APPLIED)
    done = applied(connection, name)
    for step, statements in migrations.items():
        if step in done:
            continue
        for statement in statements:
            state(connection, statement)
        connection.execute(_NOTE_STEP, (name, step))


_COLUMNS = """
    SELECT pg_class.relname, pg_attribute.attname, pg_attribute.attidentity <> ''
    FROM pg_class JOIN pg_attribute ON pg_attribute.attrelid = pg_class.oid
    WHERE pg_class.relkind = 'r' AND pg_class.relnamespace = current_schema()::regnamespace
      AND pg_attribute.attnum > 0 AND NOT pg_attribute.attisdropped AND pg_class.relname <> ?
    ORDER BY pg_class.oid, pg_attribute.attnum
"""


def tables(connection: Connection) -> Columns:
    """
    Return the tables that migrations made, with their columns.
    """
    found: dict[str, list[str]] = {}
    for table, column, _ in connection.execute(_COLUMNS, (APPLIED,)).fetchall():
        found.setdefault(table, []).append(column)
    return found


def last_numbers(connection: Connection) -> Numbers:
    """
    Return, by table, the column of its rows' numbers and the last one that was given.
    """
    numbers: dict[str, tuple[str, int]] = {}
    for table, column, is_number in connection.execute(_COLUMNS, (APPLIED,)).fetchall():
        if not is_number:
            continue
        row = connection.execute(
            f"""
            SELECT coalesce(max("{column}"), 0),
                   coalesce(pg_sequence_last_value(pg_get_serial_sequence(?, ?)::regclass), 0)
            FROM "{table}"
            """,  # noqa: S608 - names from the catalogue
            (f'"{table}"', column),
        ).fetchone()
        numbers[table] = (column, max(row))
    return numbers


def continue_after(connection: Connection, table: str, column: str, last: int) -> None:
    """
    Let the next row of a table have a number above the last one.
    """
    connection.execute("SELECT setval(pg_get_serial_sequence(?, ?), ?)", (f'"{table}"', column, last))
