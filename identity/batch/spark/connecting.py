"""
The way to a cluster.
"""

import importlib
import socket
import sys
import warnings
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

PORT = 15002
"""Where Spark Connect listens by default."""
PATIENCE_S = 20
CHECKED = ("pyspark.sql.connect", "pyspark.sql.connect.functions")


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
    _load_client()
    session: SparkSession = SparkSession.builder.remote(url).create()
    return session


def _load_client() -> None:
    """
    Load what of the client looks around while it is loaded.
    """
    main = sys.modules["__main__"]
    with warnings.catch_warnings():
        # The client says so of every pandas from 3 on, and pandas is not used here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        # It takes a program without a file, such as python -c, for its own doctests, and ends it.
        without_file = not hasattr(main, "__file__")
        if without_file:
            main.__file__ = "<string>"
        try:
            for module in CHECKED:
                importlib.import_module(module)
        finally:
            if without_file:
                del main.__file__


def _knock(host: str, port: int) -> None:
    # The client itself would try for ten minutes, without a word.
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError as error:
        raise ConnectionError(f"no cluster answers at {host}:{port}: {error.strerror or error}") from error
