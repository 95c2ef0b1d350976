"""
Kissmetrics' own Python client, py-KISSmetrics 1.1.0, cannot tell the local Kissmetrics from the real one.
"""

from collections.abc import Iterator
from importlib.metadata import version
from urllib.parse import urlsplit

import KISSmetrics
import pytest
from urllib3.exceptions import HTTPError

from sdkbridge.pytest_plugin import RunningKissmetrics

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
A_WHILE_AGO = 1_600_000_000


@pytest.fixture
def client(kissmetrics: RunningKissmetrics) -> Iterator[KISSmetrics.Client]:
    client = KISSmetrics.Client(KEY, trk_host=urlsplit(kissmetrics.url).netloc)
    yield client
    client.http.clear()


@pytest.fixture
def km(kissmetrics: RunningKissmetrics, monkeypatch: pytest.MonkeyPatch) -> Iterator[KISSmetrics.KM]:
    """
    The older interface, which would only take a host of port 80 or 443.
    """
    monkeypatch.setattr(KISSmetrics, "TRACKING_HOSTNAME", urlsplit(kissmetrics.url).netloc)
    km = KISSmetrics.KM(KEY)
    yield km
    km.client.http.clear()


def sent(kissmetrics: RunningKissmetrics) -> list[tuple[str, dict[str, str]]]:
    return [(request.path, dict(request.parameters)) for request in kissmetrics.requests]


def test_it_is_the_real_one() -> None:
    """
    The tests below speak of the version whose quirks are known.
    """
    assert version("py-KISSmetrics") == KISSmetrics.__version__ == "1.1.0"


def test_record_set_and_alias_are_one_person(client: KISSmetrics.Client, kissmetrics: RunningKissmetrics) -> None:
    """
    What the client is told is what the local Kissmetrics shows: one person with all that was recorded.
    """
    answers = [
        client.record("anon", "Visited Site"),
        client.record("bob@bob.com", "Signed Up", {"Plan": "Pro", "Amount": 99.95}),
        client.set("bob@bob.com", {"gender": "male"}),
        client.alias("anon", "bob@bob.com"),
    ]
    (person,) = kissmetrics.people

    assert [(answer.status, answer.headers["Content-Type"], len(answer.data)) for answer in answers] == [
        (200, "image/gif", 43)
    ] * 4
    assert sent(kissmetrics) == [
        ("/e", {"_p": "anon", "_n": "Visited Site"}),
        ("/e", {"_p": "bob@bob.com", "_n": "Signed Up", "Plan": "Pro", "Amount": "99.95"}),
        ("/s", {"_p": "bob@bob.com", "gender": "male"}),
        ("/a", {"_p": "anon", "_n": "bob@bob.com"}),
    ]
    assert person.identities == ("anon", "bob@bob.com")
    assert person.event_counts == {"Signed Up": 1, "Visited Site": 1}
    assert {name: values.last for name, values in person.properties.items()} == {
        "Plan": "Pro",
        "Amount": "99.95",
        "gender": "male",
    }


def test_the_alias_may_go_either_way(client: KISSmetrics.Client, kissmetrics: RunningKissmetrics) -> None:
    """
    The client's documentation speaks of source and target; Kissmetrics joins the two whichever comes first.
    """
    client.record("anon", "Visited")
    client.alias("bob", "anon")
    client.alias("anon", "bob")

    assert [person.identities for person in kissmetrics.people] == [("anon", "bob")]


def test_odd_letters_arrive_as_they_were(client: KISSmetrics.Client, kissmetrics: RunningKissmetrics) -> None:
    """
    It encodes as forms do, a space as a plus; all of it is read back.
    """
    odd = "a+b & c=d; é 漢 🙂 100%/?#~"
    client.record(odd, odd, {f"p {odd}": odd})

    assert sent(kissmetrics) == [("/e", {"_p": odd, "_n": odd, f"p {odd}": odd})]


