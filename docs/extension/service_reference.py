"""Directives that read the service's own code, so that its reference cannot say anything else.

A page that leaves out what the code has, or names what it has not, does not build.
"""
from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import click
from docutils import nodes
from docutils.statemachine import StringList
from flask import Flask
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tutum.server import cli, states
from tutum.server.errors import ValidationError
from tutum.server.paths import Addresses
from tutum.server.store import Account, Application, Container
from tutum.server.web import applications, containers, filters, images, validation, views
from tutum.server.web.app import create_app

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")

ACTIONS = {"application": states.APPLICATION_ACTIONS, "container": states.CONTAINER_ACTIONS}
CONTAINER_STATES = (states.INIT, states.STARTING, states.RUNNING, states.STOPPING, states.STOPPED,
                    states.STOPPED_WITH_ERRORS, states.START_FAILED, states.TERMINATING, states.TERMINATED)

MOST = 200

#: An image's name: the default name of an application is made from it.
OWN_NAME = "shop"


def service() -> Flask:
    """Build the service's WSGI application, to look at."""
    return create_app(SimpleNamespace())


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Return method, path and the view's docstring of all that the service answers."""
    return [(method, rule.rule, app.view_functions[rule.endpoint].__doc__)
            for rule in app.url_map.iter_rules() for method in METHODS if method in rule.methods]


class ReferenceDirective(SphinxDirective):
    """Makes a table whose cells are reStructuredText."""

    required_arguments = 1

    def table(self, head: Iterable[str], rows: Iterable[Iterable[str]], widths: str = "auto") -> list[nodes.Node]:
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
        for row in (head, *rows):
            for number, cell in enumerate(row):
                lines.append(f"   {'*' if number == 0 else ' '} - {' '.join(cell.split())}".rstrip())
        source, _ = self.get_source_info()
        return self.parse_text_to_nodes(StringList(lines, source))


class Routes(ReferenceDirective):
    """Lists the requests whose path begins with the argument."""

    def run(self) -> list[nodes.Node]:
        found = [route for route in routes(service()) if route[1].startswith(self.arguments[0])]
        if not found:
            raise self.error(f"No path begins with {self.arguments[0]}")
        return self.table(("Request", "What it does"),
                          ((f"``{method} {path}``", text.replace("`", "``")) for method, path, text in found))


class Filters(ReferenceDirective):
    """Lists the filters of a resource."""

    def run(self) -> list[nodes.Node]:
        columns = {"application": applications, "container": containers, "image": images}[self.arguments[0]].FILTERS
        return self.table(("Filter", "Lookups"), (
            (f"``{field}``", ", ".join(f"``{lookup}``" for lookup in self.lookups(column)))
            for field, column in columns.items()))

    @staticmethod
    def lookups(column: Any) -> Iterable[str]:
        def is_allowed(lookup: str) -> bool:
            try:
                filters.conditions({f"field__{lookup}": ["true"]}, {"field": column}, frozenset())
            except filters.RequestError:
                return False
            return True
        return filter(is_allowed, filters.LOOKUPS)


