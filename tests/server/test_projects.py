"""
Several projects in one server: strictly apart, each with its keys, and no key ever shown.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from running_server import WRITE_KEY, Running, wait_until

from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.server import InvalidSettings, Limits, Project, ServerSettings, read_settings
from sdkbridge.server.keys import WriteKeys

TOML = """
token = "env:TOKEN"
public_url = "https://events.example.com"
unauthorized_status = 503

[limits]
batch_calls = 100
requests_per_s = 50

[projects.shop]
write_keys = ["shop-write-key", "env:NEXT_KEY"]
api_key = "env:SHOP_API_KEY"
database = "shop.db"
url = "http://127.0.0.1:9"

[projects.blog]
write_keys = "blog-write-key"
api_key = "blog-api-key"
database = "sub/blog.db"
infer_ip = "never"
profile = "segment-server"

[projects.blog.options]
auto_alias = "never"
"""

ENVIRONMENT = {"TOKEN": "secret-token", "NEXT_KEY": "next-write-key", "SHOP_API_KEY": "shop-api-key"}
SECRETS = ("secret-token", "shop-write-key", "next-write-key", "shop-api-key", "blog-write-key", "blog-api-key")


@pytest.fixture
def blog(tmp_path: Path, kissmetrics: RunningKissmetrics) -> Project:
    return Project(
        name="blog",
        write_keys=["blog-write-key", "blog-old-key"],
        api_key="blog-api-key",
        database=tmp_path / "blog.db",
        url=kissmetrics.url,
    )


def test_projects_are_strictly_apart(
    serve: Callable[..., Running], shop: Project, blog: Project, kissmetrics: RunningKissmetrics
) -> None:
    """
    Each write key reaches its own Kissmetrics product; the same ids, and message ids, are other people there.
    """
    running = serve(shop, blog)
    for key in (WRITE_KEY, "blog-write-key"):
        message = {"type": "identify", "userId": "ann", "anonymousId": "a-1", "messageId": "m-1"}
        running.post("/v1/b", {"batch": [message], "writeKey": key}, Authorization="")
    for served in running.app.server.projects.values():
        served.bridge.flush()

    assert (
        sorted(request.parameters["_p"] for request in kissmetrics.requests if request.path == "/a") == ["ann"] * 2
    )
    assert [person.identities for person in kissmetrics.people] == [("a-1", "ann")] * 2
    assert [served.bridge.graph.counts().people for served in running.app.server.projects.values()] == [1, 1]


def test_a_project_may_have_two_write_keys(serve: Callable[..., Running], shop: Project, blog: Project) -> None:
    """
    While one takes the place of the other.
    """
    running = serve(shop, blog)

    for key in ("blog-write-key", "blog-old-key"):
        assert running.post("/v1/b", {"batch": [], "writeKey": key}, Authorization="").status == 200


def test_one_projects_trouble_is_not_the_others(
    serve: Callable[..., Running], shop: Project, blog: Project, tmp_path: Path
) -> None:
    """
    A database that cannot be opened: 503 with Retry-After for its project only, until it can be.
    """
    (tmp_path / "blog.db").mkdir()
    running = serve(evolve(shop, deliver=False), evolve(blog, deliver=False))
    track = {"type": "track", "userId": "ann", "event": "E"}
    refused = running.post("/v1/b", {"batch": [track], "writeKey": "blog-write-key"}, Authorization="")
    taken = running.post("/v1/b", {"batch": [track]})
    (tmp_path / "blog.db").rmdir()
    healed = running.post("/v1/b", {"batch": [track], "writeKey": "blog-write-key"}, Authorization="")

    assert (refused.status, refused.json["code"], refused.headers["Retry-After"]) == (503, "store", "5")
    assert str(tmp_path) not in refused.json["message"]
    assert (taken.status, healed.status) == (200, 200)


def test_no_key_shows_anywhere(
    serve: Callable[..., Running], shop: Project, blog: Project, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Not in the log, at any level, not in an answer, and not in how things print.
    """
    caplog.set_level(logging.DEBUG)
    running = serve(shop, blog, token="secret-token")
    settings = running.app.server.settings
    answers = [
        running.post("/v1/batch", {"batch": [{"type": "track", "userId": "ann@example.com", "event": "E"}, 5]}),
        running.post("/v1/batch", {"batch": []}, Authorization="Basic d3Jvbmc6"),
        running.post("/v1/track", {"userId": "ann@example.com"}),
        running.post("/v1/track", b"{"),
        running.get("/v1/projects/shop-write-key-2/settings"),
        running.get("/metrics", Authorization="Bearer secret-token"),
        running.get("/readyz"),
    ]
    running.bridge.flush()
    # pytest listens to uvicorn's access log, too, which is switched off where nobody else does.
    log = "\n".join(record.getMessage() for record in caplog.records if record.name != "uvicorn.access")
    shown = [repr(settings), repr(running.app), str(running.app.server.projects), log]
    shown += [answer.body.decode() for answer in answers]

    assert [secret for secret in SECRETS for text in shown if secret in text] == []
    assert "refused calls" in log
    assert "ann@example.com" not in log


def test_all_keys_are_compared() -> None:
    """
    The last one is found as the first one is, and what is not among them is nobody's.
    """
    keys = WriteKeys([(f"key-{number}", number) for number in range(50)])

    assert [keys.owner(f"key-{number}") for number in range(50)] == list(range(50))
    assert [keys.owner(key) for key in ("", "key-", "key-00", "KEY-1", "\udc00", "key-1\0")] == [None] * 6


