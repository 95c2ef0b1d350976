"""
Where a setting comes from, and what is said of a wrong one.
"""

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from identity import MergePolicy
from sdkbridge import Bridge, DeliverySettings, MappingOptions
from sdkbridge.cli import main
from sdkbridge.errors import BridgeError
from sdkbridge.server.configuration import read_settings
from sdkbridge.server.settings import InvalidSettings, Project
from sdkbridge.settings import SETTINGS, InvalidSetting, resolve
from sdkbridge.settings.bridge import OBJECTS, Arguments, bridge_settings


def settings(folder: Path, environment: dict[str, str] | None = None, **arguments: object):
    return resolve(arguments, environment=environment or {}, folder=folder)


def test_an_argument_goes_before_a_variable_before_a_file_before_the_default(tmp_path: Path) -> None:
    """
    Each setting comes from the first place that says it, and remembers which.
    """
    (tmp_path / "sdkbridge.toml").write_text('url = "http://file"\nsafety = "power"\npace = 5\n')
    resolved = settings(
        tmp_path,
        {"SDKBRIDGE_URL": "http://variable", "SDKBRIDGE_SAFETY": "process"},
        url="http://argument",
        pace=None,
    )

    assert [resolved.values[name] for name in ("url", "safety", "pace", "alias_grace")] == [
        "http://argument",
        "process",
        5.0,
        0.0,
    ]
    assert [resolved.origins[name] for name in ("url", "safety", "pace", "alias_grace")] == [
        "argument",
        "SDKBRIDGE_SAFETY",
        str(tmp_path / "sdkbridge.toml"),
        "default",
    ]


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    """
    A project's own table goes before a file further up; a pyproject.toml without one says nothing.
    """
    inner = tmp_path / "project" / "package"
    inner.mkdir(parents=True)
    (tmp_path / "sdkbridge.toml").write_text('profile = "rudderstack"\n')
    (tmp_path / "project" / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    outer = settings(inner).values["profile"]
    (tmp_path / "project" / "pyproject.toml").write_text('[tool.sdkbridge]\nprofile = "segment-server"\n')

    assert outer == "rudderstack"
    assert settings(inner).values["profile"] == "segment-server"


def test_a_variable_names_another_file(tmp_path: Path) -> None:
    """
    SDKBRIDGE_CONFIG goes before whatever lies nearby.
    """
    (tmp_path / "sdkbridge.toml").write_text("deliver = true\n")
    (tmp_path / "other.toml").write_text("deliver = false\n[options]\nprefix_properties = false\n")
    resolved = settings(tmp_path, {"SDKBRIDGE_CONFIG": str(tmp_path / "other.toml")})

    assert resolved.values["deliver"] is False
    assert resolved.values["options"] == {"prefix_properties": False}


@pytest.mark.parametrize(
    ("variable", "written", "value"),
    [
        ("SDKBRIDGE_DELIVER", "no", False),
        ("SDKBRIDGE_DELIVER", "1", True),
        ("SDKBRIDGE_ALIAS_GRACE", "2.5", 2.5),
        ("SDKBRIDGE_OUTBOX_LIMIT", "1000", 1000),
        ("SDKBRIDGE_OPTIONS", '{"bool_style": "int"}', {"bool_style": "int"}),
    ],
)
def test_a_variable_is_read_as_what_it_means(variable: str, written: str, value: object, tmp_path: Path) -> None:
    """
    The environment knows only texts; the settings have types.
    """
    name = variable.removeprefix("SDKBRIDGE_").lower()

    assert settings(tmp_path, {variable: written}).values[name] == value


@pytest.mark.parametrize(
    ("variable", "written", "problem"),
    [
        ("SDKBRIDGE_DELIVER", "maybe", "must be true or false"),
        ("SDKBRIDGE_ALIAS_GRACE", "-1", "must be a number of seconds, 0 or more"),
        ("SDKBRIDGE_ALIAS_GRACE", "nan", "must be a number of seconds"),
        ("SDKBRIDGE_OUTBOX_LIMIT", "1.5", "must be a whole number of requests"),
        ("SDKBRIDGE_SAFETY", "total", "must be one of process, power"),
        ("SDKBRIDGE_OPTIONS", "[1]", "must be a table"),
        ("SDKBRIDGE_OPTIONS", "{", "must be a JSON object"),
        ("SDKBRIDGE_API_KEY", "  ", "must be a text, and not empty"),
        ("SDKBRIDGE_DATABASE", "sqlite:///secret.db", "postgresql:// or postgres://: there is no sqlite:"),
        ("SDKBRIDGE_DATABASE", "mysql://me:secret@db/shop", "must be a file's path, or a URL that begins with"),
        ("SDKBRIDGE_DATABASE", "postgresql+psycopg://me:secret@db/shop", "there is no .* postgresql.psycopg://"),
        ("SDKBRIDGE_DATABASE", "postgresql:me:secret@db/shop", "must be a file's path, or a URL that begins with"),
        ("SDKBRIDGE_DATABASE", "host=db password=secret", "host=… and the like belong into that URL"),
        ("SDKBRIDGE_URL", "ftp://secret", "must begin with http:// or https://"),
        ("SDKBRIDGE_URL", "secret.example", "must begin with http:// or https://"),
        ("SDKBRIDGE_URL", "https://me:secret@trk.example", "without a user, a password or a query"),
        ("SDKBRIDGE_URL", "https://trk.example/?key=secret", "without a user, a password or a query"),
        ("SDKBRIDGE_URL", "https://[::secret", "must begin with http:// or https://"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(variable: str, written: str, problem: str, tmp_path: Path) -> None:
    """
    The error says which setting, from where, and what would be right; never the value, which may be a key.
    """
    with pytest.raises(InvalidSetting, match=problem) as error:
        settings(tmp_path, {variable: written})

    assert "secret" not in str(error.value)
    assert error.value.origin == variable
    assert error.value.setting == variable.removeprefix("SDKBRIDGE_").lower()
    assert isinstance(error.value, BridgeError)
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize("written", ["b.db", "/var/lib/shop/b.db", ":memory:", "postgres://db/shop", "a~/b=c.db"])
def test_a_path_or_a_known_url_is_a_database(written: str, tmp_path: Path) -> None:
    """
    As it is written.
    """
    assert settings(tmp_path, database=written).values["database"] == written


def test_the_home_folder_is_found_wherever_a_database_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    By a program, a variable, a file, a server's file and an option alike: only a shell replaces ~ by itself.
    """
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home, work):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    Bridge("~/b.db", api_key="k", deliver=False).close()
    (work / "sdkbridge.toml").write_text('database = "~/b.db"\n')
    (work / "server.toml").write_text('[projects.shop]\nwrite_keys = ["w"]\napi_key = "k"\ndatabase = "~/b.db"\n')
    shown = CliRunner().invoke(main, ["status", "--db", "~/b.db"])
    (project,) = read_settings("server.toml").projects
    found = {
        settings(work).values["database"],
        settings(work, {"SDKBRIDGE_DATABASE": "~/b.db"}).values["database"],
        project.database,
    }

    assert found == {str(home / "b.db")}
    assert shown.exit_code == 0, shown.output
    assert sorted(path.name for path in work.iterdir()) == ["sdkbridge.toml", "server.toml"]


@pytest.mark.parametrize("written", ["sqlite:///secret.db", "host=db password=secret"])
def test_no_command_takes_another_scheme_for_a_path(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What a database may be is said by every option and every server's file, too, and nothing of what was written.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls.ndjson").touch()
    for command in (["status", "--db"], ["replay", "calls.ndjson", "--db"], ["migrate", "--to", "b.db", "--from"]):
        said = CliRunner().invoke(main, [*command, written])

        assert said.exit_code == 2, said.output
        assert "must be a file's path, or a URL that begins with" in " ".join(said.output.split())
        assert "secret" not in said.output
    with pytest.raises(InvalidSettings, match="must be a file's path, or a URL that begins with"):
        Project(name="shop", write_keys=["w"], api_key="k", database=written)
    with pytest.raises(InvalidSetting, match="must be a file's path, or a URL that begins with"):
        Bridge(written, api_key="k")
    assert [path.name for path in tmp_path.iterdir()] == ["calls.ndjson"]


def test_a_typing_error_in_a_file_is_answered_with_what_was_meant(tmp_path: Path) -> None:
    """
    A name that is no setting is refused, not ignored.
    """
    (tmp_path / "sdkbridge.toml").write_text('api_kye = "secret"\n')

    with pytest.raises(InvalidSetting, match=r"Did you mean api_key\?") as error:
        settings(tmp_path)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("content", ["= 1", "[tool.sdkbridge\n", "\x00"])
def test_a_file_that_cannot_be_read_is_named(content: str, tmp_path: Path) -> None:
    """
    A broken file is an error, and not the same as none.
    """
    (tmp_path / "sdkbridge.toml").write_text(content)

    with pytest.raises(InvalidSetting, match="cannot be read as TOML"):
        settings(tmp_path)


def test_a_file_that_is_named_and_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """
    By the variable that names it.
    """
    with pytest.raises(InvalidSetting, match=r"SDKBRIDGE_CONFIG .*nothere\.toml, which does not exist"):
        settings(tmp_path, {"SDKBRIDGE_CONFIG": "nothere.toml"})


def test_a_table_of_pyproject_in_our_own_file_is_explained(tmp_path: Path) -> None:
    """
    There settings stand by themselves.
    """
    (tmp_path / "sdkbridge.toml").write_text("[tool.sdkbridge]\npace = 3\n")

    with pytest.raises(InvalidSetting, match="they stand without a table"):
        settings(tmp_path)


@pytest.mark.parametrize(
    ("written", "found"),
    [("shop.db", "shop.db"), ("data/shop.db", "data/shop.db"), ("/var/shop.db", "/var/shop.db")],
)
def test_a_relative_database_is_meant_from_the_file_that_names_it(
    written: str, found: str, tmp_path: Path
) -> None:
    """
    So programs that start in folders below share it.
    """
    (tmp_path / "sdkbridge.toml").write_text(f'database = "{written}"\n')
    below = tmp_path / "jobs" / "nightly"
    below.mkdir(parents=True)

    assert Path(tmp_path, settings(tmp_path).values["database"]) == tmp_path / found
    assert settings(below).values["database"] == str(tmp_path / found)


def test_what_is_no_path_is_refused_in_a_folder_below_too(tmp_path: Path) -> None:
    """
    And not taken for a file of such a name.
    """
    (tmp_path / "sdkbridge.toml").write_text('database = "host=db"\n')
    (tmp_path / "below").mkdir()

    with pytest.raises(InvalidSetting, match="host=… and the like belong into that URL"):
        settings(tmp_path / "below")


@pytest.mark.parametrize("written", [":memory:", "postgresql://db/shop"])
def test_a_database_that_is_no_path_is_the_same_from_anywhere(written: str, tmp_path: Path) -> None:
    """
    In memory, or on a server.
    """
    (tmp_path / "sdkbridge.toml").write_text(f'database = "{written}"\n')
    (tmp_path / "below").mkdir()

    assert settings(tmp_path / "below").values["database"] == written


@pytest.mark.parametrize("options", ['{"prefix_propertys": false}', '{"prefix_properties": "no"}'])
def test_config_refuses_options_that_a_bridge_would(options: str, tmp_path: Path) -> None:
    """
    Rather than show them as if all were well.
    """
    done = subprocess.run(
        [sys.executable, "-m", "sdkbridge", "config"],
        cwd=tmp_path,
        env={**os.environ, "SDKBRIDGE_OPTIONS": options},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "SDKBRIDGE_OPTIONS" in done.stderr


def test_an_argument_that_does_not_exist_is_answered_with_what_was_meant() -> None:
    """
    As a setting in a file is.
    """
    with pytest.raises(TypeError, match="did you mean 'concurrency'"):
        Bridge(":memory:", api_key="k", concurency=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("database", [5, b"bridge.db", ["bridge.db"]])
def test_a_database_is_a_path_or_a_text(database: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of anything else no file is made that has its looks for a name.
    """
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match=f"database must be a path or a URL, not {type(database).__name__}"):
        Bridge(database, api_key="k")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"concurrency": "3"}, {"pace": "x"}, {"alias_wait_s": None}, {"poll_s": True}])
