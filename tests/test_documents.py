"""
Every example in the documents works, and every command is documented.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_tree import cli_commands
from fenced_blocks import Block, Command, Reader, blocks_of, commands_of

CHECKOUT = Path(__file__).parent.parent
FOR_USERS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
DOCUMENTS = [*FOR_USERS, CHECKOUT / "CONTRIBUTING.md"]


@pytest.fixture
def reader(tmp_path, monkeypatch) -> Iterator[Reader]:
    """
    A reader in a new folder that has the fixtures and notebooks of the checkout.
    """
    for folder in ("fixtures", "notebooks"):
        (tmp_path / folder).symlink_to(CHECKOUT / folder)
    monkeypatch.chdir(tmp_path)
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_what_a_document_shows_works(document, reader):
    """
    The examples of a document run in their order, and print what the document says they print.
    """
    for block in blocks_of(document, CHECKOUT):
        reader.follow(block)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "1 / 0\n"),
        ("python", ">>> 1 + 1\n3\n"),
        ("console", "$ exit 3\n"),
        ("console", "$ echo one\ntwo\n"),
        ("console", "$ echo one &\ntwo\n"),
        ("console", "output of nothing\n"),
        ("json", "{'single': 1}\n"),
        ("toml", "a = \n"),
        ("", "no language\n"),
    ],
)
def test_an_example_that_is_wrong_is_found(language, text, reader):
    """
    A mistake in a document does not pass for an example.
    """
    with pytest.raises((pytest.fail.Exception, ValueError, ZeroDivisionError)):
        reader.follow(Block("some.md", 1, language, text))


def shell_commands(documents: list[Path]) -> list[Command]:
    blocks = [block for document in documents for block in blocks_of(document, CHECKOUT)]
    return [command for block in blocks if block.language == "console" for command in commands_of(block)]


def commands_of_run() -> set[str]:
    script = (CHECKOUT / "run").read_text()
    labels = re.findall(r"^    ([a-z]+(?: \| [-a-z]+)*)\)$", script, re.MULTILINE)
    return {label.split(" | ")[0] for label in labels}


def test_the_documents_use_the_commands_that_run_has():
    """
    Whatever a document does with ./run, it knows.
    """
    words = {str(used): shlex.split(used.text) for used in shell_commands(DOCUMENTS) if "./run" in used.text}

    assert words
    assert {
        place: line for place, line in words.items() if line[line.index("./run") + 1] not in commands_of_run()
    } == {}


def test_the_help_of_run_names_its_commands():
    """
    Whatever ./run can do, its help says, and without setting anything up.
    """
    shown = subprocess.run([CHECKOUT / "run", "help"], capture_output=True, text=True, check=True).stdout

    assert set(re.findall(r"^  ([a-z]+) ", shown, re.MULTILINE)) == commands_of_run()


def test_the_readme_begins_with_the_two_commands():
    """
    The README's first command shows the main job; its second runs the tests, and is what CI runs.
    """
    shown = [used.text for used in shell_commands([CHECKOUT / "README.md"]) if used.text.startswith("./run")]

    assert shown[:2] == ["./run demo", "./run test"]
    assert shown[1] in (CHECKOUT / ".ci" / "run").read_text().splitlines()


def test_what_each_command_does_fits_into_its_line():
    """
    Wherever commands are listed, on a terminal of 80 columns.
    """
    groups = [name.split()[1:] for name, command in cli_commands().items() if hasattr(command, "commands")]
    main = cli_commands()["sdkbridge"]
    lists = [CliRunner().invoke(main, [*words, "--help"], terminal_width=80).output for words in groups]
    listed = [line for shown in lists for line in shown.partition("Commands:")[2].splitlines()]

    assert len(listed) > len(groups) > 1
    assert [line for line in listed if line.endswith(("...", "…"))] == []


def test_every_command_and_option_has_a_help_text():
    """
    Each command of the command line, and each of its options, explains itself.
    """
    commands = cli_commands()
    silent = [name for name, command in commands.items() if not command.help]
    silent += [
        f"{name} {option.opts[0]}"
        for name, command in commands.items()
        for option in command.params
        if option.param_type_name == "option" and not option.help
    ]

    assert silent == []


def test_every_command_is_documented():
    """
    Each command of the command line appears in the README or in docs/.
    """
    text = "\n".join(path.read_text() for path in FOR_USERS).replace("./run demo", "sdkbridge demo")

    assert [name for name in cli_commands() if not re.search(rf"\b{name}\b", text)] == []