def test_settings_come_from_a_file(tmp_path: Path) -> None:
    """
    Projects, limits and secrets; secrets may be taken from the environment; paths count from the file.
    """
    (tmp_path / "server.toml").write_text(TOML)
    settings = read_settings(tmp_path / "server.toml", environment=ENVIRONMENT)
    shop, blog = settings.projects

    assert (settings.token, settings.unauthorized_status, settings.limits.batch_calls) == (
        "secret-token",
        503,
        100,
    )
    assert (settings.limits.requests_per_s, settings.limits.body_bytes) == (50, Limits().body_bytes)
    assert (shop.name, shop.write_keys, shop.api_key) == (
        "shop",
        ("shop-write-key", "next-write-key"),
        "shop-api-key",
    )
    assert (shop.url, shop.infer_ip, blog.infer_ip) == ("http://127.0.0.1:9", "client", "never")
    assert (Path(shop.database), Path(blog.database)) == (tmp_path / "shop.db", tmp_path / "sub" / "blog.db")
    assert (blog.write_keys, blog.options.prefix_properties, blog.options.auto_alias) == (
        ("blog-write-key",),
        False,
        "never",
    )


@pytest.mark.parametrize(
    ("old", "new", "setting"),
    [
        ("[projects.shop]", "[projects.shop", "server.toml"),
        ("[projects.shop]", '[projects."no name"]', "projects.no name.name"),
        ('api_key = "blog-api-key"\n', "", "projects.blog.api_key"),
        ('api_key = "blog-api-key"\n', 'api_key = ""\n', "projects.blog.api_key"),
        ('api_key = "blog-api-key"\n', "api_key = 5\n", "projects.blog.api_key"),
        ('database = "shop.db"\n', "", "projects.shop.database"),
        ('write_keys = "blog-write-key"\n', "write_keys = []\n", "projects.blog.write_keys"),
        ('write_keys = "blog-write-key"\n', 'write_keys = ["a b"]\n', "projects.blog.write_keys"),
        ('write_keys = "blog-write-key"\n', 'write_keys = "shop-write-key"\n', "projects"),
        ('database = "sub/blog.db"', 'database = "shop.db"', "projects"),
        ('infer_ip = "never"', 'infer_ip = "sometimes"', "projects.blog.infer_ip"),
        ("batch_calls = 100", "batch_calls = 0", "limits.batch_calls"),
        ("batch_calls = 100", 'batch_calls = "many"', "limits.batch_calls"),
        ("batch_calls = 100", "bach_calls = 100", "limits.bach_calls"),
        ("unauthorized_status = 503", "unauthorized_status = 500", "unauthorized_status"),
        ('public_url = "https://events.example.com"', 'public_url = "events.example.com"', "public_url"),
        ('url = "http://127.0.0.1:9"', 'url = "127.0.0.1"', "projects.shop.url"),
        ('url = "http://127.0.0.1:9"', 'url = "http://shop:shop-api-key@host"', "projects.shop.url"),
        ('profile = "segment-server"', 'profile = "sgment"', "projects.blog.options.profile"),
        ('auto_alias = "never"', "auto_alias = 5", "projects.blog.options.auto_alias"),
        ('token = "env:TOKEN"', 'token = "env:MISSING"', "token"),
        ('token = "env:TOKEN"', 'token = "with space"', "token"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(old: str, new: str, setting: str, tmp_path: Path) -> None:
    """
    Where it stands and what would be right; never a key.
    """
    assert old in TOML
    (tmp_path / "server.toml").write_text(TOML.replace(old, new, 1))
    with pytest.raises(InvalidSettings) as caught:
        read_settings(tmp_path / "server.toml", environment=ENVIRONMENT)

    assert caught.value.setting.endswith(setting)
    assert [secret for secret in SECRETS if secret in str(caught.value)] == []


@pytest.mark.parametrize("database", ["postgresql://db.example/shop", ":memory:", "/var/lib/shop.db"])
def test_a_database_that_is_in_no_folder_stays_as_it_is(database: str, tmp_path: Path) -> None:
    """
    An address, memory, or a path from the top.
    """
    (tmp_path / "server.toml").write_text(TOML.replace('"shop.db"', f'"{database}"'))

    assert read_settings(tmp_path / "server.toml", environment=ENVIRONMENT).projects[0].database == database


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """
    In one sentence.
    """
    with pytest.raises(InvalidSettings, match=r"server.toml cannot be read"):
        read_settings(tmp_path / "server.toml")


def test_a_server_without_projects_makes_no_sense() -> None:
    """
    And is refused.
    """
    with pytest.raises(InvalidSettings, match="at least one project"):
        ServerSettings(projects=[])


def test_many_clients_at_once_lose_nothing(
    serve: Callable[..., Running], shop: Project, kissmetrics: RunningKissmetrics
) -> None:
    """
    Their batches are committed together, and each is answered for its own calls.
    """
    running = serve(shop)
    statuses: list[int] = []

    def send(client: int) -> None:
        for number in range(5):
            name = {"userId": f"user-{client}", "event": f"E{number}"}
            batch = [{"type": "track", **name}, {"type": "track", "event": "refused"}]
            statuses.append(running.post("/v1/batch", {"batch": batch}).status)
            statuses.append(running.post("/v1/track", {"userId": f"user-{client}"}).status)

    threads = [threading.Thread(target=send, args=[client]) for client in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running.bridge.flush(30)

    assert sorted(statuses) == [200] * 40 + [400] * 40
    wait_until(lambda: len(kissmetrics.people) == 8, what="all eight people are known")
    assert {tuple(sorted(person.event_counts.items())) for person in kissmetrics.people} == {
        tuple((f"E{number}", 1) for number in range(5))
    }
    assert len(running.bridge.refused.latest()) == 80