def test_delivery_settings_that_are_no_numbers_are_named(wrong: dict[str, object]) -> None:
    """
    A comparison of Python's that fails names nothing.
    """
    with pytest.raises(TypeError, match=f"{min(wrong)} must be a number"):
        DeliverySettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/e", "/s/", "/kissmetrics/a"])
def test_a_url_that_holds_what_is_put_behind_it_is_refused(path: str) -> None:
    """
    Everything would go to ``/e/e``, and be given up.
    """
    with pytest.raises(InvalidSetting, match="without them"):
        Bridge(":memory:", api_key="k", url=f"https://trk.kissmetrics.io{path}")
    # A host of that name is none.
    Bridge(":memory:", api_key="k", url="http://e/", deliver=False).close()


def test_the_key_is_shown_nowhere(tmp_path: Path) -> None:
    """
    Neither the command nor the value's own text gives the key away.
    """
    resolved = settings(tmp_path, {"SDKBRIDGE_API_KEY": "very-secret"})
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "sdkbridge", "config", *options],
            cwd=tmp_path,
            env={"SDKBRIDGE_API_KEY": "very-secret", "SDKBRIDGE_PACE": "7"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for options in (["--show"], ["--json"])
    ]

    assert all("very-secret" not in text for text in (repr(resolved), *outputs))
    assert "SDKBRIDGE_API_KEY" in outputs[0]
    assert json.loads(outputs[1])["pace"] == {"value": 7.0, "from": "SDKBRIDGE_PACE"}


