"""
What keeps the house in order where ruff, mypy and import-linter do not look.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PACKAGES = ("identity", "sdkbridge")
COMMITTED = (*PACKAGES, "tests", "fixtures", "notebooks", "docs", "requirements", ".ci")

LINES_IN_A_MODULE = 450
LINES_IN_A_FUNCTION = 60

SLOW_TO_IMPORT = {
    *("click", "http.server", "httpx", "psycopg", "rich", "sqlite_utils"),
    *("numba", "numpy", "polars", "pyspark", "scipy"),
}

# Functions and methods that do nothing but answer.
ANSWERS = re.compile(r"(all|any|exists|len|sorted|startswith|endswith|is[_a-z]+)$")

# Runs in a fresh interpreter. Reading modules is what an import is; the events below are what it must not be.
IMPORT_AND_REPORT = """
import sys

effects = []
CODE = (".py", ".pyc", ".so")
WATCHED = ("sqlite3.", "socket.", "subprocess.", "os.mkdir", "os.remove", "os.rename", "tempfile.")

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        name = str(arguments[0])
        if not name.endswith(CODE):
            effects.append(f"open {name}")
    elif event.startswith(WATCHED):
        effects.append(f"{event} {arguments}")

sys.addaudithook(watch)
import PACKAGE
print("\\n".join(["modules", *sorted(sys.modules), "effects", *effects]))
"""


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((CHECKOUT / package).rglob("*.py"))]


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(CHECKOUT)}:{line}"


def committed_text() -> Iterator[tuple[Path, str]]:
    """
    Every text that belongs to the project, this file left out because it spells what it looks for.
    """
    inside = [path for folder in COMMITTED for path in (CHECKOUT / folder).rglob("*") if path.is_file()]
    on_top = [path for path in CHECKOUT.iterdir() if path.is_file() and path.name not in {"uv.lock", ".git"}]
    for path in sorted({*inside, *on_top} - {Path(__file__)}):
        if "__pycache__" in path.parts:
            continue
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def lines_that_match(pattern: str) -> list[str]:
    return [
        f"{place(path, number)} {line.strip()}"
        for path, text in committed_text()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(pattern, line)
    ]


def test_modules_are_small_enough_to_read_in_one_go():
    """
    No module is longer than a reader's patience.
    """
    lengths = {place(path, 1): len(path.read_text().splitlines()) for path in modules()}

    assert lengths
    assert {name: length for name, length in lengths.items() if length > LINES_IN_A_MODULE} == {}


def length_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    text = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) is not None else 0
    return function.end_lineno - function.lineno + 1 - text


def test_functions_are_short():
    """
    No function is longer than a screen, its docstring not counted.
    """
    long = [
        f"{place(path, node.lineno)} {node.name}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if length_without_docstring(node) > LINES_IN_A_FUNCTION
    ]

    assert long == []


def test_names_say_what_a_thing_is():
    """
    No class or module hides behind a word that fits everything.
    """
    vague = re.compile(r"(Manager|Helper|Util|Utils)$|^_?(helpers?|utils?|misc|common)$")
    names = [(path, 1, path.stem) for path in modules()] + [
        (path, node.lineno, node.name)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]

    assert [f"{place(path, line)} {name}" for path, line, name in names if vague.search(name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_is_quick_and_does_nothing_else(package, tmp_path):
    """
    An import opens no file, database or socket, and leaves what is slow to import until it is used.
    """
    program = IMPORT_AND_REPORT.replace("PACKAGE", package)
    run = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert run.stderr == ""
    imported, effects = run.stdout.removeprefix("modules\n").split("effects\n")
    assert package in imported.splitlines()
    assert (SLOW_TO_IMPORT & set(imported.splitlines()), effects.splitlines()) == (set(), [])


def test_no_test_asks_and_ignores_the_answer():
    """
    A comparison that lost its ``assert`` is found by ruff; what a call would have compared is found here.
    """
    ignored = [
        f"{place(path, node.lineno)} {ast.unparse(node)}"
        for path in sorted((CHECKOUT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        if ANSWERS.match(ast.unparse(node.value.func).rpartition(".")[2])
    ]

    assert ignored == []


def test_sql_takes_its_time_from_the_clock_that_was_handed_in():
    """
    No statement asks SQLite for the time, which no test and no simulation could set.
    """
    pattern = re.compile(r"\b(datetime|date|time|julianday|unixepoch|strftime)\s*\([^)]*'now'|CURRENT_TIME", re.I)
    found = [
        f"{place(path, node.lineno)} {node.value.strip()}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.search(node.value)
    ]

    assert found == []


DESIGN = (CHECKOUT / "docs" / "design.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(\w+(?:\.py|/))`")


def modules_in(package: str) -> set[str]:
    """
    The modules that a package has, and the packages in it.
    """
    inside = [path for path in (CHECKOUT / package.replace(".", "/")).iterdir() if path.name[:2] != "__"]
    return {path.name for path in inside if path.suffix == ".py"} | {
        f"{path.name}/" for path in inside if (path / "__init__.py").exists()
    }


def described_packages() -> dict[str, str]:
    """
    The sections of the design that are about one package, by its name.
    """
    sections = re.split(r"^#+ (.+)\n", DESIGN, flags=re.MULTILINE)
    return {
        name: text
        for name, text in zip(sections[1::2], sections[2::2], strict=True)
        if (CHECKOUT / name.replace(".", "/") / "__init__.py").exists()
    }


@pytest.mark.parametrize("package", described_packages())
def test_the_design_has_every_module_of_a_package_that_it_describes(package):
    """
    The first column of its table names each, and none that there is not.
    """
    rows = re.findall(r"^\| (`[^|]+) \|", described_packages()[package], re.MULTILINE)

    assert {name for row in rows for name in NAMED.findall(row)} == modules_in(package)


def test_the_design_says_where_everything_of_the_bridge_is():
    """
    Each module on top is named, each package by a row or by a heading; and no name is of what is gone.
    """
    headings = {f"{name.rpartition('.')[2]}/" for name in described_packages()}
    there = {path.name for path in modules()} | {f"{path.parent.name}/" for path in modules()}

    assert modules_in("sdkbridge") - {*NAMED.findall(DESIGN)} - headings == set()
    assert {*NAMED.findall(DESIGN)} - there == set()


def test_nothing_unfinished_is_committed():
    """
    What is left to do is an issue, not a mark in the text.
    """
    assert lines_that_match(r"\b(TODO|FIXME|XXX)\b") == []


def test_no_text_names_a_folder_of_the_machine_it_was_written_on():
    """
    Nothing refers to a place that only its author has.
    """
    assert lines_that_match(r"""(^|[\s"'`(=<])/(work|root|Users|home/\w+)/""") == []
