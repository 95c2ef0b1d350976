"""
A disk that is soon full, and room on it at last.
"""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(tmp_path: Path, *, megabytes: int = 1) -> Iterator[tuple[Path, Callable[[], object]]]:
    """
    Yield a folder that takes half a megabyte less, and how to make room: where it may, a disk of its own.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    size = megabytes * 1_000_000 - 500_000
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        with file_size_limit(size) as lift:
            yield disk, lift
        return
    try:
        yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@contextmanager
def file_size_limit(size: int) -> Iterator[Callable[[], None]]:
    """
    Let the system refuse larger files to this process.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
