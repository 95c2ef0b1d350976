"""
Notebooks run from top to bottom.
"""

from pathlib import Path

import nbformat
import pytest
from notebook_runs import run, run_once
from notebook_text import text_of

CHECKOUT = Path(__file__).parent.parent
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.py"))
# What they depend on; the site shares the outputs that are kept for it.
BELOW = [CHECKOUT / folder for folder in ("identity", "sdkbridge", "fixtures", "requirements")]


def test_there_are_notebooks() -> None:
    """
    The search above finds something.
    """
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.timeout(300)
def test_a_notebook_runs_from_top_to_bottom(path: Path) -> None:
    """
    Every cell runs, in a kernel of its own, and something is drawn.
    """
    notebook = run_once(path, cache=CHECKOUT / "build" / "notebooks", depends_on=BELOW)
    pictures = [
        output["data"]["image/svg+xml"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    ]

    assert pictures
    assert all(picture.startswith("<svg") for picture in pictures)


def test_what_a_notebook_showed_is_kept_until_something_changes(tmp_path: Path) -> None:
    """
    A notebook is run again once it, or something that it depends on, has changed, and not before.
    """
    notebook, below = tmp_path / "asks.py", tmp_path / "below"
    below.mkdir()

    def shown(text: str) -> str:
        notebook.write_text(f"# %%\nimport uuid\nprint({text!r}, uuid.uuid4())\n")
        (cell,) = run_once(notebook, cache=tmp_path / "cache", depends_on=[below]).cells
        return cell.outputs[0].text

    first, again = shown("one"), shown("one")
    (below / "fact.txt").write_text("new")
    after, other = shown("one"), shown("two")

    assert first == again != after
    assert other.startswith("two")
    assert len(list((tmp_path / "cache").glob("*.ipynb"))) == 1


def test_a_cell_that_fails_fails_its_notebook(tmp_path: Path) -> None:
    """
    A notebook with a mistake in it does not pass for one that ran.
    """
    notebook = tmp_path / "wrong.py"
    notebook.write_text("# %%\n1 / 0\n")

    with pytest.raises(Exception, match="ZeroDivisionError"):
        run(notebook)


def test_the_outputs_of_a_cell_stand_below_its_code() -> None:
    """
    What is printed in several goes is one block, and pictures do not share ids.
    """
    picture = '<svg><clipPath id="clip0"/><g clip-path="url(#clip0)"/></svg>'
    shown = nbformat.v4.new_output("display_data", {"image/svg+xml": picture, "text/plain": "Drawing()"})
    printed = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in ("a\n", "b\n")]
    cells = [nbformat.v4.new_code_cell("draw()", outputs=[*printed, shown]) for _ in range(2)]
    page = text_of(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title"), *cells]))

    assert page.startswith("# Title\n\n~~~~~~python\ndraw()\n~~~~~~\n\n")
    assert page.count("\na\nb\n") == 2
    assert page.count('id="cell-1-1-clip0"') == page.count("url(#cell-1-1-clip0)") == 1
    assert page.count('id="cell-2-1-clip0"') == 1
    assert "Drawing()" not in page
