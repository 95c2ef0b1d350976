"""
The directives ``http-routes`` and ``server-metrics``: what the server answers, and what it counts.

The first is written from the server's own OpenAPI description, which its tests compare with a running server, the
second from its metrics.
"""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from command_reference import definitions
from docutils import nodes
from prometheus_client.parser import text_string_to_metric_families
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sdkbridge.server.metrics import Metrics
from sdkbridge.server.operations import openapi_document

LEFT_OUT = {"options", "parameters"}
"""Browsers' preflights are answered everywhere alike."""


class Routes(SphinxDirective):
    """
    Writes one section for each route, with the other paths that are answered alike.
    """

    def run(self) -> list[nodes.Node]:
        """
        Return the sections, in the order of the description.
        """
        document = json.loads(openapi_document())
        alike: dict[str, list[str]] = {}
        for path, route in document["paths"].items():
            alike.setdefault(json.dumps(route), []).append(path)
        return [self._section(document, paths) for paths in alike.values()]

    def _section(self, document: dict[str, Any], paths: list[str]) -> nodes.section:
        section = nodes.section()
        section += nodes.title("", paths[0])
        if len(paths) > 1:
            others = [part for path in paths[1:] for part in (nodes.Text(", "), nodes.literal("", path))]
            section += nodes.paragraph("", "", nodes.Text("Also "), *others[1:], nodes.Text("."))
        for method, operation in resolved(document, document["paths"][paths[0]]).items():
            if method not in LEFT_OUT:
                section += operation_of(document, method, operation)
        section["names"].append(nodes.fully_normalize_name(paths[0]))
        self.state.document.note_implicit_target(section, section)
        return section


def resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """
    Return a part of the description, or the one that it points at.
    """
    if "$ref" not in value:
        return value
    found = document
    for step in value["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def operation_of(document: dict[str, Any], method: str, operation: dict[str, Any]) -> Iterator[nodes.Node]:
    """
    Yield what a method does, what it asks for, and its answers.
    """
    says = [operation["summary"], operation.get("description", ""), *asked_for(operation)]
    told = nodes.Text(f" {' '.join(filter(None, says))}")
    yield nodes.paragraph("", "", nodes.literal("", method.upper()), told)
    statuses: dict[str, list[str]] = {}
    for status, answer in operation["responses"].items():
        statuses.setdefault(resolved(document, answer)["description"], []).append(status)
    yield definitions((", ".join(alike), meaning) for meaning, alike in statuses.items())


def asked_for(operation: dict[str, Any]) -> Iterator[str]:
    """
    Yield what a request has to show, in a sentence.
    """
    schemes = operation.get("security", [])
    kinds = [name for scheme in schemes for name in scheme]
    words = {"writeKey": "a write key", "token": "the server's token, if it has one"}
    if kinds:
        yield f"Asks for {' or '.join(words[kind] for kind in kinds)}."


def metrics() -> Iterator[tuple[str, str]]:
    """
    Yield each metric of a server with its kind and what it counts.
    """
    nobody: Any = SimpleNamespace(projects={})
    for family in text_string_to_metric_families(Metrics(nobody).text().decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield name, f"{family.type.capitalize()}. {family.documentation}"


class ServerMetrics(SphinxDirective):
    """
    Writes what each metric counts.
    """

    def run(self) -> list[nodes.Node]:
        """
        Return the list.
        """
        return [definitions(metrics())]


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Take part in a build.
    """
    app.add_directive("http-routes", Routes)
    app.add_directive("server-metrics", ServerMetrics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