PLACES = [
    ("database", "postgresql://me:{}@db.example:5432/shop"),
    ("database", "postgresql://me:{}@[::1],other:1/shop?sslmode=require"),
    ("database", "postgres://me:{}@db.example?user=me@example"),
    ("database", "postgresql://db.example/shop?user=me&password={}"),
    ("database", "POSTGRESQL://db.example/shop?sslpassword={}&user=me"),
    ("database", "postgresql://db.example/shop?oauth_client_secret={}"),
    ("database", "postgresql+psycopg://me:{}@db.example/shop"),
    ("database", "postgresql:me:{}@db.example/shop"),
    ("database", "host=db.example password={}"),
    ("url", "https://me:{}@trk.example"),
    ("url", "https://trk.example?key={}"),
    ("api_key", "{}"),
    ("pace", "{}"),
    ("policy", "{}"),
]
SECRETS = st.text("Ж0123456789ab/?#@&=:%[]+ ,;~.-'", min_size=1).filter(lambda text: "Ж" in text)


@given(place=st.sampled_from(PLACES), secret=SECRETS, encoded=st.booleans())
@example(place=("database", "postgresql://me:{}@db.example/shop"), secret="1?Ж=2", encoded=False)
@example(place=("database", "postgresql://me:{}@db.example/shop"), secret="1/Ж?a=b", encoded=False)
@example(place=("database", "postgresql://me:{}@db.example/shop?sslmode=require"), secret="/Ж?", encoded=False)
@example(place=("database", "postgresql://me:{}@db.example/shop"), secret="Ж%zz", encoded=False)
@example(place=("url", "https://me:{}@trk.example"), secret="/Ж", encoded=False)
@example(place=("database", "postgresql://db.example/shop?user=me&password={}"), secret="a&Ж=1", encoded=False)
def test_no_secret_is_shown_wherever_it_stands(place: tuple[str, str], secret: str, encoded: bool) -> None:
    """
    Not of a value that is taken, and neither by the error that refuses one nor by what led to it.
    """
    name, form = place
    written = form.format(quote(secret, safe="") if encoded else secret)
    sources = [({}, {name: written}), ({f"SDKBRIDGE_{name.upper()}": written}, {})]
    for environment, arguments in sources:
        try:
            resolved = resolve(arguments, environment=environment, folder=Path("/"))
            said = json.dumps(SETTINGS[name].shown(resolved.values[name]), ensure_ascii=False) + repr(resolved)
        except InvalidSetting as error:
            said = f"{error!r}{vars(error)}" + "".join(traceback.format_exception(error))

        assert "Ж" not in unquote(said)


