"""
The pages, used as a person would, in a real browser.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve
from browser import browser, complaints
from client_installs import axe_script
from hostile_texts import HOSTILE
from page_forms import audit, ended, simulate
from playwright.sync_api import Browser, Page, expect
from running_server import Running

from identity import IdentityGraph
from identity.database import Database
from identity.ids import IdentityKind
from identity.links import Link
from identity.sightings import Sighting
from identity.simulate import population
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.server import Project

LOADED = "image => image.decode().then(() => image.naturalWidth)"

SQUISHED = Path(__file__).parents[2] / "fixtures" / "exports" / "squished"


def an_export(folder: Path) -> Path:
    """
    A file of an export in which several people count as one.
    """
    export = folder / "export.json"
    export.write_bytes(b"".join(path.read_bytes() for path in sorted(SQUISHED.rglob("*.json"))))
    return export


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """
    A page; the test fails if it complains of anything.
    """
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    page = context.new_page()
    found = complaints(page)
    yield page
    context.close()
    assert found == []


@pytest.fixture
def local(shop: Project) -> Iterator[LocalKissmetrics]:
    """
    A Kissmetrics that was told of Amy, who came and paid, and of Ben, who came.
    """
    database = Database(":memory:")
    told = LocalKissmetrics(database)
    for event, who in [("Came", "amy"), ("Paid", "amy"), ("Came", "ben")]:
        told.receive("/e", {"_k": shop.api_key, "_p": who, "_n": event, "_t": "1700000000", "_d": "1"})
    yield told
    database.close()


@pytest.fixture
def held(serve: Callable[..., Running], shop: Project, local: LocalKissmetrics) -> Running:
    """
    A server that delivers nothing: Ann and Bob used one tablet, and so did Cleo and Dan another.
    """
    running = serve(evolve(shop, deliver=False), kissmetrics=local)
    for tablet, people in {"tablet-1": ("ann", "bob"), "tablet-2": ("cleo", "dan")}.items():
        for name in people:
            who = {"userId": f"{name}@example.com", "anonymousId": tablet}
            batch = [{"type": "identify", **who}, {"type": "track", "event": "Paid", **who}]
            running.post("/v1/batch", {"batch": batch})
    return running


def test_the_overview_shows_what_comes_without_being_loaded_anew(held: Running, page: Page) -> None:
    """
    Four people; a call comes, and there are five.
    """
    page.goto(held.url)
    tile = page.locator(".tile", has_text=re.compile("people$"))

    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(tile.locator("b")).to_have_text("4")
    held.post("/v1/track", {"userId": "eve", "event": "Came"})
    expect(tile.locator("b")).to_have_text("5")
    expect(page.locator(".live-state")).to_have_text("Live")


def test_links_are_approved_rejected_and_undone(held: Running, page: Page) -> None:
    """
    What would happen is said before; an approval can be undone while its alias has not left.
    """
    graph = held.bridge.graph
    page.goto(f"{held.url}/pages/shop/decide")
    expect(page.get_by_role("heading", name="2 links to decide")).to_be_visible()
    card = page.locator("[data-step]", has_text="bob@example.com")
    expect(card).to_contain_text("Approving joins 3 identities and 4 records into one person")
    card.get_by_label("Who decides").fill("kim")
    card.get_by_label("Why").fill("a couple")
    card.get_by_role("button", name="Approve").click()

    expect(page.get_by_text("Approved: they are one person now.")).to_be_visible()
    assert graph.are_one("ann@example.com", "bob@example.com")
    expect(page.get_by_label("Who decides")).to_have_value("kim")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: they are two people again.")).to_be_visible()
    assert not graph.are_one("ann@example.com", "bob@example.com")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Nothing waits for a decision.")).to_be_visible()
    assert [verdict.by for verdict in graph.decided()] == ["kim", "kim"]


def test_all_links_of_one_reason_are_decided_at_once(held: Running, page: Page) -> None:
    """
    By whoever ticks that they looked at them.
    """
    page.goto(f"{held.url}/pages/shop/decide")
    page.get_by_role("link", name="second identity (2)").click()
    page.get_by_text("Decide on all that are held for second identity").click()
    form = page.locator("details form")
    form.get_by_label("Who decides").fill("kim")
    form.get_by_role("button", name="Reject all").click()
    expect(page.get_by_role("heading", name="2 links to decide")).to_be_visible()
    form.get_by_label("I have looked at them").check()
    form.get_by_role("button", name="Reject all").click()

    expect(page.get_by_role("heading", name="0 links to decide")).to_be_visible()
    expect(page.get_by_text("Rejected 2 links.")).to_be_visible()
    assert held.bridge.graph.counts().links["refuse"] == 2


def test_a_person_is_found_by_a_part_of_any_identity_with_the_keyboard(held: Running, page: Page) -> None:
    """
    And opened: the drawing, identities, links, and the time line.
    """
    page.goto(f"{held.url}/pages/shop/people")
    page.locator("body").click()
    page.get_by_role("heading", name="People").click()
    page.keyboard.press("/")
    page.keyboard.type("NN@exa")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="ann@example.com").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="ann@example.com", exact=True)).to_be_visible()
    expect(page.get_by_text("2 identities, 2 records, 2 links")).to_be_visible()
    image = page.locator(".drawing img")
    assert image.evaluate(LOADED) > 100
    expect(page.get_by_text("requests of theirs wait for Kissmetrics")).to_be_visible()
    line = page.locator(".timeline tbody tr")
    expect(line.filter(has_text="is the first to be identified")).to_contain_text(
        "/a tablet-1 = ann@example.com waits"
    )
    expect(line.filter(has_text="track Paid")).to_contain_text("/e Paid waits")
    expect(line.last).to_contain_text("first seen")


def test_a_time_line_grows_while_it_is_looked_at(serve: Callable[..., Running], shop: Project, page: Page) -> None:
    """
    What was sent says so, a refused call is on it, and somebody else's calls on the same device are not.
    """
    running = serve(shop)
    ann, bob = ({"userId": name, "anonymousId": "tablet"} for name in ("ann", "bob"))
    batch = [{"type": "identify", **ann}, {"type": "track", "event": "Paid", **ann}]
    running.post("/v1/batch", {"batch": [*batch, {"type": "track", "event": "Looked", **bob}]})
    running.bridge.flush()
    page.clock.install()
    page.goto(f"{running.url}/pages/shop/person?identity=ann")
    line = page.locator(".timeline tbody tr")

    expect(line.filter(has_text="track Paid")).to_contain_text("/e Paid sent")
    expect(line.filter(has_text="merge")).to_contain_text("/a tablet = ann sent")
    expect(page.get_by_text("wait for Kissmetrics")).to_have_count(0)
    running.post("/v1/batch", {"batch": [{"type": "track", "event": "", **ann}]})
    page.clock.fast_forward("00:05")
    expect(line.filter(has_text="event is required")).to_contain_text("refused")
    expect(line.filter(has_text="Looked")).to_have_count(0)


def test_calls_are_shown_as_they_come_and_filtered(held: Running, page: Page) -> None:
    """
    With their verdicts, and the requests that they became.
    """
    page.goto(f"{held.url}/pages/shop/live")
    rows = page.locator("table.calls tbody tr")
    expect(rows).to_have_count(8)
    held.post("/v1/batch", {"batch": [{"type": "track", "userId": "eve"}]})
    expect(rows).to_have_count(9)
    expect(rows.first).to_contain_text("refused")
    page.get_by_label("Only those with a problem").check()
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(3)
    page.get_by_label("Identity contains").fill("dan")
    page.get_by_role("button", name="Filter").click()

    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("hold")


def test_an_export_is_uploaded_and_audited(held: Running, page: Page, tmp_path: Path) -> None:
    """
    Progress, the result, the report with its drawings, and the links to download; nothing of it stays behind.
    """
    page.goto(f"{held.url}/pages/shop/audits")
    page.get_by_label("A file of the export").set_input_files(an_export(tmp_path))
    page.get_by_role("button", name="Audit").click()

    expect(page.get_by_text("links to drop", exact=True)).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the links to drop").click()
    assert json.loads(Path(downloading.value.path()).read_text())["squished"]
    page.get_by_role("link", name="Open the report").click()
    expect(page.get_by_role("heading", name="Why it happened")).to_be_visible()


def test_calls_are_uploaded_and_simulated(held: Running, page: Page, tmp_path: Path) -> None:
    """
    Chosen strategies, progress, the comparison with its charts, and the report to download.
    """
    made = population(people=300, seed=7)
    calls, truth = tmp_path / "calls.ndjson.gz", tmp_path / "truth.ndjson"
    calls.write_bytes(gzip.compress("".join(f"{json.dumps(call)}\n" for call in made).encode()))
    truth.write_text("".join(f"{json.dumps(line)}\n" for line in made.truth.lines()))
    page.goto(f"{held.url}/pages/shop")
    page.get_by_role("link", name="Simulate").click()
    page.get_by_label("Recorded calls").set_input_files(calls)
    page.get_by_label("Who truly made them").set_input_files(truth)
    page.get_by_label("segment-server").uncheck()
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("heading", name="Simulation of calls.ndjson.gz")).to_be_visible()

    measures = page.get_by_role("table").filter(has_text="people counted")
    expect(measures.get_by_role("columnheader")).to_have_text(["", "never", "ios", "guarded", "truth"])
    expect(measures.locator("tr", has_text=re.compile("^people counted")).locator("td").last).to_have_text("300")
    charts = page.locator("figure img")
    assert [chart.evaluate(LOADED) > 100 for chart in charts.all()] == [True] * 4
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download it").click()
    report = Path(downloading.value.path()).read_text()
    assert "<svg" in report
    assert "300 people who truly made them" in report
    page.get_by_text(re.compile("^[0-9]+ identities, truly")).nth(1).click()
    expect(page.get_by_text("Calls that joined them").nth(1)).to_be_visible()
    page.get_by_role("link", name="All simulations").click()
    expect(page.locator("tbody")).to_contain_text("never, ios, guarded")


def test_the_page_tells_what_was_wrong_with_an_upload(held: Running, chromium: Browser, tmp_path: Path) -> None:
    """
    In the form, which stays as it was filled; then in the run, by the line.
    """
    page = chromium.new_page()  # the browser itself complains of the first answer's status
    calls = tmp_path / "calls.ndjson"
    calls.write_text('{"type": "track"}\n')
    page.goto(f"{held.url}/pages/shop/simulations")
    page.get_by_label("Recorded calls").set_input_files(calls)
    for strategy in page.get_by_role("checkbox").all():
        strategy.uncheck()
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("status").last).to_have_text("Choose at least one strategy.")
    page.get_by_label("guarded").check()
    page.get_by_role("button", name="Simulate").click()

    expect(page.get_by_role("alert")).to_have_text(
        "None of its lines is a call. Line 1: a track must name its event."
    )
    page.close()


def test_the_local_kissmetrics_shows_people_events_and_a_funnel(held: Running, page: Page) -> None:
    """
    What was delivered, as Kissmetrics would show it; also on the page of the person in the bridge's graph.
    """
    page.goto(f"{held.url}/pages/shop/kissmetrics")
    page.get_by_label("First").fill("Came")
    page.get_by_label("then").first.fill("Paid")
    page.get_by_role("button", name="Count").click()
    steps = page.locator("form table tbody tr")

    expect(page.locator('h2:text-is("Events") + div tbody tr').first).to_have_text("Came22")
    expect(steps.nth(0)).to_contain_text("2")
    expect(steps.nth(1)).to_contain_text("1")
    page.get_by_role("link", name="amy", exact=True).click()
    expect(page.get_by_role("heading", name="What they did")).to_be_visible()
    held.post("/v1/track", {"userId": "amy", "event": "Left"})
    page.get_by_role("link", name="The same person in the bridge's graph").click()
    expect(page.locator("section", has_text="1 identity: amy").locator("tbody tr")).to_have_count(2)


@pytest.fixture
def crowd(serve: Callable[..., Running], shop: Project, local: LocalKissmetrics) -> Running:
    """
    A server with a hundred thousand people; twenty-five tablets have each been used by two of them.
    """
    database = Database(shop.database)
    graph, at_ms = IdentityGraph(database), 1_700_000_000_000
    names = [f"user-{number}@example.com" for number in range(100_000)]
    graph.seen_all([Sighting(name=name, kind=IdentityKind.NAMED, first_ms=at_ms, last_ms=at_ms) for name in names])
    tablets = [f"tablet-{number // 2}" for number in range(50)]
    pairs = zip(tablets, names, strict=False)
    graph.link_many(Link(older=older, newer=newer, kind="first_identify", at_ms=at_ms) for older, newer in pairs)
    database.close()
    return serve(evolve(shop, deliver=False, alias_grace=3600.0), kissmetrics=local)


def test_a_hundred_thousand_people_are_looked_after(crowd: Running, page: Page, tmp_path: Path) -> None:
    """
    From one page to the next by its links: approve, undo, search, open, watch, upload.
    """
    page.goto(crowd.url)
    expect(page.locator(".tile", has_text="people")).to_contain_text("100,000")
    page.locator(".tile", has_text="links to decide").click()
    expect(page.get_by_text("These are the 20 worst")).to_be_visible()
    card = page.locator("[data-step]").first
    card.get_by_label("Who decides").fill("kim")
    card.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="24 links to decide")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: they are two people again.")).to_be_visible()

    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_label("Any part of an identity").fill("R-77777@")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="user-77777@example.com").click()
    expect(page.get_by_text("1 identity, 1 record, 0 links")).to_be_visible()
    assert page.locator(".drawing img").evaluate(LOADED) > 100

    page.get_by_role("link", name="Live", exact=True).click()
    crowd.post("/v1/track", {"userId": "user-77777@example.com", "event": "Came"})
    expect(page.locator("table.calls tbody tr")).to_contain_text("track Came")
    page.get_by_role("link", name="Simulate", exact=True).click()
    calls = tmp_path / "calls.ndjson"
    calls.write_text("".join(f"{json.dumps(call)}\n" for call in population(people=20, seed=7, days=3)))
    page.get_by_label("Recorded calls").set_input_files(calls)
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("heading", name="At a glance")).to_be_visible()
    page.get_by_role("link", name="Audit", exact=True).click()
    page.get_by_label("A file of the export").set_input_files(an_export(tmp_path))
    page.get_by_role("button", name="Audit").click()
    expect(page.get_by_text("links to drop", exact=True)).to_be_visible()
    page.get_by_role("link", name="Kissmetrics", exact=True).click()
    expect(page.get_by_role("link", name="amy")).to_be_visible()


def test_stored_text_never_runs(serve: Callable[..., Running], shop: Project, page: Page) -> None:
    """
    Hostile identities and event names on every page: shown, and nothing else; a dialog would fail the test.
    """
    running = serve(evolve(shop, deliver=False))
    batch = [
        {"type": kind, "userId": f"{one}{number}", "anonymousId": f"shared {one}", "event": one, "name": one}
        for one in HOSTILE
        for number in (1, 2)
        for kind in ("identify", "track", "page")
    ]
    running.post("/v1/batch", {"batch": [*batch, {"type": "track", "userId": HOSTILE[0], "event": ""}]})
    for path in ("", "/decide", "/people?text=alert", "/live"):
        page.goto(f"{running.url}/pages/shop{path}")
        assert "alert(1)" in page.locator("main").inner_text()
    for one in HOSTILE:
        page.goto(f"{running.url}/pages/shop/people")
        page.get_by_label("Any part of an identity").fill(f"{one}1")
        page.get_by_role("button", name="Search").click()
        page.locator("tbody a").first.click()
        expect(page.get_by_role("heading", name="Identities")).to_be_visible()
        drawing = page.locator(".drawing img").get_attribute("src")
        page.goto(f"{running.url}{drawing}")

    assert page.evaluate("document.documentElement.tagName") == "svg"


def test_a_phone_has_room_for_what_it_needs(held: Running, chromium: Browser, tmp_path: Path) -> None:
    """
    No keys are told of where there are none, a strategy stands beside its box, and buttons do not touch.
    """
    audited = audit(held, an_export(tmp_path).read_bytes()).headers["Location"]
    ended(held, audited)
    with chromium.new_context(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(f"{held.url}/pages/shop/simulations")
        expect(page.get_by_text("Times are UTC.")).to_be_visible()
        expect(page.get_by_text("step through decisions")).to_be_hidden()
        box = page.get_by_label("segment-server").bounding_box()
        words = page.locator("label", has_text="segment-server").locator("span.muted").bounding_box()
        page.goto(f"{held.url}{audited}")
        buttons = [button.bounding_box() for button in page.locator("main a.button").all()]

    assert words["x"] >= box["x"] + box["width"]
    assert len(buttons) == 3
    assert buttons[2]["y"] - (buttons[0]["y"] + buttons[0]["height"]) >= 8


@pytest.mark.parametrize(
    ("scheme", "width", "rules"),
    [("light", 1200, None), ("dark", 390, ["color-contrast", "scrollable-region-focusable"])],
    ids=["screen", "phone"],
)
def test_nothing_serious_keeps_anybody_from_using_them(
    held: Running, chromium: Browser, scheme: str, width: int, rules: list[str] | None, axe: str, tmp_path: Path
) -> None:
    """
    axe-core on each page and report: all of its rules on light and a screen, on dark and a phone what they change.
    """
    serious: list[str] = []
    came = {"type": "track", "event": "Came", "anonymousId": "phone"}
    calls = f'{json.dumps(came)}\n{{"type": "identify", "userId": "ann", "anonymousId": "phone"}}\n'
    simulated = simulate(held, f"{calls}no call".encode(), strategies=["never", "ios"]).headers["Location"]
    audited = audit(held, an_export(tmp_path).read_bytes()).headers["Location"]
    assert "What differs" in ended(held, simulated)
    assert "links to drop" in ended(held, audited)
    people = ("/people?text=example", "/person?identity=tablet-1", "/person?identity=amy")
    there = ("/kissmetrics?step=Came&step=Paid", "/kissmetrics/person?identity=amy")
    sections = ("", "/decide?reason=second_identity", *people, "/live", "/simulations", "/audits", *there)
    results = (simulated, f"{simulated}/report.html", audited, f"{audited}/report.html")
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    for path in (*(f"/pages/shop{section}" for section in sections), *results):
        page.goto(f"{held.url}{path}")
        page.add_script_tag(content=axe)
        # Of what is all right it need not tell where.
        asked = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
        found = page.evaluate("asked => axe.run(asked)", asked)
        serious += [
            f"{path} {one['id']}: {one['nodes'][0]['target']}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
        scrolls = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        serious += [f"{path} is wider than {width}"] if scrolls else []
    context.close()

    assert serious == []


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    """
    The script of axe-core.
    """
    return axe_script(pytestconfig)
