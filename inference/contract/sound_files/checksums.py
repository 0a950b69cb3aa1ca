"""Cyclic checksums as Ogg and FLAC have them: the highest bit first, nothing inverted."""

from __future__ import annotations

from functools import cache


def checksum(content: bytes, polynomial: int, bits: int) -> int:
    table, mask = _table(polynomial, bits), (1 << bits) - 1
    sum_ = 0
    for byte in content:
        sum_ = (sum_ << 8 & mask) ^ table[sum_ >> bits - 8 ^ byte]
    return sum_


@cache
def _table(polynomial: int, bits: int) -> list[int]:
    table = []
    for byte in range(256):
        sum_ = byte << bits - 8
        for _ in range(8):
            sum_ = (sum_ << 1 ^ (polynomial if sum_ >> bits - 1 else 0)) & (1 << bits) - 1
        table.append(sum_)
    return table
