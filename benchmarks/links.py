"""
A log of links as big shops have them, made anew from a seed: phones, account ids, e-mail changes, mistakes.

    python benchmarks/links.py 1000000 links.parquet
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

DEVICES = (0.45, 0.25, 0.13, 0.08, 0.05, 0.04)
"""How many people have one device, two, and so on."""
CHANGES_MAIL = 0.06
KIOSKS_A_MILLION = 3
CHAINS, CHAIN_LENGTH = 5, 1_000
NULLS, ZEROS = 0.0002, 0.00005
ZERO_UUID = "00000000-0000-0000-0000-000000000000"
PERSONS_A_LINK = 0.309
"""So few that some 28 % of the links repeat an earlier one."""


def links(rows: int, *, seed: int = 7) -> pl.DataFrame:
    """
    Return so many links, in random order, as columns ``older`` and ``newer``.
    """
    random = np.random.default_rng(seed)
    persons = max(int(rows * PERSONS_A_LINK), 1)
    owners = np.repeat(np.arange(persons), random.choice(np.arange(1, 7), persons, p=DEVICES))
    parts = [
        _identified(_uuids(random, len(owners)), owners),
        _mail_changes(random, persons),
        *_kiosks(random, rows, persons),
        _identified(
            np.full(int(persons * NULLS) + 1, "null"), random.integers(0, persons, int(persons * NULLS) + 1)
        ),
        _identified(np.full(int(persons * ZEROS), ZERO_UUID), random.integers(0, persons, int(persons * ZEROS))),
        *(_chain(number) for number in range(CHAINS if rows >= 50_000 else 0)),
    ]
    once = pl.concat(parts)
    if once.height < rows:
        again = random.integers(0, once.height, rows - once.height)
        once = pl.concat([once, once[again]])
    return once[random.permutation(once.height)[:rows]].rechunk()


def one_chain(rows: int, *, seed: int = 7) -> pl.DataFrame:
    """
    Return the links above with a single chain in the place of half of them, its identities in random order.
    """
    random = np.random.default_rng(seed)
    names = _uuids(random, rows // 2 + 1)
    chain = pl.DataFrame({"older": names[:-1], "newer": names[1:]})
    both = pl.concat([chain, links(rows - rows // 2, seed=seed)])
    return both[random.permutation(both.height)].rechunk()


def _uuids(random: np.random.Generator, count: int) -> pl.Series:
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)[random.integers(0, 16, (count, 32), np.uint8)]
    text = np.insert(digits, (8, 12, 16, 20), ord("-"), axis=1)
    return pl.Series(np.ascontiguousarray(text).view("S36").ravel(), dtype=pl.Binary).cast(pl.String)


def _mails(person: pl.Expr, change: pl.Expr) -> pl.Expr:
    return pl.format("u{}@mail{}.example.com", person, (person + change) % 40)


def _identified(devices: object, owners: object) -> pl.DataFrame:
    frame = pl.DataFrame({"older": devices, "person": owners})
    return frame.select("older", _mails(pl.col("person"), pl.lit(0)).alias("newer"))


def _mail_changes(random: np.random.Generator, persons: int) -> pl.DataFrame:
    changing = random.permutation(persons)[: int(persons * CHANGES_MAIL)]
    often = random.integers(1, 6, len(changing))
    frame = pl.DataFrame(
        {
            "person": np.repeat(changing, often),
            "change": np.concatenate([np.arange(times) for times in often]) if len(often) else [],
        },
        schema={"person": pl.Int64, "change": pl.Int64},
    )
    person, change = pl.col("person"), pl.col("change")
    return frame.select(_mails(person, change).alias("older"), _mails(person, change + 1).alias("newer"))


def _kiosks(random: np.random.Generator, rows: int, persons: int) -> list[pl.DataFrame]:
    found = []
    for number in range(max(1, rows * KIOSKS_A_MILLION // 1_000_000)):
        visitors = random.integers(0, persons, int(random.integers(200, 801)))
        found.append(_identified(np.full(len(visitors), f"kiosk-{number}"), visitors))
    return found


def _chain(number: int) -> pl.DataFrame:
    names = pl.Series([f"chain-{number}-{step}" for step in range(CHAIN_LENGTH + 1)])
    return pl.DataFrame({"older": names[:-1], "newer": names[1:]})


if __name__ == "__main__":
    links(int(sys.argv[1])).write_parquet(Path(sys.argv[2]), compression="zstd", compression_level=1)
