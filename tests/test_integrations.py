"""
The how-tos of docs/integrations.md, run under the real frameworks: each order arrives at Kissmetrics, once.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fenced_blocks import blocks_of

from sdkbridge.pytest_plugin import RunningKissmetrics

CHECKOUT = Path(__file__).parent.parent
PEOPLE = [f"user {number}" for number in range(6)]
PATIENCE_S = 60


def how_to(mark: str) -> str:
    """
    The one block of the page that holds a mark.
    """
    blocks = blocks_of(CHECKOUT / "docs" / "integrations.md", CHECKOUT)
    (found,) = (block.text for block in blocks if block.language == "python" and mark in block.text)
    return found


@pytest.fixture
def surroundings(tmp_path: Path, kissmetrics: RunningKissmetrics) -> dict[str, str]:
    """
    An environment that says all of a bridge's settings.
    """
    return os.environ | {
        "SDKBRIDGE_DATABASE": str(tmp_path / "b.db"),
        "SDKBRIDGE_API_KEY": "key",
        "SDKBRIDGE_URL": kissmetrics.url,
        "PYTHONPATH": str(tmp_path),
    }


def arrived(kissmetrics: RunningKissmetrics) -> dict[str, int]:
    """
    How many orders each person has.
    """
    return {person.identities[0]: person.event_counts["Order Completed"] for person in kissmetrics.people}


def run(program: str, surroundings: dict[str, str]) -> None:
    """
    Run a program, which must end well.
    """
    command = [sys.executable, "-c", program, *PEOPLE]
    subprocess.run(command, env=surroundings, check=True, timeout=PATIENCE_S)


ASK = """
import sys
with {client}(app) as client:
    for who in sys.argv[1:]:
        response = client.post(f"/orders/{{who}}")
        assert response.is_success and response.text, response.text
"""

DJANGO = """
import django, sys
from django.conf import settings
from django.test import Client
from django.urls import path

urlpatterns = [path("orders/<who>", order)]
settings.configure(
    MIDDLEWARE=["__main__.BridgeMiddleware"],
    ROOT_URLCONF="__main__",
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
client = Client()
for who in sys.argv[1:]:
    assert client.post(f"/orders/{who}").status_code == 201
"""


@pytest.mark.parametrize(
    ("mark", "driver"),
    [
        ("FastAPI(", "from fastapi.testclient import TestClient\n" + ASK.format(client="TestClient")),
        ("Litestar(", "from litestar.testing import TestClient\n" + ASK.format(client="TestClient")),
        ("BridgeMiddleware", DJANGO),
    ],
    ids=["fastapi", "litestar", "django"],
)
def test_an_order_in_a_web_framework_arrives(
    mark: str, driver: str, surroundings: dict[str, str], kissmetrics: RunningKissmetrics
) -> None:
    """
    Requests go through the how-to's own code; at the end of the program all is delivered, or waits in the file.
    """
    run(how_to(mark) + driver, surroundings)
    run("from sdkbridge import Bridge\nwith Bridge() as bridge: bridge.flush(timeout=30)", surroundings)

    assert arrived(kissmetrics) == dict.fromkeys(PEOPLE, 1)


WORKERS = 3
GUNICORN = f"--preload --workers {WORKERS} --max-requests 15 --no-control-socket --log-level warning"
EARLY = [f"early {number}" for number in range(20)]
DELIVERY_SETTINGS = "from sdkbridge.delivery.settings import DeliverySettings\n"
AT_IMPORT = f"""
import os

for who in {EARLY}:
    bridge.track(who, "Order Completed")
os.register_at_fork(after_in_child=lambda: os.close(os.open(f"worker-{{os.getpid()}}", os.O_CREAT)))
"""


@pytest.fixture(params=["sync", "gthread"])
def gunicorn(
    request: pytest.FixtureRequest, tmp_path: Path, surroundings: dict[str, str]
) -> Iterator[tuple[subprocess.Popen, int]]:
    """
    A server of three workers, each replaced after some requests, and the port that it listens on.

    It loads the how-to before it forks, and with it some calls, so that a thread delivers while it does. No
    process looks by itself for what others leave to be delivered.
    """
    shop = how_to("start_response").replace(
        "Bridge()", "Bridge(delivery=DeliverySettings(poll_s=3600, lease_s=3600))"
    )
    (tmp_path / "shop.py").write_text(DELIVERY_SETTINGS + shop + AT_IMPORT)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        where = ["--worker-class", request.param, "--bind", f"fd://{listener.fileno()}", "shop:app"]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *GUNICORN.split(), *where],
            cwd=tmp_path,
            env=surroundings,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        port = listener.getsockname()[1]
    try:
        yield server, port
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def ordered(port: int, who: str) -> bool:
    """
    Order, and return whether it was answered: a worker that goes may leave a connection behind.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("POST", f"/orders/{who}", headers={"Connection": "close"})
        return connection.getresponse().status == 201
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_an_order_under_gunicorn_arrives_once(
    gunicorn: tuple[subprocess.Popen, int],
    surroundings: dict[str, str],
    kissmetrics: RunningKissmetrics,
    tmp_path: Path,
) -> None:
    """
    The bridge was made before the fork; its workers come and go, and all are replaced at once in between.
    """
    server, port = gunicorn
    names = [f"buyer-{number}" for number in range(100)]
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ordered, port, who) for who in names]
        for answer in (answers[20], answers[60]):
            answer.result(PATIENCE_S)
            server.send_signal(signal.SIGHUP)
    answered = {who for who, answer in zip(names, answers, strict=True) if answer.result()}
    deadline = time.monotonic() + PATIENCE_S
    while not answered <= arrived(kissmetrics).keys() and time.monotonic() < deadline:
        # What a worker left when it went, another one delivers that has something to do.
        names.append(f"late-{len(names)}")
        ordered(port, names[-1])

    assert answered <= arrived(kissmetrics).keys()
    server.terminate()
    assert server.wait(PATIENCE_S) == 0
    assert len([*tmp_path.glob("worker-*")]) > WORKERS * 2
    run("from sdkbridge import Bridge\nwith Bridge() as bridge: bridge.flush(timeout=30)", surroundings)
    assert len(answered) > 50
    assert {*EARLY, *answered} <= arrived(kissmetrics).keys() <= {*EARLY, *names}
    assert set(arrived(kissmetrics).values()) == {1}


