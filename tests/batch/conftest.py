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


def apache_spark() -> Path:
    """
    Return what starts Apache Spark.

    Raises:
        LookupError: this machine cannot start one; the message says what is missing.
    """
    home = os.environ.get("SPARK_HOME")
    if not home:
        raise LookupError("SPARK_HOME names no Apache Spark")
    submit = Path(home) / "bin" / "spark-submit"
    if not submit.exists():
        raise LookupError(f"there is no {submit}, where SPARK_HOME says")
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if "JAVA_HOME" in os.environ else "java"
    if not shutil.which(java):
        raise LookupError("Apache Spark needs Java, and there is none")
    return submit


def clusters() -> list[object]:
    """
    Return the clusters to test with: the one that is given by its URL, or Sail and Apache Spark.
    """
    if "SDKBRIDGE_SPARK" in os.environ:
        return [pytest.param("given")]
    marks = [pytest.mark.apache_spark, pytest.mark.timeout(600)]
    try:
        apache_spark()
    except LookupError as missing:
        marks.append(pytest.mark.skip(reason=str(missing)))
    return [pytest.param("sail"), pytest.param("apache", marks=marks)]


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
        # In a minute, compiling thoroughly and collecting in parallel take more than they save.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    command = [str(apache_spark()), "--master", "local[2]", "--driver-memory", "1g"]
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
