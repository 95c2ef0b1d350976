"""
The directive ``public-names``: whatever a module has in ``__all__``, by autodoc.

So a name that becomes public is documented at once, and one that goes is gone.
"""

import importlib
import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

OURS = ("identity", "sdkbridge")
NOT_OURS = "BaseException, str, int, tuple, list, dict"
"""What a class may inherit from without its members being ours to document."""


class PublicNames(SphinxDirective):
    """
    Documents the public names of a module: classes and functions first, exceptions last, each in order.

    The content names those to begin with, or, with the option ``only``, all that are to be shown.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"only": lambda _: True}

    def run(self) -> list[nodes.Node]:
        """
        Return what autodoc writes of each name.
        """
        name = self.arguments[0]
        module = importlib.import_module(name)
        first = [line.strip() for line in self.content if line.strip()]
        shown = first if "only" in self.options else in_order(module, first)
        lines = [line for public in shown for line in documented(name, public, getattr(module, public))]
        # Docstrings are reStructuredText; the page around them is not.
        return self.parse_text_to_nodes("\n".join(["```{eval-rst}", *lines, "```"]))


def in_order(module: ModuleType, first: Sequence[str]) -> list[str]:
    """
    Return the names of a module's ``__all__`` in the order in which they are shown.
    """
    public = getattr(module, "__all__", ())
    missing = set(first) - set(public)
    if missing:
        raise ValueError(f"{module.__name__} has no public {', '.join(sorted(missing))}")
    above = importlib.import_module(module.__name__.rpartition(".")[0] or module.__name__)
    lent = {id(getattr(above, name)) for name in getattr(above, "__all__", ()) if above is not module}
    # What another package lends, or the one above has too, is documented there.
    names = [
        name
        for name in public
        if package_of(value := getattr(module, name)) in {package_of(module), None} and id(value) not in lent
    ]

    def place(name: str) -> tuple[int, bool, str]:
        value = getattr(module, name)
        wrong = inspect.isclass(value) and issubclass(value, BaseException)
        return (first.index(name) if name in first else len(first), wrong, name)

    return sorted(names, key=place)


def package_of(value: object) -> str | None:
    """
    Return which of our packages defines something, or None if it does not say: a constant, or a type's other name.
    """
    name = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
    package = str(name).split(".")[0]
    return package if package in OURS else None


def documented(module: str, name: str, value: object) -> list[str]:
    """
    Return the directive that documents one name, as lines of reStructuredText.
    """
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        return [f".. {kind}:: {module}.{name}", "   :members:", f"   :inherited-members: {NOT_OURS}", ""]
    if inspect.isroutine(value):
        return [f".. autofunction:: {module}.{name}", ""]
    return [f".. autodata:: {module}.{name}", "   :no-value:", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Take part in a build.
    """
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