class TestTimes:
    """
    When something happened.
    """

    @pytest.mark.parametrize("timestamp", [A_WHILE_AGO, A_WHILE_AGO + 0.999])
    def test_a_time_of_ones_own(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics, timestamp: float
    ) -> None:
        """
        A timestamp is sent in whole seconds with _d=1, and counts.
        """
        client.record("bob", "Paid", timestamp=timestamp)

        assert sent(kissmetrics) == [("/e", {"_p": "bob", "_n": "Paid", "_d": "1", "_t": str(A_WHILE_AGO)})]
        assert [line["_t"] for line in kissmetrics.local.export()] == [A_WHILE_AGO]

    @pytest.mark.parametrize("timestamp", [None, 0])
    def test_without_one_it_is_now(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics, timestamp: int | None
    ) -> None:
        """
        No timestamp, and 0 as well, which the client drops: the time of receipt.
        """
        client.set("bob", {"plan": "pro"}, timestamp=timestamp)
        (request,) = kissmetrics.requests
        (line,) = kissmetrics.local.export()

        assert "_t" not in request.parameters
        assert line["_t"] == request.received_ms // 1000

    def test_the_example_of_the_support_page_fails(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        The third argument is the properties: a time in its place is an error of the client's, and nothing is sent.
        """
        with pytest.raises(TypeError):
            client.record("bob", "Signed Up", A_WHILE_AGO)

        assert kissmetrics.requests == []


class TestQuirks:
    """
    What the client sends that a careful one would not.
    """

    def test_properties_override_who_what_and_when(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        It lets properties take the place of its own parameters; what arrives is what counts.
        """
        client.record("bob", "Paid", {"_p": "eve", "_n": "Stole", "_d": 1, "_t": A_WHILE_AGO}, timestamp=5)
        (line,) = kissmetrics.local.export()

        assert line == {"_p": "eve", "_n": "stole", "_t": A_WHILE_AGO}

    def test_values_become_python_text(self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics) -> None:
        """
        None, True and lists arrive as Python writes them.
        """
        client.set("bob", {"a": None, "b": True, "c": [1, 2], "d": ""})

        assert sent(kissmetrics) == [("/s", {"_p": "bob", "a": "None", "b": "True", "c": "[1, 2]", "d": ""})]

    def test_nobody_is_somebody_called_none(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        A person of None is sent as a name: two strangers become one.
        """
        client.record(None, "Visited")
        client.record(None, "Left")

        assert kissmetrics.person("None").event_counts == {"Left": 1, "Visited": 1}

    def test_an_event_without_a_name_sets_properties(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        An empty name is not sent, so nothing happened; what came along is kept.
        """
        client.record("bob", "", {"plan": "pro"})
        person = kissmetrics.person("bob")

        assert "_n" not in kissmetrics.requests[0].parameters
        assert (person.event_counts, person.properties["plan"].last) == ({}, "pro")

    def test_nothing_is_sent_as_well(self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics) -> None:
        """
        Setting nothing sends a request, which is answered like any other and leads to nobody.
        """
        assert client.set("bob").status == 200
        assert [request.reason for request in kissmetrics.requests] == ["nothing_to_record"]
        assert kissmetrics.people == []


class TestAddress:
    """
    Where the client can be pointed to.
    """

    def test_only_http_and_https(self) -> None:
        """
        Any other scheme is an error at once.
        """
        with pytest.raises(ValueError, match="http, https"):
            KISSmetrics.Client(KEY, trk_scheme="ftp")

    def test_the_host_is_taken_as_it_is(self, kissmetrics: RunningKissmetrics) -> None:
        """
        A port goes along, and so does a path, which the local Kissmetrics does not have.
        """
        client = KISSmetrics.Client(KEY, trk_host=f"{urlsplit(kissmetrics.url).netloc}/pfx")
        answer = client.record("bob", "Paid")
        client.http.clear()

        assert (answer.status, kissmetrics.people) == (404, [])


class TestOlderInterface:
    """
    KM: identify first, then record.
    """

    def test_identify_record_set_alias(self, km: KISSmetrics.KM, kissmetrics: RunningKissmetrics) -> None:
        """
        Identify sends nothing; alias takes two names whatever was identified.
        """
        km.identify("bob")
        answer = km.record("Signed Up", {"Plan": "Pro"}, resp=True)
        km.set({"gender": "male"})
        km.alias("bob", "bob@bob.com")

        assert answer.status == 200
        assert [path for path, _ in sent(kissmetrics)] == ["/e", "/s", "/a"]
        assert kissmetrics.person("bob@bob.com").identities == ("bob", "bob@bob.com")

    def test_two_names_are_two_people(self, km: KISSmetrics.KM, kissmetrics: RunningKissmetrics) -> None:
        """
        Identify of another name aliases nothing.
        """
        for name in ("ann", "bob"):
            km.identify(name)
            km.record("Visited")

        assert [person.identities for person in kissmetrics.people] == [("ann",), ("bob",)]

    def test_a_port_of_ones_own_is_refused(self, kissmetrics: RunningKissmetrics) -> None:
        """
        Its host takes only ports 80 and 443: the reason for setting TRACKING_HOSTNAME, or the client, instead.
        """
        with pytest.raises(ValueError, match="not 80 or 443"):
            KISSmetrics.KM(KEY, host=urlsplit(kissmetrics.url).netloc)

        km = KISSmetrics.KM(KEY)
        km.client = KISSmetrics.Client(KEY, trk_host=urlsplit(kissmetrics.url).netloc)
        km.identify("bob")
        km.record("Visited")
        km.client.http.clear()

        assert len(kissmetrics.people) == 1


class TestFaults:
    """
    What becomes of its requests when something goes wrong: it keeps no queue.
    """

    def test_a_reset_is_tried_again(self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics) -> None:
        """
        urllib3 repeats a request up to three times where the connection failed.
        """
        kissmetrics.fail("reset", times=3)
        client.record("bob", "Paid")

        assert kissmetrics.person("bob").event_counts == {"Paid": 1}

    def test_a_lost_answer_counts_once_only_with_a_time(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        The request is sent twice, and the second time is known by its time.
        """
        kissmetrics.fail("lost_answer", times=1)
        client.record("bob", "Paid", timestamp=A_WHILE_AGO)

        assert [request.outcome for request in kissmetrics.requests] == ["stored", "duplicate"]
        assert kissmetrics.person("bob").event_counts == {"Paid": 1}

    def test_a_refused_request_is_lost_without_a_word(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        A status is never an exception, and nothing is kept for later.
        """
        kissmetrics.fail(500, times=1)
        status = client.record("bob", "Paid").status

        assert (status, kissmetrics.people) == (500, [])

    def test_a_server_that_is_gone_is_an_error(
        self, client: KISSmetrics.Client, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        After four resets the caller gets urllib3's exception.
        """
        kissmetrics.fail("reset", times=4)
        with pytest.raises(HTTPError):
            client.record("bob", "Paid")

        assert kissmetrics.people == []
