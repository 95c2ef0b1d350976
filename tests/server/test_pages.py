"""
The pages without a browser: who may see them, whose forms are taken, and what keeps stored text from running.
"""

import gzip
import json
import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from attrs import evolve
from hostile_texts import HOSTILE
from page_forms import audit, ended, form_token, simulate, submit, upload
from postgres_server import PostgresServer
from running_server import Answer, Running, wait_until
from starlette.applications import Starlette
from starlette.routing import Mount

from sdkbridge.server import Limits, Project, ServerSettings, create_app
from sdkbridge.server.metrics import SHARED_COUNTS

TOKEN = "the-token"
PAGES = ("", "/decide", "/people?text=a", "/person?identity=ann", "/live", "/simulations", "/audits")


def come_in(running: Running, token: str = TOKEN, to: str = "/pages/shop/people") -> Answer:
    """
    Give the token.
    """
    fields = {"token": token, "to": to, "form_token": form_token(running, "/pages/-/login")}
    return submit(running, "/pages/-/login", fields)


def cookie_of(answer: Answer) -> str:
    """
    What the browser would send back.
    """
    return "; ".join(f"{one.key}={one.value}" for one in SimpleCookie(answer.headers["Set-Cookie"]).values())


@pytest.fixture
def closed(serve: Callable[..., Running], shop: Project) -> Running:
    """
    A server with a token.
    """
    return serve(evolve(shop, deliver=False), token=TOKEN)


def test_one_project_is_gone_to_and_several_are_chosen(serve: Callable[..., Running], shop: Project) -> None:
    """
    And what is no project is not found, in words.
    """
    one = serve(evolve(shop, deliver=False)).get("/")
    several = serve(shop, evolve(shop, name="blog", write_keys=["b"], database=":memory:"))

    assert (one.status, one.headers["Location"]) == (303, "/pages/shop")
    assert all(f'href="/pages/{name}"' in several.get("/").body.decode() for name in ("shop", "blog"))
    assert several.get("/pages/nobody").status == 404
    assert b"No such project" in several.get("/pages/nobody").body


class TestToken:
    """
    A server with a token.
    """

    def test_every_page_asks_for_it(self, closed: Running) -> None:
        """
        Drawings, parts and forms, too; of the project nothing is told, not even whether it is there.
        """
        answers = [closed.get(f"/pages/{name}{page}") for name in ("shop", "nobody") for page in PAGES]

        assert [answer.status for answer in answers] == [303] * len(answers)
        assert all(answer.headers["Location"].startswith("/pages/-/login?to=") for answer in answers)
        assert closed.get("/pages/shop/person.svg?identity=ann").status == 303
        assert closed.get("/pages/shop?part=live").status == 401
        assert submit(closed, "/pages/shop/decide", {}).status == 401
        assert submit(closed, "/pages/shop/audits", {}).status == 401

    def test_whoever_has_it_comes_in_and_goes(self, closed: Running) -> None:
        """
        By a cookie that no script and no other site gets, and that does not hold the token.
        """
        answer = come_in(closed)
        said, cookie = answer.headers["Set-Cookie"], cookie_of(answer)

        assert (answer.status, answer.headers["Location"]) == (303, "/pages/shop/people")
        assert "HttpOnly" in said
        assert "SameSite=strict" in said
        assert TOKEN not in said
        assert closed.get("/pages/shop", Cookie=cookie).status == 200
        left = submit(
            closed,
            "/pages/-/logout",
            {"form_token": form_token(closed, "/pages/shop", Cookie=cookie)},
            Cookie=cookie,
        )
        assert "Max-Age=0" in left.headers["Set-Cookie"]

    def test_it_may_come_in_a_header(self, closed: Running) -> None:
        """
        As for /metrics.
        """
        assert closed.get("/pages/shop", Authorization=f"Bearer {TOKEN}").status == 200

    @pytest.mark.parametrize("change", ["", "x", "9999999999.x.y", "session"])
    def test_a_made_up_cookie_opens_nothing(self, closed: Running, change: str) -> None:
        """
        Nor one with another time.
        """
        cookie = change and cookie_of(come_in(closed)).replace(".", f"{change}.", 1)

        assert closed.get("/pages/shop", Cookie=cookie).status == 303

    def test_a_wrong_one_is_refused_and_cannot_be_guessed_fast(self, closed: Running) -> None:
        """
        A third try within a second has to wait, the right one too.
        """
        tries = [come_in(closed, "wrong").status for _ in range(20)]

        assert set(tries) == {403, 429}
        assert tries[0] == 403

    @pytest.mark.parametrize(
        "to", ["https://evil.example/pages/x", "//evil.example/pages/x", "/\\evil.example", "/v1/m", "pages/x"]
    )
    def test_coming_in_leads_nowhere_else(self, closed: Running, to: str) -> None:
        """
        Whatever the address of the form says.
        """
        assert come_in(closed, to=to).headers["Location"] == "/"


