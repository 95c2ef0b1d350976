"""
What the benchmarks of whole logs share: the files of links, and how much memory somebody holds.
"""

import tempfile
from pathlib import Path

import psutil
from links import links, one_chain


def held(pid: int) -> int:
    """
    Return how many bytes of memory a process and its children hold.
    """
    try:
        process = psutil.Process(pid)
        return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def log_of(rows: int, *, chain: bool) -> Path:
    """
    Return the file with so many links, written now if it is not there yet.
    """
    folder = Path(tempfile.gettempdir()) / "sdkbridge-benchmarks"
    folder.mkdir(exist_ok=True)
    path = folder / f"{'chain' if chain else 'links'}-{rows}.parquet"
    if not path.exists():
        made = one_chain(rows) if chain else links(rows)
        made.write_parquet(path, compression="zstd", compression_level=1)
    return path