class Attributes(ReferenceDirective):
    """Describes the attributes of a resource; says by itself which views and requests have them.

    The content has a line ``name: type: meaning`` for each.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        resource = self.arguments[0]
        described = dict(line.split(": ", 1) for line in self.content if line.strip())
        in_list, in_detail = shown(resource)
        posted, patched = accepted(resource)
        if described.keys() != in_detail | posted.keys():
            wrong = sorted(described.keys() ^ (in_detail | posted.keys()))
            raise self.error(f"Attributes that are not described, or are not there: {wrong}")

        rows = []
        for name, text in described.items():
            kind, meaning = text.split(": ", 1)
            places = [place for place, names in (("list", in_list), ("detail", in_detail), ("POST", posted),
                                                 ("PATCH", patched)) if name in names]
            default = posted.get(name)
            if default not in (None, "", OWN_NAME):
                meaning += f" Default: ``{json.dumps(default)}``."
            rows.append((f"``{name}``", kind, ", ".join(places), meaning))
        return self.table(("Attribute", "Type", "In", "Meaning"), rows, "26 9 20 45")


def shown(resource: str) -> tuple[set[str], set[str]]:
    """Return the names of the attributes in the list view and in the detail view."""
    addresses = Addresses("127.0.0.1", "http://127.0.0.1:8886", lambda name, port: None)
    application = Application(uuid="", unique_name="", name="", image_name="a:latest", state=states.RUNNING, roles=[],
                              account=Account(username=""), container_ports=[], container_envvars=[],
                              sequential_deployment=False)
    if resource == "image":
        names = {field for field in images.ATTRIBUTES | images.FILTERS.keys() if "__" not in field}
        return names, names
    if resource == "application":
        in_list = views.application_in_list(application, Counter(), addresses)
        return set(in_list), set(views.application_in_detail(application, addresses))
    container = Container(uuid="", unique_name="", image_name="a:latest", state=states.RUNNING, container_ports=[],
                          application=application, number=1, web_public_dns="a")
    return set(views.container_in_list(container, addresses)), set(views.container_in_detail(container, addresses))


def accepted(resource: str) -> tuple[Mapping[str, Any], set[str]]:
    """Return the defaults of what a POST takes, and the names of what a PATCH takes."""
    if resource == "container":
        return {}, {name for name in views.CONTAINER_ATTRIBUTES
                    if refusal(lambda: validation.container_changes({name: 0})) != "Cannot be changed."}
    if resource == "image":
        required = {"name": "acme/shop", "username": "ann", "password": "secret"}
        posted = {**validation.new_image(required), **dict.fromkeys(required)}
        return posted, {name for name in posted if refusal(lambda: validation.image_changes({name: 0}))}
    posted = {**validation.new_application({"image": f"acme/{OWN_NAME}"}, MOST), "image": None}
    return posted, {name for name in views.APPLICATION_ATTRIBUTES
                    if refusal(lambda: validation.application_changes({name: object()}, MOST))}


def refusal(check: Callable[[], Any]) -> str | None:
    """Return the message of the one attribute that a check refuses."""
    try:
        check()
    except ValidationError as error:
        [[[message], *_]] = [messages.values() for messages in error.body.values()]
        return message
    return None


class Actions(ReferenceDirective):
    """Shows in which states a resource accepts its actions."""

    def run(self) -> list[nodes.Node]:
        actions = ACTIONS[self.arguments[0]]
        names = CONTAINER_STATES if self.arguments[0] == "container" else every_state()
        return self.table(("State", *(f"``{action}``" for action in actions)), (
            (state, *("yes" if state in accepted_in else "" for accepted_in in actions.values())) for state in names))


def every_state() -> list[str]:
    """Return all states, in the order of the code."""
    return [value for name, value in vars(states).items() if name.isupper() and isinstance(value, str)]


class CommandLine(ReferenceDirective):
    """Lists the options and arguments of a command of ``tutum-server``."""

    def run(self) -> list[nodes.Node]:
        command = cli.cli
        for name in self.arguments[0].split():
            command = command.commands[name]
        context = click.Context(command)
        records = [record for parameter in command.params if isinstance(parameter, click.Option)
                   for record in [parameter.get_help_record(context)] if record]
        return self.table(("Option", "What it does"),
                          ((f"``{option}``", text.replace("  [default", " [default")) for option, text in records))

    final_argument_whitespace = True


class Value(SphinxRole):
    """Prints a constant of the service."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        module, _, name = self.text.rpartition(".")
        value = getattr(importlib.import_module(f"tutum.server.{module}"), name)
        return [nodes.Text(f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float)
                           else str(value))], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known."""
    for name, directive in (("routes", Routes), ("filters", Filters), ("attributes", Attributes),
                            ("actions", Actions), ("command-line", CommandLine)):
        app.add_directive(name, directive)
    app.add_role("value", Value())
    return {"parallel_read_safe": True}