class TestWithoutToken:
    """
    Without a token the pages are for this machine only.
    """

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"Host": "localhost:8080"}, 200),
            ({"Host": "[::1]:8080"}, 200),
            ({"Host": "evil.example"}, 403),  # a name that a page of the web made stand for this machine
            ({"Host": "["}, 403),
            ({"X_Forwarded_For": "203.0.113.7"}, 403),  # through a proxy, from elsewhere
        ],
    )
    def test_only_this_machine_sees_them(self, quiet: Running, headers: dict[str, str], status: int) -> None:
        """
        By its own name, and not through a proxy.
        """
        assert quiet.get("/pages/shop", **headers).status == status

    def test_a_form_from_elsewhere_is_refused(self, quiet: Running) -> None:
        """
        Without what our page put into it, or sent by another site's.
        """
        token = form_token(quiet, "/pages/shop/audits")
        fields = {"do": "approve", "older": "a", "newer": "b", "by": "kim", "form_token": token}
        forged = [
            submit(quiet, "/pages/shop/decide", fields | {"form_token": "x" * 64}),
            submit(quiet, "/pages/shop/decide", fields | {"form_token": ""}),
            submit(quiet, "/pages/shop/decide", fields, Origin="https://evil.example"),
            submit(quiet, "/pages/shop/decide", fields, Origin="null"),
            submit(quiet, "/pages/shop/decide", fields, Sec_Fetch_Site="cross-site"),
        ]

        assert [answer.status for answer in forged] == [403] * 5
        assert submit(quiet, "/pages/shop/decide", fields).status == 409


def test_decisions_that_cannot_be_made_are_told(quiet: Running) -> None:
    """
    Who decides is required; what is no link, or no decision, changes nothing.
    """
    token = {"form_token": form_token(quiet, "/pages/shop/audits")}
    link = {"older": "a", "newer": "b"}
    said = [
        submit(quiet, "/pages/shop/decide", token | fields)
        for fields in (
            {**link, "do": "approve"},
            {**link, "do": "", "by": "kim"},
            {**link, "do": "retract", "by": "kim"},
            {"do": "approve_all", "by": "kim", "only": "second_identity"},
            {"do": "approve", "by": "kim"},
            {**link, "do": "approve", "by": "policy"},
        )
    ]

    assert [answer.status for answer in said] == [400, 400, 409, 409, 409, 400]
    assert b"there is no link between these two identities" in said[2].body


def test_no_page_holds_code_or_style_of_its_own(quiet: Running) -> None:
    """
    The policy forbids both, and everything from elsewhere; hostile texts come out as texts.
    """
    batch = [
        {"type": "identify", "userId": f"{one}{number}", "anonymousId": one, "traits": {one: one}}
        for one in HOSTILE
        for number in (1, 2)
    ]
    quiet.post("/v1/batch", {"batch": [*batch, *({"type": "track", "userId": one} for one in HOSTILE)]})
    paths = [*PAGES, *(f"/person?{urlencode({'identity': one})}" for one in HOSTILE)]
    for path in (*paths, *(f"/people?{urlencode({'text': one})}" for one in HOSTILE)):
        answer = quiet.get(f"/pages/shop{path}")
        text = answer.body.decode()

        assert "script-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=[\"']|<img src=x|<svg|<b on", text)
        assert re.findall(r"<script[^>]*>", text) == ['<script src="/pages/-/static/script.js" defer>']
        assert not re.search(r"(src|href|action)=\"(https?:)?//", text)


