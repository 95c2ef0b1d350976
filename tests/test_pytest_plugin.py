"""
The fixture that this package gives to the tests of others.
"""

import http.client
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from fenced_blocks import blocks_of

from sdkbridge.pytest_plugin import RunningKissmetrics

CHECKOUT = Path(__file__).parent.parent

# What must not be imported by every pytest run of every project that has the plugin installed.
SLOW_TO_IMPORT = {"click", "httpx", "rich", "sqlite_utils", "http.server", "sdkbridge.kissmetrics.server"}


@pytest.fixture(autouse=True)
def without_large_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let runs of pytest within these tests load none of the plugins that take longer than the tests.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:schemathesis -p no:faker")


def send(kissmetrics: RunningKissmetrics, path: str, **parameters: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(kissmetrics.url).netloc, timeout=10)
    connection.request("GET", f"{path}?{urlencode(parameters)}")
    connection.getresponse().read()
    connection.close()


def test_the_example_of_the_documents_passes(pytester: pytest.Pytester) -> None:
    """
    The code in docs/testing.md, put into one file of an empty project, is a green pytest run.
    """
    blocks = [
        block for block in blocks_of(CHECKOUT / "docs" / "testing.md", CHECKOUT) if block.language == "python"
    ]
    pytester.makepyfile("\n".join(block.text for block in blocks))
    # A process of its own, so that the plugin is found as users find it: by being installed.
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")

    assert len(blocks) == 3
    result.assert_outcomes(passed=2)


def test_each_test_gets_a_fresh_one(pytester: pytest.Pytester) -> None:
    """
    What one test sends, and the faults it asks for, the next one does not see.
    """
    pytester.makepyfile(
        """
        import urllib.request
        import pytest

        @pytest.mark.parametrize("_", range(2))
        def test_one(kissmetrics, _):
            assert (kissmetrics.people, kissmetrics.requests, kissmetrics.faults) == ([], [], [])
            urllib.request.urlopen(f"{kissmetrics.url}/e?_k=k&_p=ann&_n=Visited").close()
            kissmetrics.fail("reset")
            assert len(kissmetrics.people) == 1
        """
    )

    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


def test_it_needs_no_other_fixture_or_configuration(pytester: pytest.Pytester) -> None:
    """
    Strict about everything and with unraisable errors as failures, a test that leaves a request hanging passes.
    """
    pytester.makepyfile(
        """
        import socket

        def test_one(kissmetrics):
            kissmetrics.fail("hang")
            host, port = kissmetrics.url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as client:
                client.sendall(b"GET /e HTTP/1.1\\r\\n\\r\\n")
                while not kissmetrics.faults[0]["met"]:
                    pass
                del client
        """
    )

    pytester.runpytest_subprocess("--strict-markers", "--strict-config", "-W", "error").assert_outcomes(passed=1)


def test_it_shows_in_the_list_of_fixtures(pytester: pytest.Pytester) -> None:
    """
    ``pytest --fixtures`` tells what it is.
    """
    shown = pytester.runpytest_subprocess("--fixtures")

    shown.stdout.fnmatch_lines(["kissmetrics -- *pytest_plugin.py*", "    Run a local Kissmetrics *"])


def test_a_fixture_of_ones_own_takes_its_place(pytester: pytest.Pytester) -> None:
    """
    A project that has a fixture of this name keeps it.
    """
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def kissmetrics():
            return "mine"

        def test_one(kissmetrics):
            assert kissmetrics == "mine"
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_run_that_does_not_use_it_does_not_load_it(pytester: pytest.Pytester) -> None:
    """
    At the start of a pytest run nothing heavy is imported, no server and no HTTP library.
    """
    program = "import pytest, sys; pytest.main(['-q', '--collect-only']); print(*sys.modules, sep='\\n')"
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=pytester.path, capture_output=True, text=True, check=True
    )
    imported = set(shown.stdout.splitlines())

    assert "sdkbridge.pytest_plugin" in imported
    assert SLOW_TO_IMPORT & imported == set()


def test_people_and_requests(kissmetrics: RunningKissmetrics) -> None:
    """
    Who somebody is, by any of their names, and what came, without its key.
    """
    send(kissmetrics, "/e", _k="secret-key", _p="ann", _n="Visited")
    send(kissmetrics, "/a", _k="secret-key", _p="ann", _n="anonymous")
    send(kissmetrics, "/e", _k="secret-key")

    assert [person.identities for person in kissmetrics.people] == [("ann", "anonymous")]
    assert kissmetrics.person("anonymous") == kissmetrics.people[0]
    assert [(request.path, request.outcome) for request in kissmetrics.requests] == [
        ("/e", "stored"),
        ("/a", "stored"),
        ("/e", "rejected"),
    ]
    assert "secret-key" not in repr(kissmetrics) + repr(kissmetrics.requests)
    assert next(kissmetrics.local.export())["_n"] == "visited"


def test_nobody_is_known_by_that_name(kissmetrics: RunningKissmetrics) -> None:
    """
    A wrong name is an error that says which ones there are; so is one that two products know.
    """
    send(kissmetrics, "/e", _k="one", _p="ann", _n="Visited")
    with pytest.raises(LookupError, match=r"0 people are known as 'bob'; known are \[\['ann'\]\]"):
        kissmetrics.person("bob")

    send(kissmetrics, "/e", _k="two", _p="ann", _n="Visited")
    with pytest.raises(LookupError, match="2 people are known as 'ann'"):
        kissmetrics.person("ann")
