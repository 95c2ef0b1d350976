"""
A cluster for the tests that need one: an engine of Spark Connect that needs no Java, and Apache Spark where it is.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def apache_spark() -> Path | None:
    """
    Return what starts Apache Spark, if SPARK_HOME names a whole one and there is a Java to run it.
    """
    home = os.environ.get("SPARK_HOME")
    submit = Path(home or ".") / "bin" / "spark-submit"
    return submit if home and submit.exists() and shutil.which("java") else None


def clusters() -> list[str]:
    """
    Return the clusters that this machine can offer: one given by its URL goes before all others.
    """
    if "SDKBRIDGE_SPARK" in os.environ:
        return ["given"]
    return ["sail", "apache"] if apache_spark() else ["sail"]


@pytest.fixture(scope="session", params=clusters())
def cluster_url(request, tmp_path_factory) -> Iterator[str]:
    """
    The Spark Connect URL of a running cluster.
    """
    if request.param == "given":
        yield os.environ["SDKBRIDGE_SPARK"]
    elif request.param == "sail":
        yield from _sail()
    else:
        yield from _apache(tmp_path_factory.mktemp("spark"))


def _sail() -> Iterator[str]:
    from pysail.spark import SparkConnectServer  # noqa: PLC0415 - large, and most tests need none of it

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUST_LOG", "error")
        server = SparkConnectServer()
        server.start()
        host, port = server.listening_address
        yield f"sc://{host}:{port}"
        server.stop()


def _apache(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    command = [str(apache_spark()), "--master", "local[2]", "--driver-memory", "2g"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    command += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "spark-internal"],
            cwd=folder,
            env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(port, process, folder / "log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"Apache Spark does not start:\n{log.read_text()[-3000:]}", pytrace=False)


@pytest.fixture(scope="session")
def cluster(cluster_url) -> Iterator[object]:
    """
    A session on a running cluster.
    """
    from identity.batch import spark  # noqa: PLC0415 - as above

    session = spark.connect(cluster_url)
    yield session
    session.stop()