def test_a_simulation_of_hostile_texts_shows_them_as_texts(quiet: Running) -> None:
    """
    Identities, message ids and the steps of a funnel; nothing on its page is code or style.
    """
    calls = [
        {
            "type": kind,
            "userId": f"{one}{number}",
            "anonymousId": one,
            "event": one,
            "messageId": f"{kind}{number}{one}",
        }
        for one in HOSTILE
        for number in (1, 2)
        for kind in ("track", "identify")
    ]
    lines = "".join(f"{json.dumps(call)}\n" for call in calls)
    funnel = ",".join(HOSTILE[:6])
    answer = simulate(quiet, f"{lines}{HOSTILE[0]}".encode(), strategies=["ios", "segment-server"], funnel=funnel)
    text = ended(quiet, answer.headers["Location"], raw=True)

    assert "What differs" in text
    assert "alert(1)" in text
    assert not re.search(r"<style|\sstyle=|\son\w+=[\"']|<img src=x|<svg|<b on", text)
    assert re.findall(r"<script[^>]*>", text) == ['<script src="/pages/-/static/script.js" defer>']


def test_a_drawing_is_a_document_of_its_own(quiet: Running) -> None:
    """
    It has a style inside, so it may do nothing else.
    """
    quiet.post("/v1/identify", {"userId": HOSTILE[5], "anonymousId": "x"})
    answer = quiet.get("/pages/shop/person.svg?identity=x")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert b"<script" not in answer.body


def test_pages_are_the_same_on_postgresql(
    serve: Callable[..., Running], shop: Project, postgres_server: PostgresServer
) -> None:
    """
    Counts and search, too, which have a way of their own into the database.
    """
    with postgres_server.empty_schema() as url:
        running = serve(evolve(shop, deliver=False, database=url))
        running.post("/v1/identify", {"userId": "ann", "anonymousId": "x"})
        # A count that takes long is shown as soon as it is there.
        wait_until(lambda: b"Delivery" in running.get("/pages/shop").body, what="it has counted")
        pages = [running.get(f"/pages/shop{page}") for page in ("", "/people?text=AN", "/person?identity=ann")]
        running.app.close()

    assert [page.status for page in pages] == [200] * 3
    assert b"<b>1</b><span>person</span>" in pages[0].body
    assert b"person?identity=ann" in pages[1].body
    assert b"/a</span> x = ann" in pages[2].body


def test_no_key_is_on_any_page(quiet: Running, shop: Project) -> None:
    """
    Neither a write key that a call brought along nor Kissmetrics'.
    """
    quiet.post("/v1/track", {"userId": "ann", "event": "E", "writeKey": shop.write_keys[0]})
    for path in PAGES:
        body = quiet.get(f"/pages/shop{path}").body.decode()

        assert shop.write_keys[0] not in body
        assert shop.api_key not in body


def test_the_overview_says_who_delivers(serve: Callable[..., Running], shop: Project) -> None:
    """
    The server, and to where; or that it does not.
    """
    told = []
    for deliver in (True, False):
        running = serve(evolve(shop, deliver=deliver))
        wait_until(lambda page=running: b"Delivery" in page.get("/pages/shop").body, what="it has counted")
        told.append(running.get("/pages/shop").body.decode())

    assert f"Everything has been delivered to {shop.url}." in told[0]
    assert "This server delivers nothing" in told[1]
    assert shop.url not in told[1]


