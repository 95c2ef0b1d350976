"""
How Sphinx makes the site of these pages: ``./run docs``, without the network.

The whole checkout is the source, so that a link between two files means the same here and wherever else the files
are read; the pages are those of ``include_patterns``.
"""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
CHECKOUT = DOCS.parent
sys.path[:0] = [str(CHECKOUT), str(DOCS / "extensions")]

project = "sdkbridge"
project_copyright = "the sdkbridge contributors"
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "command_reference",
    "file_links",
    "notebook_pages",
    "public_names",
    "server_reference",
]
include_patterns = ["docs/**", "notebooks/*.py", "fixtures/README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = [".*", "build", "dist", "benchmarks", "identity", "requirements", "sdkbridge", "tests"]
exclude_patterns += ["docs/conf.py", "docs/extensions", "docs/site"]
root_doc = "docs/index"
source_suffix = {".md": "markdown", ".py": "notebook"}
# The output of a notebook belongs to the code that made it: see the extension.
notebook_cache = str(CHECKOUT / "build" / "notebooks")
notebook_depends_on = ["identity", "sdkbridge", "fixtures", "requirements"]

nitpicky = True
# Autodoc makes a link of every type and every word in backticks; without the network most of them lead nowhere.
nitpick_ignore_regex = [(r"py:(class|obj|data|exc)", r".*")]

myst_heading_anchors = 3
myst_links_external_new_tab = False
# Python is as good as any to colour an example of the command line's JSON.
highlight_language = "text"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
# One backtick on each side, in a docstring: a name of ours, or else just code.
default_role = "py:obj"
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "sdkbridge"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
templates_path = ["site/templates"]
# Whoever opens the folder itself is sent to the first page.
html_additional_pages = {"index": "first.html"}
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_use_index = True
pygments_style = "default"
pygments_dark_style = "github-dark"