BROKER = """
folder = {folder!r}
app.conf.broker_url = "filesystem://"
app.conf.broker_transport_options = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), folder)
"""

ASK_TWICE = """
import sys
from jobs import order
for who in sys.argv[1:]:
    order.apply_async([who], task_id=f"order of {who}")
    order.apply_async([who], task_id=f"order of {who}")
"""


@pytest.fixture
def celery_worker(tmp_path: Path, surroundings: dict[str, str]) -> Iterator[subprocess.Popen]:
    """
    A worker that loads the how-to, and forks two processes; its tasks wait already, and its broker is a folder.
    """
    folder = tmp_path / "broker"
    folder.mkdir()
    (tmp_path / "jobs.py").write_text(how_to("Celery(") + BROKER.format(folder=str(folder)))
    options = ["--pool", "prefork", "--concurrency", "2", "--loglevel", "warning", "--without-gossip"]
    command = [sys.executable, "-m", "celery", "-A", "jobs", "worker", *options]
    # Asked first: kombu's folders are no place for two who begin at the same moment.
    run(ASK_TWICE, surroundings)
    worker = subprocess.Popen(command, cwd=tmp_path, env=surroundings, start_new_session=True)
    try:
        yield worker
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_an_order_in_a_celery_task_arrives_once(
    celery_worker: subprocess.Popen, kissmetrics: RunningKissmetrics
) -> None:
    """
    The bridge was made before the worker forked, and each task runs twice; SIGTERM ends the worker well.
    """
    deadline = time.monotonic() + PATIENCE_S
    while len(arrived(kissmetrics)) < len(PEOPLE) and time.monotonic() < deadline:
        assert celery_worker.poll() is None
        time.sleep(0.1)  # between two looks
    celery_worker.send_signal(signal.SIGTERM)

    assert celery_worker.wait(PATIENCE_S) == 0
    assert arrived(kissmetrics) == dict.fromkeys(PEOPLE, 1)