def test_a_result_that_is_not_here_says_where_it_may_be(
    quiet: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Gone, or at another of several processes.
    """
    page = "/pages/shop/audits/no-such-one"
    alone = quiet.get(page)
    monkeypatch.setenv(SHARED_COUNTS, str(tmp_path))
    one_of_several = quiet.get(page)

    assert (alone.status, one_of_several.status) == (404, 404)
    assert b"not there any more" in alone.body
    assert b"processes, or gone" in one_of_several.body


def test_a_file_that_is_too_large_is_not_taken(serve: Callable[..., Running], shop: Project) -> None:
    """
    413, as soon as more came than may.
    """
    running = serve(evolve(shop, deliver=False), limits=Limits(upload_bytes=10_000))
    token = form_token(running, "/pages/shop/audits")
    parts = [("form_token", None, token.encode()), ("export", "big.json", b"x" * 20_000)]
    answers = [upload(running, parts), upload(running, parts[:1]), upload(running, parts[1:] + parts[:1])]

    assert [answer.status for answer in answers] == [413, 400, 413]


EVENT = b'{"_n": "Visited", "_p": "ann", "_t": 1230768000}\n'


@pytest.mark.parametrize(
    ("export", "said"),
    [
        (b"a text\nwithout JSON\n", "None of its lines could be read: 2 not_json."),
        (b"", "There is no line in it."),
        (b'{}\n[]\nnothing\n{"_p": "ann"}', "None of its lines could be read: "),
    ],
    ids=["text", "empty", "several reasons"],
)
def test_an_export_that_cannot_be_read_is_not_called_clean(
    serve: Callable[..., Running], shop: Project, export: bytes, said: str
) -> None:
    """
    It says why, and has neither a verdict nor anything to download.
    """
    running = serve(evolve(shop, deliver=False))
    page = ended(running, audit(running, export).headers["Location"])

    assert said in page
    assert [words for words in ("looks like several people", "report.html", "links.json") if words in page] == []


@pytest.mark.parametrize(("unread", "tile"), [(b"", False), (b"a text\n" * 3, True)], ids=["all", "some"])
def test_what_could_not_be_read_of_an_export_is_counted(
    serve: Callable[..., Running], shop: Project, unread: bytes, tile: bool
) -> None:
    """
    Where nobody is to blame there are no links to download, and no way to repair what is whole.
    """
    running = serve(evolve(shop, deliver=False))
    page = ended(running, audit(running, EVENT + unread).headers["Location"])

    assert ('<div class="tile wrong"><b>3</b><span>could not be read</span>' in page) == tile
    assert ("could not be read" in page) == tile
    assert "Open the report" in page
    assert [words for words in ("links.json", "sdkbridge repair") if words in page] == []


CALL = b'{"type": "identify", "userId": "ann", "anonymousId": "phone"}\n'
PERSON = b'{"person": "a", "identities": ["ann", "phone"]}\n'


@pytest.mark.parametrize(
    ("calls", "truth", "said"),
    [
        (CALL + b"\n\nno call\n" + CALL + b'{"type": "track"}', None, "line 4: line is not JSON"),
        (CALL + b"\n\nno call\n" + CALL + b'{"type": "track"}', None, "line 6: a track must name its event"),
        (gzip.compress(CALL + b"[]"), None, "line 2: a call must be a JSON object"),
        (CALL + b"x" * 2_000_000 + b"\n" + CALL, None, "line 2: line is longer than 1,000,000 bytes"),
        (b"GIF89a", None, "None of its lines is a call. Line 1: line is not JSON"),
        (b"\n", None, "There is no call in it."),
        (gzip.compress(CALL * 9000)[:-40], None, "The compressed file is damaged after line"),
        (gzip.compress(CALL * 50_000), None, "Unpacked it has more than 2,000,000 bytes."),
        (CALL, PERSON + b"{}", "line 2 of the truth must be an object with person and identities"),
        (CALL, PERSON + b"\xff", "The truth is not UTF-8."),
        (CALL, b"\x1f\x8bx", "The truth cannot be used"),
    ],
    ids=[
        "not JSON",
        "no event",
        "compressed",
        "long line",
        "no calls",
        "nothing",
        "damaged",
        "too long",
        "truth: no person",
        "truth: no UTF-8",
        "truth: damaged",
    ],
)
def test_what_is_wrong_with_uploaded_calls_is_told_by_the_line(
    serve: Callable[..., Running], shop: Project, calls: bytes, truth: bytes | None, said: str
) -> None:
    """
    Of good calls among them the comparison is shown all the same; a line's number counts blank ones, too.
    """
    running = serve(
        evolve(shop, deliver=False), limits=Limits(upload_bytes=3_000_000 if len(calls) > 1e6 else 100_000)
    )
    page = ended(running, simulate(running, calls, truth).headers["Location"])

    assert said in page
    assert ("All measures" in page) == (said.startswith("line ") and truth is None)


def test_a_form_that_asks_for_what_cannot_be_is_answered_in_words(quiet: Running) -> None:
    """
    And nothing is run.
    """
    asked = [
        simulate(quiet, CALL, strategies=["os:system"]),
        simulate(quiet, CALL, within="-1"),
        simulate(quiet, CALL, within="nan"),
        simulate(quiet, CALL, within="soon"),
        simulate(quiet, CALL, funnel=", ".join("abcdefghijklm")),
    ]

    assert [answer.status for answer in asked] == [400] * 5
    assert b"Choose at least one strategy" in asked[0].body
    assert "“soon” is no number of days" in asked[3].body.decode()
    assert "Lately" not in quiet.get("/pages/shop/simulations").body.decode()


def test_a_simulation_is_on_its_own_project_and_leaves_the_uploaded_calls_nowhere(
    serve: Callable[..., Running], shop: Project
) -> None:
    """
    Its report, its charts and nothing else can be fetched, by whoever sees the project's pages.
    """
    running = serve(evolve(shop, deliver=False), evolve(shop, name="blog", write_keys=["b"], database=":memory:"))
    where = simulate(running, CALL).headers["Location"]
    ended(running, where)
    report = running.get(f"{where}/report.html")
    elsewhere = [
        where.replace("shop", "blog"),
        *(f"{where}/{name}" for name in ("calls", "..%2f..", "links.json")),
    ]

    assert report.headers["Content-Security-Policy"].endswith("sandbox")
    assert b"Who is who" in report.body
    assert running.get(f"{where}/report.html?save=yes").headers["Content-Disposition"].startswith("attachment")
    assert [running.get(path).status for path in elsewhere] == [404] * 4


def test_links_stay_under_the_path_of_a_mounted_server(host: Running, shop: Project) -> None:
    """
    Every address on the page begins with it.
    """
    app = create_app(ServerSettings(projects=[evolve(shop, deliver=False)]))
    host.app.app = Starlette(routes=[Mount("/segment", app)])
    answer, moved = host.get("/segment/pages/shop"), host.get("/segment/")
    app.close()
    addresses = re.findall(r"(?:src|href|action|data-live)=\"([^\"#]+)", answer.body.decode())

    assert moved.headers["Location"] == "/segment/pages/shop"
    assert addresses
    assert all(address.startswith("/segment/") for address in addresses)


def test_a_proxy_may_rename_the_server_and_take_a_path_away(serve: Callable[..., Running], shop: Project) -> None:
    """
    Then the address by which people reach it is told in the settings: links and forms go there.
    """
    running = serve(evolve(shop, deliver=False), token=TOKEN, public_url="https://events.example.com/bridge")
    header = {"Authorization": f"Bearer {TOKEN}"}
    text = running.get("/pages/shop/audits", **header).body.decode()
    fields = {"do": "approve", "by": "kim", "older": "a", "newer": "b"}
    fields["form_token"] = form_token(running, "/pages/shop/audits", **header)
    sent = [
        submit(running, "/pages/shop/decide", fields, **header, Origin=f"https://{origin}")
        for origin in ("events.example.com", "evil.example")
    ]

    assert 'action="/bridge/pages/shop/audits"' in text
    assert [answer.status for answer in sent] == [409, 403]
