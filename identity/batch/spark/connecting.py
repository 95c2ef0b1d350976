"""
The way to a cluster.
"""

import socket
import warnings
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

PORT = 15002
"""Where Spark Connect listens by default."""
PATIENCE_S = 20


def connect(url: str) -> SparkSession:
    """
    Start a session on a cluster, given its Spark Connect URL, such as ``sc://localhost:15002``.

    Raises:
        ValueError: it is no such URL.
        ConnectionError: nothing answers there.
    """
    place = urlsplit(url)
    if place.scheme != "sc" or not place.hostname:
        raise ValueError("the URL of a cluster is like sc://host:15002")
    _knock(place.hostname, place.port or PORT)
    with warnings.catch_warnings():
        # The client says so of every pandas from 3 on, and pandas is not used here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        session: SparkSession = SparkSession.builder.remote(url).create()
    return session


def _knock(host: str, port: int) -> None:
    # The client itself would try for ten minutes, without a word.
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError as error:
        raise ConnectionError(f"no cluster answers at {host}:{port}: {error.strerror or error}") from error
