"""Reads the rows of the HTTP contract (api-v1) from the files in `contract`.

A row is a step or a list of steps of one client, an account of its own with an empty list of everything. In a step

* `given` puts things into the records first, as `records.Records.put` takes them: a text is an application's name,
  ``$30`` stands for the thirty applications app-1 to app-30, ``{"$ago": 20}`` for the moment twenty seconds ago, and
  `of` says that it belongs to the "stranger", a second account;
* `send` is the method and the path, below ``/api/v1/`` unless it starts with a slash; `json` or `data` is the body,
  `auth` the Authorization header (null for none), `basic` a user name and password in its place, and `send_headers`
  are more headers;
* `status`, `headers`, `text` and `body` are what the reply must be, see `contractmatch`; `keys_sorted` that each object
  in it has its keys in order; `until` and `until_status` send again until the body or the status is as they say;
* `as` gives the object in the reply a name, and `save` gives names to values in it, by their paths.

``<web>`` in any text stands for the uuid of the application or container of that unique name, ``<it>`` for the uuid of
what was named so and ``<it-2>`` for its second container's; ``<user>``, ``<apikey>``, ``<password>`` and ``<basic>``
are the client's, ``<stranger.user>`` and so on the stranger's, ``<host>`` is the service's URL without a path.
``<web:8>`` is the beginning of one, and ``<web:upper>`` one in upper case. `service` in the first step chooses another
service than that of most rows, by the name of its fixture in `test_contract`, and `engine` says that the row holds with
one engine alone.

What is a table in the contract is a table here, and made into rows by the function of its name.
"""
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DIRECTORY = Path(__file__).parent / "contract"

