"""
The site that the documents make.
"""

import fcntl
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from attrs import field, frozen
from command_tree import cli_commands
from public_names import package_of
from running_server import running

from sdkbridge.server import Project, ServerSettings, create_app

CHECKOUT = Path(__file__).parent.parent
INDEX = CHECKOUT / "docs" / "index.md"
# Elements whose address a browser loads without being asked, by the attribute that holds it.
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
HEAD_WITHOUT_KERNEL = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Nowhere
#     name: nowhere
# ---
"""

pytestmark = pytest.mark.timeout(600)


@frozen
class Page:
    """
    What one page of the site names: ids that can be linked to, links, and what it loads by itself.
    """

    path: Path
    ids: set[str] = field(factory=set)
    links: list[str] = field(factory=list)
    loaded: list[str] = field(factory=list)


class PageReader(HTMLParser):
    """
    Reads the addresses of a page.
    """

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if "id" in named:
            self.page.ids.add(named["id"])
        if tag == "a" and named.get("href"):
            self.page.links.append(named["href"])
        if named.get(LOADED.get(tag)):
            self.page.loaded.append(named[LOADED[tag]])
        self.page.loaded.extend(addresses_in_style(named.get("style") or ""))


def addresses_in_style(text: str) -> list[str]:
    found = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", text)
    return [one or other for one, other in found]


def build(source: Path, conf: Path, out: Path) -> str:
    """
    Build a site as ./run docs does, and return what went wrong, if anything did.
    """
    options = ["--quiet", "--fresh-env", "--fail-on-warning", "--conf-dir", conf, "--doctree-dir", f"{out}-read"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, source, out],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
    )
    return f"exit code {done.returncode}:\n{done.stdout}{done.stderr}" if done.returncode else ""


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """
    The site, built once however many processes run the tests.
    """
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    wrong = shared / "site.txt"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wrong.exists():
            wrong.write_text(build(CHECKOUT, CHECKOUT / "docs", shared / "site"))
    if said := wrong.read_text():
        pytest.fail(f"the site cannot be built: {said}", pytrace=False)
    return shared / "site"


@pytest.fixture(scope="session")
def pages(site) -> dict[str, Page]:
    """
    What each page of the site names, by its path in the site.
    """
    found = {}
    for path in sorted(site.rglob("*.html")):
        page = found[str(path.relative_to(site))] = Page(path)
        PageReader(page).feed(path.read_text(encoding="utf-8"))
    return found


def listed_in_the_index() -> Iterator[str]:
    for toctree in re.findall(r"^```{toctree}\n(.*?)^```", INDEX.read_text(), re.MULTILINE | re.DOTALL):
        for line in toctree.splitlines():
            if line and not line.startswith(":"):
                yield re.sub(r".*<(.+)>$", r"\1", line)


def test_every_page_is_in_the_index():
    """
    Whoever adds a page to docs/ gives it a line in docs/index.md, or readers would not find it.
    """
    pages = {path.relative_to(INDEX.parent).with_suffix("") for path in INDEX.parent.rglob("*.md")}
    unlisted = pages - {Path("index"), *map(Path, listed_in_the_index())}
    names = ", ".join(sorted(f"docs/{page}.md" for page in unlisted))

    assert not unlisted, f"Readers would not find {names}: give each a line in one of the lists of docs/index.md."


def test_the_site_has_a_page_for_every_document(pages):
    """
    Documents and notebooks are pages, and whoever opens the folder comes to the first one.
    """
    sources = [*(CHECKOUT / "docs").rglob("*.md"), *(CHECKOUT / "notebooks").glob("*.py")]
    expected = {str(path.relative_to(CHECKOUT).with_suffix(".html")) for path in sources}

    assert expected - pages.keys() == set()
    assert pages["index.html"].links == ["docs/index.html"]


def test_the_site_loads_nothing_from_elsewhere(site, pages):
    """
    The site can be read without the network: scripts, styles, fonts and pictures are its own.
    """
    loaded = {f"{name}: {address}" for name, page in pages.items() for address in page.loaded}
    for style in site.rglob("*.css"):
        loaded |= {f"{style.name}: {address}" for address in addresses_in_style(style.read_text(encoding="utf-8"))}

    assert loaded
    assert [place for place in loaded if urlsplit(place.split(": ", 1)[1]).scheme not in {"", "data"}] == []
    assert [place for place in loaded if place.split(": ", 1)[1].startswith("//")] == []


def test_no_link_is_dead(site, pages):
    """
    Every link from a page to another one, and into one, leads somewhere.
    """
    dead = []
    for name, page in pages.items():
        for link in page.links:
            address, fragment = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            target = (page.path.parent / unquote(address)).resolve() if address else page.path.resolve()
            inside = pages.get(str(target.relative_to(site.resolve())))
            if not target.is_file() or (inside and fragment and unquote(fragment) not in inside.ids):
                dead.append(f"{name}: {link}")

    assert dead == []


@pytest.mark.parametrize("package", ["identity", "sdkbridge"])
def test_every_public_name_is_documented(package, pages):
    """
    What a package has in its __all__ is on the page of the API, under the package that defines it.
    """
    module = importlib.import_module(package)
    names = {f"{package_of(getattr(module, name)) or package}.{name}" for name in module.__all__}

    assert names - pages["docs/api.html"].ids == set()


def test_every_command_and_option_is_documented(site, pages):
    """
    The reference of the command line has each command and each option.
    """
    text = re.sub(r"<[^>]+>", "", (site / "docs" / "commands.html").read_text(encoding="utf-8"))
    commands = cli_commands()
    options = [
        option
        for command in commands.values()
        for option in command.params
        if option.param_type_name == "option" and not option.hidden
    ]

    assert {name.replace(" ", "-") for name in commands} - pages["docs/commands.html"].ids == set()
    assert {name for option in options for name in option.opts if name not in text} == set()


def test_every_route_and_metric_is_documented(site, tmp_path):
    """
    The reference of the server has each route that a running one describes, and each metric that it shows.
    """
    text = re.sub(r"<[^>]+>", "", (site / "docs" / "http.html").read_text(encoding="utf-8"))
    project = Project(name="shop", write_keys=["key"], api_key="any", database=tmp_path / "shop.db", deliver=False)
    app = create_app(ServerSettings(projects=[project]))
    with running(app) as server:
        server.get("/v1/projects/key/settings")
        described = server.get("/openapi.json").json["paths"]
        shown = server.get("/metrics").body.decode()
    app.close()
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", shown, re.MULTILINE)
    metrics = {name for name, _ in kinds if not name.endswith("_created")}

    assert len(metrics) > 10
    assert {name for name in {*described, *metrics} if name not in text} == set()


def test_a_notebook_is_shown_with_what_it_prints_and_draws(site):
    """
    The page of a notebook has the pictures that its cells draw, and what they print.
    """
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (site / "notebooks").glob("*.html")}

    assert [name for name, page in pages.items() if '<div class="picture"><svg' not in page] == []
    assert "merge (identity_change): " in pages["email_change"]


def test_a_notebook_that_cannot_run_fails_the_site(tmp_path):
    """
    The build says which notebook did not run, and why.
    """
    extensions = CHECKOUT / "docs" / "extensions"
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(extensions)!r})\n"
        "extensions = ['myst_parser', 'notebook_pages']\n"
        "source_suffix = {'.md': 'markdown', '.py': 'notebook'}\n"
        "exclude_patterns = ['conf.py']\n"
        f"notebook_cache = {str(tmp_path / 'cache')!r}\n"
    )
    (tmp_path / "index.md").write_text("# Index\n\n```{toctree}\nasks\n```\n")
    (tmp_path / "asks.py").write_text(HEAD_WITHOUT_KERNEL + "# %%\n1\n")
    said = build(tmp_path, tmp_path, tmp_path / "built")

    assert "asks.py: ERROR: This notebook could not be run: No such kernel named nowhere" in said
