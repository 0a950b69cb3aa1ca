"""Orders that are balanced by construction."""

from __future__ import annotations


def williams(items: int) -> list[list[int]]:
    """Rows of a Williams square over `items`: each item stands once at each place, and each follows each other item
    equally often. `items` rows when even, twice as many when odd (the square and its mirror image).

    E. J. Williams, 1949, Experimental designs balanced for the estimation of residual effects of treatments."""
    if items < 1:
        raise ValueError(f"a square needs at least one item, got {items}")
    first = [0]
    for step in range(1, items):  # 0, 1, n-1, 2, n-2, ...
        first.append((first[-1] + (step if step % 2 else -step)) % items)
    square = [[(value + row) % items for value in first] for row in range(items)]
    if items % 2 and items > 1:
        square += [row[::-1] for row in square]
    return square
