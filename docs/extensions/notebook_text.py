"""
Writes a notebook that was run as a page of MyST Markdown.
"""

import re
from collections.abc import Iterator

import nbformat

FENCE = "~~~~~~"
# Of what a cell shows in several forms, the first of these is taken.
FORMS = ("image/svg+xml", "image/png", "text/html", "text/markdown", "text/plain")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def text_of(notebook: nbformat.NotebookNode) -> str:
    """
    Return the page of a notebook: text as it is, code in blocks, and below each block what it showed.
    """
    parts = [part for number, cell in enumerate(notebook.cells) for part in parts_of(cell, number)]
    return "\n\n".join(parts) + "\n"


def parts_of(cell: nbformat.NotebookNode, number: int) -> Iterator[str]:
    """
    Yield what a cell has to show. Its number keeps the ids in its pictures apart from those of other cells.
    """
    if cell.cell_type == "markdown":
        yield cell.source
    elif cell.cell_type == "code" and cell.source.strip():
        yield block(cell.source, "python")
        for order, output in enumerate(joined(cell.outputs)):
            yield shown(output, f"cell-{number}-{order}-")


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """
    Return the outputs of a cell, with what it printed in several goes as one.
    """
    found: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and found and found[-1].output_type == "stream":
            found[-1].text += output.text
        else:
            found.append(output.copy())
    return found


def shown(output: nbformat.NotebookNode, prefix: str) -> str:
    """
    Return one output, in the best form that it has.
    """
    if output.output_type == "stream":
        return printed(output.text)
    form = next((form for form in FORMS if form in output.get("data", {})), None)
    text = output.data[form] if form else ""
    match form:
        case "image/svg+xml":
            return html(f'<div class="picture">{with_own_ids(text, prefix)}</div>')
        case "image/png":
            return html(f'<div class="picture"><img alt="" src="data:image/png;base64,{text.strip()}"></div>')
        case "text/html":
            return html(f'<div class="shown">{text}</div>')
        case "text/markdown":
            return str(text)
        case _:
            return printed(text)


def printed(text: str) -> str:
    """
    Return what a cell printed, as a block that looks different from code.
    """
    plain = without_colours(text).rstrip()
    return f"{FENCE}{{code-block}} text\n:class: printed\n\n{plain}\n{FENCE}" if plain else ""


def without_colours(text: str) -> str:
    """
    Return what a terminal shows of some text, in one colour.
    """
    return COLOURS.sub("", text)


def block(text: str, language: str) -> str:
    """
    Return some code as a block.
    """
    return f"{FENCE}{language}\n{text}\n{FENCE}"


def html(text: str) -> str:
    """
    Return HTML that stands on the page as it is.
    """
    return f"{FENCE}{{raw}} html\n{text}\n{FENCE}"


def with_own_ids(picture: str, prefix: str) -> str:
    """
    Return an SVG picture whose ids are used by no other on the page.
    """
    for pattern in (r'(\sid=")', r"(url\(#)", r'(href="#)'):
        picture = re.sub(pattern, rf"\g<1>{prefix}", picture)
    return picture[picture.index("<svg") :]