PASSWORDS = "postgresql://me:hunter2@db.example:5432/shop?sslmode=require&password=hunter3&sslpassword=hunter4"


@pytest.mark.parametrize("options", [["--show"], ["--json"]])
@pytest.mark.parametrize("variable", [True, False])
def test_config_shows_a_database_without_its_password(
    options: list[str], variable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    And with all else that tells which it is.
    """
    monkeypatch.chdir(tmp_path)
    if variable:
        monkeypatch.setenv("SDKBRIDGE_DATABASE", PASSWORDS)
    else:
        Path("sdkbridge.toml").write_text(f'database = "{PASSWORDS}"\n')
    shown = CliRunner().invoke(main, ["config", *options])

    assert shown.exit_code == 0
    assert "hunter" not in shown.output
    assert "postgresql://me@db.example:5432/shop?sslmode=require" in shown.output


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgresql:///shop?host=/run/postgresql",
        "postgresql://me@db.example/shop?options=-c%20search_path%3Dshop",
        "postgresql://me%40tenant:p%2Fw@one.example:5432,[::1]:5433/shop?target_session_attrs=read-write",
        "postgresql://db.example/shop?user=me@tenant&password=p@w",
        "postgresql://me:p:w,!$'()*;=+~pässwort@db.example/shop",
    ],
)
def test_a_url_of_postgresql_is_taken_as_it_is_written(url: str, tmp_path: Path) -> None:
    """
    Hosts by the dozen, sockets, users with an @: what libpq and we read alike.
    """
    assert settings(tmp_path, database=url).values["database"] == url


def test_every_setting_is_documented() -> None:
    """
    docs/settings.md lists each setting with its default and what it does.
    """
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in SETTINGS.values():
        default = "-" if setting.default is None else json.dumps(setting.default).strip('"')
        assert (
            f"| `{setting.name}` | `SDKBRIDGE_{setting.name.upper()}` | `{default}` | {setting.meaning} |" in page
        )


def test_a_bridge_takes_every_setting_under_its_name() -> None:
    """
    What a file or a variable can say, a program says in the same words.
    """
    assert SETTINGS.keys() == (Arguments.__annotations__.keys() - OBJECTS) | {"database"}


def test_a_bridge_is_made_of_its_settings(tmp_path: Path) -> None:
    """
    With a database and a key in a file nothing has to be said; names stand for objects.
    """
    (tmp_path / "sdkbridge.toml").write_text(
        'database = "b.db"\napi_key = "secret"\npolicy = "strict"\nprofile = "segment-server"\npace = 5\n'
        "timeout = 3\nalias_wait = 4\n[options]\nprefix_properties = true\n"
    )
    made = bridge_settings(None, {"concurrency": 2}, environment={}, folder=tmp_path)

    assert made.database == "b.db"
    assert made.policy.names == MergePolicy.strict().names
    assert (made.options.auto_alias, made.options.prefix_properties) == ("always", True)
    assert made.delivery == DeliverySettings(concurrency=2, pace=5, timeout_s=3, alias_wait_s=4)
    assert "secret" not in repr(made)


def test_an_object_goes_before_what_a_file_says(tmp_path: Path) -> None:
    """
    Whoever hands in options, a policy or a delivery gets exactly those.
    """
    (tmp_path / "sdkbridge.toml").write_text('policy = "strict"\nprofile = "rudderstack"\npace = 5\n')
    objects = {
        "options": MappingOptions(),
        "policy": MergePolicy.permissive(),
        "delivery": DeliverySettings(pace=7),
    }
    made = bridge_settings("b.db", {"api_key": "k", **objects}, environment={}, folder=tmp_path)

    assert (made.options, made.policy, made.delivery) == tuple(objects.values())


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, r"api_key \(not given\) is needed: say Bridge\(api_key=.*SDKBRIDGE_API_KEY.*sdkbridge.toml"),
        ({"api_key": "k", "pace": 0}, r"pace \(argument\) must be a number of requests a second, more than 0"),
        ({"api_key": "k", "url": "ftp://x"}, r"url \(argument\) must begin with http:// or https://"),
        ({"api_key": "k", "timeout": 31}, "timeout .* and 30 at most"),
        ({"api_key": "k", "options": {"prefix": 1}}, r"options \(argument\) cannot be: prefix is no option"),
        (
            {"api_key": "k", "pace": 1, "delivery": DeliverySettings()},
            "pace .* is said by delivery, too",
        ),
        ({"api_key": "k", "profile": "bridge", "options": MappingOptions()}, "profile .* is said by options, too"),
    ],
)
def test_what_a_bridge_cannot_be_made_of_is_named(
    arguments: dict[str, object], problem: str, tmp_path: Path
) -> None:
    """
    One error says what is wrong or missing, and how to give it.
    """
    with pytest.raises(InvalidSetting, match=problem):
        bridge_settings("b.db", arguments, environment={}, folder=tmp_path)


def test_without_a_database_a_bridge_says_where_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nothing is made up in the working folder.
    """
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InvalidSetting, match=r"database .* is needed.*SDKBRIDGE_DATABASE"):
        Bridge(api_key="k")
    with pytest.raises(TypeError, match="no argument 'pase'"):
        Bridge("b.db", api_key="k", pase=5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["config", "--show"], ["replay", "calls.ndjson", "--db", "b.db"]])
