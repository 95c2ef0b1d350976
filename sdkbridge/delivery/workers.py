"""
Who delivers: names that tell a living worker from one that is gone.
"""

import os
import secrets
import socket
from pathlib import Path

_workers_here: set[str] = set()


def worker_name() -> str:
    """
    Return a name that no other worker has: host, process, and chance.
    """
    name = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"
    _workers_here.add(name)
    return name


def retire(worker: str) -> None:
    """
    Note that a worker of this process has ended.
    """
    _workers_here.discard(worker)


def is_gone(worker: str) -> bool:
    """
    Tell whether a worker on this host has ended; of other hosts nothing is known until their lease runs out.
    """
    host, process, _ = worker.rsplit("/", 2)
    if host != socket.gethostname() or os.name == "nt":
        return False
    if int(process) == os.getpid():
        # An earlier process had the same number, as the first one of a container always has.
        return worker not in _workers_here
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _only_unburied(process)


def _only_unburied(process: str) -> bool:
    """
    Tell whether a process has ended and only its parent has not asked how, as may be for ever in a container.
    """
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in {"Z", "X"}
