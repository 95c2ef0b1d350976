"""
Hash table and disjoint set in one loop, compiled: what makes whole logs fast.

Needs numba, so only `identity.batch.hashing` imports it.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])

BLOCK = 32
"""Links whose places in the table are fetched together, so that the machine waits for memory once."""

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def compiled(function: Function) -> Function:
    """
    Compile a function when it is first called; the machine code is kept on disk where there is a place for it.
    """
    try:
        return cast("Function", njit(cache=True, nogil=True)(function))
    except RuntimeError:  # a read-only home
        return cast("Function", njit(nogil=True)(function))


@compiled
def _place(first: np.uint64, slots: np.uint64) -> np.uint64:
    return ((first >> HALF) * slots) >> HALF


@compiled
def _found(table: NDArray[np.uint64], first: np.uint64, second: np.uint64, slots: np.uint64) -> np.uint64:
    """
    Return the slot that holds an identity, or the empty one where it belongs.
    """
    slot = _place(first, slots)
    while True:
        word = table[2 * slot + np.uint64(1)]
        if word & LOW == 0:
            return slot
        # Two identities that agree in the first 64 bits are told apart by the second.
        if table[2 * slot] == first and word >> HALF == second >> HALF:
            return slot
        slot += np.uint64(1)
        if slot == slots:
            slot = np.uint64(0)


@compiled
def _root(parent: NDArray[np.int32], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled
def join(
    table: NDArray[np.uint64],
    parent: NDArray[np.int32],
    known: int,
    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]],
    new: NDArray[np.uint32],
    codes: NDArray[np.int32],
) -> int:
    """
    Give numbers to the identities of some links as they come, and join both ends of each.

    Args:
        table: two words a slot: the first hash; half of the second one with the identity's number plus one.
        parent: the disjoint set; a parent's number is never larger than its child's.
        known: how many identities are numbered already.
        hashes: of the older identities, first and second, and of the newer ones.
        new: is filled with the positions of new identities, newer ones counted after all older ones.
        codes: is filled with the numbers of both ends, unless it is empty.

    Returns:
        How many identities are numbered now.
    """
    older, older_second, newer, newer_second = hashes
    slots = np.uint64(len(table) // 2)
    count, before = known, known
    touched = np.uint64(0)
    for start in range(0, len(older), BLOCK):
        stop = min(start + BLOCK, len(older))
        for row in range(start, stop):
            touched ^= table[2 * _place(older[row], slots)]
            touched ^= table[2 * _place(newer[row], slots)]
        for row in range(start, stop):
            slot = _found(table, older[row], older_second[row], slots)
            one = int(table[2 * slot + np.uint64(1)] & LOW) - 1
            if one < 0:
                table[2 * slot] = older[row]
                table[2 * slot + np.uint64(1)] = (older_second[row] >> HALF << HALF) | np.uint64(count + 1)
                parent[count] = count
                new[count - before] = row
                one = count
                count += 1
            slot = _found(table, newer[row], newer_second[row], slots)
            other = int(table[2 * slot + np.uint64(1)] & LOW) - 1
            if other < 0:
                table[2 * slot] = newer[row]
                table[2 * slot + np.uint64(1)] = (newer_second[row] >> HALF << HALF) | np.uint64(count + 1)
                parent[count] = count
                new[count - before] = len(older) + row
                other = count
                count += 1
            if len(codes):
                codes[2 * row] = one
                codes[2 * row + 1] = other
            one, other = _root(parent, one), _root(parent, other)
            if one < other:
                parent[other] = one
            elif other < one:
                parent[one] = other
    # The loads above are only kept by the compiler if something comes of them.
    if touched == np.uint64(1) and count < 0:
        return -1
    return count


@compiled
def move(table: NDArray[np.uint64], larger: NDArray[np.uint64]) -> None:
    """
    Copy a table into a larger, empty one.
    """
    slots = np.uint64(len(larger) // 2)
    for slot in range(0, len(table), 2):
        if table[slot + 1] & LOW == 0:
            continue
        place = _place(table[slot], slots)
        while larger[2 * place + np.uint64(1)] & LOW != 0:
            place += np.uint64(1)
            if place == slots:
                place = np.uint64(0)
        larger[2 * place] = table[slot]
        larger[2 * place + np.uint64(1)] = table[slot + 1]


@compiled
def flatten(parent: NDArray[np.int32]) -> None:
    """
    Let every identity point at the first one of its person.
    """
    for node in range(len(parent)):
        parent[node] = parent[parent[node]]


@compiled
def lowest(keys: NDArray[np.uint64], persons: NDArray[np.int32], size: int) -> NDArray[np.uint64]:
    """
    Return each person's lowest key, at the place of the identity that stands for it.
    """
    found = np.full(size, np.uint64(0xFFFFFFFFFFFFFFFF))
    for row in range(len(keys)):
        person = persons[row]
        found[person] = min(found[person], keys[row])
    return found
