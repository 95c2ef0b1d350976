"""
The directive ``commands``: every command of a click program with its arguments, options and help.

It takes the program as ``module:name`` and goes down into groups, each command a section of its own.
"""

import importlib
from collections.abc import Iterable, Iterator
from typing import ClassVar

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Commands(SphinxDirective):
    """
    Writes one section for each command.
    """

    required_arguments = 1
    option_spec: ClassVar = {}

    def run(self) -> list[nodes.Node]:
        """
        Return the sections, in the order of the program's own help.
        """
        module, name = self.arguments[0].split(":")
        program = getattr(importlib.import_module(module), name)
        top = click.Context(program, info_name=module.split(".")[0])
        return [self._section(context) for context in contexts_of(top)]

    def _section(self, context: click.Context) -> nodes.section:
        section = nodes.section()
        section += nodes.title("", context.command_path)
        section += nodes.literal_block("", usage_of(context), language="text")
        for paragraph in (context.command.help or "").split("\n\n"):
            section += nodes.paragraph("", " ".join(paragraph.replace("\b", "").split()))
        section += parameters_of(context)
        section["names"].append(nodes.fully_normalize_name(context.command_path))
        self.state.document.note_implicit_target(section, section)
        return section


def contexts_of(context: click.Context) -> Iterator[click.Context]:
    """
    Yield a command and what is below it, each in the context that its help is written in.
    """
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None and not command.hidden:
                yield from contexts_of(click.Context(command, info_name=name, parent=context))


def usage_of(context: click.Context) -> str:
    """
    Return the line that says how a command is called.
    """
    return " ".join([context.command_path, *context.command.collect_usage_pieces(context)])


def parameters_of(context: click.Context) -> list[nodes.Node]:
    """
    Return the options of a command as a list of what each is and does; nothing if it has none.
    """
    records = [
        record
        for parameter in context.command.get_params(context)
        if "--help" not in parameter.opts and (record := parameter.get_help_record(context))
    ]
    if not records:
        return []
    return [definitions(records)]


def definitions(terms: Iterable[tuple[str, str]]) -> nodes.definition_list:
    """
    Return pieces of code and what they mean as a list.
    """
    found = nodes.definition_list(classes=["options"])
    for word, meaning in terms:
        item = nodes.definition_list_item()
        item += nodes.term("", "", nodes.literal("", word))
        item += nodes.definition("", nodes.paragraph("", meaning))
        found += item
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Take part in a build.
    """
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