def test_a_command_says_from_where_a_wrong_setting_is(command: list[str], tmp_path: Path) -> None:
    """
    Before anything is made or sent, and without a traceback.
    """
    (tmp_path / "calls.ndjson").touch()
    (tmp_path / "sdkbridge.toml").write_text('url = "ftp://x"\n')
    done = subprocess.run(
        [sys.executable, "-m", "sdkbridge", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode in {1, 2}
    assert f"Error: url ({tmp_path / 'sdkbridge.toml'}) must begin with http:// or https://" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "b.db").exists()


def test_commands_take_from_the_settings_what_their_options_do_not_say(tmp_path: Path) -> None:
    """
    One file serves the program, and `replay`, `deliver`, `outbox` and `status` beside it.
    """
    (tmp_path / "sdkbridge.toml").write_text('database = "b.db"\nurl = "http://127.0.0.1:9"\ntimeout = 1\n')
    (tmp_path / "calls.ndjson").write_text('{"type": "track", "userId": "ann", "event": "Seen"}\n')

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "sdkbridge", *arguments]
        return subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=True).stdout

    run("replay", "calls.ndjson", "--no-wait")
    delivered = json.loads(run("deliver", "--once", "--json"))

    assert delivered == {"delivered": 0, "dead": 0, "waiting": 1}
    assert "/e" in run("outbox", "list")
    assert (tmp_path / "b.db").exists()