KEYS = {"service", "engine", "given", "send", "json", "data", "auth", "basic", "send_headers", "status", "headers",
        "text", "body", "keys_sorted", "until", "until_status", "as", "save"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Row(NamedTuple):
    """What the contract says in one place."""

    section: str
    name: str
    steps: list[dict[str, Any]]

    @property
    def id(self) -> str:
        return f"{self.section} {self.name}"


def read(engine: str) -> list[Row]:
    """Return all rows that hold with an engine, those of the tables too."""
    return [row for row in map(_checked, _all()) if row.steps[0].get("engine", engine) == engine]


def _all() -> list[Row]:
    return [row for path in sorted(DIRECTORY.glob("*.json"))
            for kind, table in json.loads(path.read_text("utf-8"), object_pairs_hook=_without_duplicates).items()
            for row in _READERS[kind](table)]


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"one of {[key for key, _ in pairs]} would be lost"
    return found


def _checked(row: Row) -> Row:
    for step in row.steps:
        assert not step.keys() - KEYS, f"{row.id}: what is {step.keys() - KEYS}?"
        assert "status" in step or "until_status" in step, f"{row.id}: {step['send']} may not answer just anything"
    return row


def _rows(sections: dict[str, dict[str, Any]]) -> Iterator[Row]:
    for section, rows in sections.items():
        for name, steps in rows.items():
            yield Row(section, name, steps if isinstance(steps, list) else [steps])


def _methods(table: dict[str, str]) -> Iterator[Row]:
    """The methods that each path has; every other one is refused, with the list of those that it has."""
    given = [{"application": "web", "containers": ["Stopped"]}, {"image": "acme/shop"}]
    for path, text in table.items():
        has = sorted({*text.split(), "OPTIONS", *(["HEAD"] if "GET" in text.split() else [])})
        others = [{"send": f"{method} {path}", "status": 405, "headers": {"Allow": ", ".join(has)},
                   **({} if method == "HEAD" else {"text": ", ".join(has)})} for method in METHODS if method not in has]
        yield Row("1.9", f"methods of {path}", [
            {"given": given, "send": f"OPTIONS {path}", "status": 200, "headers": {"Allow": ", ".join(has)}}, *others])


def _attributes(table: dict[str, Any]) -> Iterator[Row]:
    """The attributes of a resource: in which views they are, and what they may be on POST, on PATCH and in filters."""
    section, resource, attributes = table["section"], table["resource"], table["table"]
    detail = [name for name, attribute in attributes.items() if attribute["type"] != "absent"]
    yield Row(section, "the detail view has these keys alone", [
        {"given": table["given"], "send": f"GET {table['path']}", "status": 200, "body": {"$keys": detail}}])
    in_list = [name for name, attribute in attributes.items() if attribute["list"]]
    yield Row(section, "the list view has these keys alone", [
        {"given": table["given"], "send": f"GET {resource}/", "status": 200,
         "body": {"objects": [{"$keys": in_list}]}}])
    for name, attribute in attributes.items():
        facets = {**_in_views(table, name, attribute), **_on_post(table, name, attribute),
                  **_on_patch(table, name, attribute)}
        if not attribute.get("filter") and attribute.get("filterable") != "unknown":
            facets["cannot be filtered by"] = [
                {"send": f"GET {resource}/?{name}=x", "status": 400,
                 "body": {"$only": {"error": f"The '{name}' field does not allow filtering."}}}]
        for facet, steps in facets.items():
            yield Row(section, f"{name}: {facet}", steps)


def _in_views(table: dict[str, Any], name: str, attribute: dict[str, Any]) -> dict[str, list[dict]]:
    made = {"send": f"POST {table['resource']}/", "json": table["create"], "status": 202, "as": "it"} \
        if "create" in table else {"given": table["given"], "send": f"GET {table['path']}", "status": 200}
    in_list = _has(name, f"${attribute['type']}") if attribute["list"] else {"$lacks": [name]}
    return {"in both views": [{**made, "body": _has(name, _default(attribute))},
                              {"send": f"GET {table['resource']}/", "status": 200, "body": {"objects": [in_list]}}]}


def _on_post(table: dict[str, Any], name: str, attribute: dict[str, Any]) -> dict[str, list[dict]]:
    def post(value: Any) -> dict[str, Any]:
        return {"send": f"POST {table['resource']}/", "json": {**table["create"], name: value}}
    facets = {}
    if "accepts" in attribute or "accepts_as" in attribute:
        field, values = attribute.get("accepts_as") or (name, [[value, value] for value in attribute["accepts"]])
        facets["accepted on POST"] = [step for value, shown in values for step in (
            {**post(value), "status": 202, "as": "it", "body": {field: shown}},
            {"send": f"GET {table['resource']}/<it>/", "status": 200, "body": {field: shown}})]
    if "refuses" in attribute:
        facets["refused on POST"] = [*({**post(value), **_refused(table, name)} for value in attribute["refuses"]),
                                     {"send": f"GET {table['resource']}/", "status": 200, "body": {"objects": []}}]
    if attribute.get("post") == "ignored":
        facets["ignored on POST"] = [
            {**post("nonsense"), "status": 202, "as": "it", "body": _has(name, _default(attribute))}]
    return facets


def _on_patch(table: dict[str, Any], name: str, attribute: dict[str, Any]) -> dict[str, list[dict]]:
    before = {"given": table["given"], "send": f"GET {table['path']}", "status": 200, "save": {"before": None}}
    unchanged = {"send": f"GET {table['path']}", "status": 200, "body": "<before>"}

    def patch(value: Any) -> dict[str, Any]:
        return {"send": f"PATCH {table['path']}", "json": {name: value}}
    facets = {}
    if attribute.get("patch") == "ignored":
        facets["ignored on PATCH"] = [before, {**patch("nonsense"), "status": 202, "body": "<before>"}]
    refuses = ["nonsense"] if attribute.get("patch") == "refused" else attribute.get("patch_refuses")
    if refuses:
        facets["refused on PATCH"] = [
            before, *({**patch(value), **_refused(table, name)} for value in refuses), unchanged]
    if "patch_accepts" in attribute:
        facets["accepted on PATCH"] = [before, *(
            {**patch(value), "status": 202, "body": {name: value}} for value in attribute["patch_accepts"])]
    return facets


def _default(attribute: dict[str, Any]) -> Any:
    return attribute.get("default", f"${attribute['type']}")


def _has(name: str, value: Any) -> dict[str, Any]:
    return {"$lacks": [name]} if value == "$absent" else {name: value}


def _refused(table: dict[str, Any], name: str) -> dict[str, Any]:
    return {"status": 400, "body": {"$only": {table["resource"]: {"$only": {name: ["~.+"]}}}}}


def _filters(table: dict[str, Any]) -> Iterator[Row]:
    """What queries of a list find of the things given, by unique name or another key, and the lookups refused."""
    given, path, key = table["given"], table["path"], table.get("key", "unique_name")
    for query, found in table["finds"].items():
        yield Row(table["section"], f"{path}?{query}", [
            {"given": given, "send": f"GET {path}?{query}", "status": 200,
             "body": {"meta": {"total_count": len(found)}, "objects": [{key: each} for each in found]}}])
    for field in table["refuses"]["fields"]:
        yield Row(table["section"], f"{path}?{field}: lookups that are not allowed", [
            {"send": f"GET {path}?{field}__{lookup}=x", "status": 400,
             "body": {"$only": {"error": f"'{lookup}' is not an allowed filter on the '{field}' field."}}}
            for lookup in table["refuses"]["lookups"]])


def _recovery(table: dict[str, Any]) -> Iterator[Row]:
    """What becomes of a container that ends by itself."""
    for autorestart, autoreplace, autodestroy, code, runs, containers, state in table["table"]:
        policies = {"autorestart": autorestart, "autoreplace": autoreplace, "autodestroy": autodestroy}
        last = [] if runs is None else [
            {"send": "GET container/?application__uuid=<it>&state=Stopped", "status": 200,
             "body": {"objects": [{"exit_code": code}]}, "save": {"last": "objects.0.uuid"}},
            {"send": "GET container/<last>/logs/", "status": 200, "body": {"logs": "run\n" * runs}}]
        yield Row(table["section"], ", ".join(f"{policy} {value}" for policy, value in policies.items())
                  + f", exit code {code}", [
            {"send": "POST application/", "status": 202, "as": "it",
             "json": {"image": "any/thing", "run_command": f"sh -c 'echo run; exit {code}'", **policies}},
            {"send": "GET application/<it>/", "status": 200, "until": {"state": state}},
            {"send": "GET container/?application__uuid=<it>", "status": 200,
             "body": {"meta": {"total_count": containers}}}, *last])


def _exit_codes(table: dict[str, str]) -> Iterator[Row]:
    """The messages of exit codes."""
    for code, message in table.items():
        yield Row("4.1", f"the message of exit code {code}", [
            {"given": [{"application": "web", "containers": ["Stopped"],
                        "container_columns": {"exit_code": int(code)}}],
             "send": "GET container/<web-1>/", "status": 200,
             "body": {"exit_code": int(code), "exit_code_msg": message}}])


def _link_variables_shown(table: dict[str, bool]) -> Iterator[Row]:
    """In which states an application shows the link variables of its containers."""
    for state, shown in table.items():
        variables = {"DB_1_PORT": "~tcp://.+"} if shown else {"$keys": ["DB_TUTUM_API_URL"]}
        yield Row("3.6", f"link variables of an application in state {state}", [
            {"given": [{"application": "db", "state": state, "containers": ["Stopped"], "ports": ["80/tcp"]}],
             "send": "GET application/<db>/", "status": 200,
             "body": {"link_variables": {"DB_TUTUM_API_URL": "<host>/api/v1/application/<db>/", **variables}}}])


def _application_actions(table: dict[str, Any]) -> Iterator[Row]:
    """Which actions an application accepts in each state."""
    for state, answers in table["table"].items():
        given = [{"application": "web", "state": state, "containers": table["containers"][state],
                  "columns": {"target_num_containers": table["target"]}}]
        for name, answer in zip(table["columns"], answers, strict=True):
            yield _action(table, "application", "application/<web>/", given, state, name, answer)


def _container_actions(table: dict[str, Any]) -> Iterator[Row]:
    """Which actions a container accepts in each state, and that it accepts none while its application moves."""
    for state, answers in table["table"].items():
        given = [{"application": "web", "state": "Partly running", "containers": [state, "Running"]}]
        for name, answer in zip(table["columns"], answers, strict=True):
            yield _action(table, "container", "container/<web-1>/", given, state, name, answer)
    for application_state in table["application_states"]:
        for name, state in (("start", "Stopped"), ("stop", "Running"), ("DELETE", "Running")):
            given = [{"application": "web", "state": application_state, "containers": [state]}]
            yield Row(table["section"], f"application in state {application_state}: {name}", [
                {"given": given, "send": table["actions"][name]["send"], "status": 400,
                 "body": {"$only": {"error": f"~Cannot .+ in state {application_state}"}}},
                {"send": "GET container/<web-1>/", "status": 200, "body": {"state": state}}])


def _action(table: dict[str, Any], resource: str, path: str, given: list, state: str, name: str, answer: str) -> Row:
    action = table["actions"][name]
    request = {"given": given, "send": action["send"], **({"json": action["json"]} if "json" in action else {})}
    if answer == "yes":
        steps = [{**request, "status": 202, "body": {"state": action["state"] or state, **action.get("body", {})}}]
    else:
        steps = [{**request, "status": 400, "body": {"$only": {"error": f"~Cannot .+ {resource} in state {state}"}}},
                 {"send": f"GET {path}", "status": 200, "body": {"state": state}}]
    return Row(table["section"], f"{state}: {name}", steps)


def _recompute(table: list[list]) -> Iterator[Row]:
    """The state of an application that follows from its containers' when no operation is in progress."""
    for containers, state in table:
        yield Row("6.3", f"containers {', '.join(containers) or 'none'}: {state}", [
            {"given": [{"application": "web", "state": "Init", "containers": containers}],
             "send": "PATCH application/<web>/", "json": {"autorestart": "OFF"}, "status": 202},
            {"send": "GET application/<web>/", "status": 200, "until": {"state": state}}])


_READERS = {"rows": _rows, "methods": _methods, "attributes": _attributes, "filters": _filters, "recovery": _recovery,
            "exit_codes": _exit_codes, "link_variables_shown": _link_variables_shown,
            "application_actions": _application_actions, "container_actions": _container_actions,
            "recompute": _recompute}
