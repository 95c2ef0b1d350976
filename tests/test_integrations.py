"""
The how-tos of docs/integrations.md, run under the real frameworks: each order arrives at Kissmetrics, once.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
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
