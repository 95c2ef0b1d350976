"""
Makes a page of each notebook: its text, its code, and what running it shows, pictures included.
"""

from pathlib import Path
from typing import ClassVar

import jupytext
from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from notebook_runs import run_once
from notebook_text import text_of, without_colours
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


class NotebookParser(MystParser):
    """
    Reads a notebook in jupytext's percent format, and parses the page that its cells and their outputs make.
    """

    supported: ClassVar = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:  # noqa: ARG002 - the path is enough
        """
        Run the notebook unless its outputs are known, and parse what results.

        One that cannot be run is an error of the build, and its page shows the code alone.
        """
        environment = document.settings.env
        path = Path(document["source"])
        below = [Path(environment.srcdir) / folder for folder in environment.config.notebook_depends_on]
        try:
            notebook = run_once(path, cache=Path(environment.config.notebook_cache), depends_on=below)
        except Exception as error:  # noqa: BLE001 - a cell may raise anything
            reason = without_colours(str(error))
            logger.error("This notebook could not be run: %s", reason, location=environment.docname)  # noqa: TRY400
            notebook = jupytext.read(path)
        super().parse(text_of(notebook), document)


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Take part in a build.
    """
    app.add_config_value("notebook_cache", "", "env", (str,))
    app.add_config_value("notebook_depends_on", [], "env", (list,))
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
