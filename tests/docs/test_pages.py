"""The built pages: every public name and every route is there, and every link leads somewhere."""
import inspect
import os
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sphinx.util.inventory import InventoryFile

import tutum
from runexamples import parts
from tutum.server.web.app import create_app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def html():
    """Return the directory of the built pages."""
    directory = os.environ.get("DOCS_HTML")
    assert directory, "Build the pages and name their directory in DOCS_HTML, as tox run -e docs does."
    return Path(directory)


@pytest.fixture(scope="module")
def documented(html):
    """Return the full names of all objects that have an entry."""
    with open(html / "objects.inv", "rb") as inventory:
        found = InventoryFile.load(inventory, "", lambda base, path: path)
    return {name for kind, names in found.items() if kind.startswith("py:") for name in names}


class Page(HTMLParser):
    """Collects where a page leads and what can be led to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.add((tag, value))


@pytest.mark.parametrize("name", tutum.__all__)
def test_public_name_is_on_a_page(name, documented):
    thing = getattr(tutum, name)
    if inspect.ismodule(thing):
        assert thing.__name__ in documented
    else:
        home = f"{thing.__module__}.{thing.__name__}" if inspect.isclass(thing) else None
        assert {f"tutum.{name}", home} & documented


@pytest.mark.parametrize("cls", [value for value in vars(tutum).values()
                                 if inspect.isclass(value) and hasattr(value, "fetch")])
def test_methods_are_on_a_page(cls, documented):
    public = {name for name in dir(cls) if not name.startswith("_")}
    missing = {name for name in public if f"tutum.{cls.__name__}.{name}" not in documented}
    # A container is made with its application, never by itself.
    assert missing == ({"create"} if cls is tutum.Container else set())


def test_functions_of_the_utilities_are_on_a_page(documented):
    assert {f"tutum.api.auth.{name}" for name in tutum.auth.__all__} <= documented
    assert {"tutum.api.http.send_request", "tutum.api.http.close"} <= documented


def test_every_route_is_on_the_page_of_the_http_api(html):
    text = unescape(re.sub("<[^>]+>", "", (html / "http-api.html").read_text(encoding="utf-8")))
    routes = {f"{method} {rule.rule}" for rule in create_app(None).url_map.iter_rules()
              for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert len(routes) > 15
    assert not {route for route in routes if route + "\n" not in text}


def test_links_lead_somewhere(html):
    pages = {path: Page(path) for path in html.rglob("*.html")}
    assert len(pages) > 10
    lost = []
    for path, page in pages.items():
        for _, link in page.links:
            target = urlsplit(link)
            if not target.scheme and not target.netloc:
                to = (path.parent / unquote(target.path)).resolve() if target.path else path
                if not to.exists() or to in pages and target.fragment not in pages[to].anchors:
                    lost.append((path.name, link))
    assert lost == []


def test_pages_load_nothing_from_elsewhere(html):
    for path in html.rglob("*.html"):
        loaded = {link for tag, link in Page(path).links if tag in ("script", "link", "img", "iframe")}
        assert not {link for link in loaded if urlsplit(link).netloc}


def test_pages_can_be_searched(html):
    index = (html / "searchindex.js").read_text(encoding="utf-8")
    assert "Search.setIndex" in index and '"redeploy"' in index and '"quickstart"' in index


def test_sections_of_the_library_page():
    text = (ROOT / "docs" / "python.rst").read_text(encoding="utf-8")
    assert re.findall(r"^(.+)\n[=^-]{4,}$", text, re.MULTILINE) == [
        "Python library", "Overview", "Installing the Python library", "Authentication", "Errors", "Applications",
        "Example", "Containers", "Example", "Authentication utilities"]


SESSIONS = """
import tutum; app = tutum.Application.create(image="tutum/hello-world", name="my-new-app", target_num_containers=2);
app.save(); app.state; app.refresh(); app.state; tutum.Application.list();
uuid = tutum.Application.list(name="my-new-app")[0].uuid; app = tutum.Application.fetch(uuid); app.name;
app.target_num_containers = 3; app.save(); app.state; app.refresh(); app.state; app.stop(); app.start(); app.delete();
app.state; app.refresh(); app.state;
import tutum; tutum.Container.list(application__name="my-new-app", state="Running");
uuid = tutum.Container.list(application__name="my-new-app")[0].uuid; container = tutum.Container.fetch(uuid);
container.name; container.stop(); container.state; container.refresh(); container.state; container.start();
container.delete(); container.state; container.refresh(); container.state
"""


def test_sessions_of_the_library_page_keep_their_steps():
    text = (ROOT / "docs" / "python.rst").read_text(encoding="utf-8")
    statements = iter([part.source.strip() for _, part in parts(text) if not isinstance(part, str)])
    missing = [step for step in re.split(r";\s+", SESSIONS.strip()) if step not in statements]
    assert missing == []
