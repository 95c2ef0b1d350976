"""
Lets a page link to a file of the checkout that is no page.
"""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class FileLinks(SphinxTransform):
    """
    Makes the link to a module or a fixture one that opens it, where MyST looks for a page in vain.
    """

    default_priority = 500

    def apply(self) -> None:
        """
        Look at each link of a page.
        """
        for link in list(self.document.findall(addnodes.pending_xref)):
            if link["refdomain"] == "doc" and link["reftarget"] not in self.env.found_docs:
                self._open_file(link)

    def _open_file(self, link: addnodes.pending_xref) -> None:
        for suffix in self.config.source_suffix:
            target = link["reftarget"] + suffix
            if (Path(self.env.srcdir) / target).is_file():
                opening = addnodes.download_reference("", "", reftarget=f"/{target}", refdoc=link["refdoc"])
                opening += nodes.inline("", link.astext(), classes=["xref", "download"])
                link.replace_self(opening)
                return


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Take part in a build.
    """
    app.add_transform(FileLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
