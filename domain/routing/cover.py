"""Which locations together have what is needed: as few as possible, and as near as possible among as few."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, combinations
from math import comb
from uuid import UUID

Units = Mapping[UUID, int]
"""Units by variant."""

EXACT_SUBSETS = 4096
"""How many combinations are tried before we guess: every one of 12 locations, every pair of 90. A few milliseconds."""


def smallest(needed: Units, stocks: Sequence[Units], distances: Sequence[float]) -> tuple[int, ...] | None:
    """Indices of the fewest stocks that sum to at least `needed`, the nearest such; None where that is too many to try.

    Indices that come first win ties. All stocks together must suffice.
    """
    useful = _useful(needed, stocks)
    tried = 0
    for size in range(_at_least(needed, [stocks[index] for index in useful]), len(useful) + 1):
        tried += comb(len(useful), size)
        if tried > EXACT_SUBSETS:
            break
        if covers := _covers_of(size, needed, stocks, useful):
            return min(covers, key=lambda cover: (sum(distances[index] for index in cover), cover))
    return None


def greedy(needed: Units, stocks: Sequence[Units]) -> tuple[int, ...]:
    """Indices of stocks that sum to at least `needed`: whoever has most of what is left goes next, first come first."""
    left = dict(needed)
    remaining = _useful(needed, stocks)
    chosen: list[int] = []
    while any(left.values()):
        best = max(remaining, key=lambda index: sum(min(units, stocks[index][key]) for key, units in left.items()))
        remaining.remove(best)
        chosen.append(best)
        left = {key: max(0, units - stocks[best][key]) for key, units in left.items()}
    return tuple(sorted(_without_redundant(chosen, needed, stocks)))


def suffices(needed: Units, stock: Units) -> bool:
    """Whether one stock has it all."""
    return all(stock[key] >= units for key, units in needed.items())


def _useful(needed: Units, stocks: Sequence[Units]) -> list[int]:
    return [index for index, stock in enumerate(stocks) if any(stock[key] for key in needed)]


def _at_least(needed: Units, stocks: Sequence[Units]) -> int:
    """A size that no cover is below: how many of the fullest shelves the scarcest variant takes."""
    sizes = [1]
    for key, units in needed.items():
        running = accumulate(sorted((stock[key] for stock in stocks), reverse=True))
        sizes.append(next(size for size, total in enumerate(running, start=1) if total >= units))
    return max(sizes)


def _covers_of(size: int, needed: Units, stocks: Sequence[Units], useful: list[int]) -> list[tuple[int, ...]]:
    """All combinations of `size` that together have it all."""
    covers = list(combinations(useful, size))
    for key, units in needed.items():
        shelf = [stock[key] for stock in stocks]
        covers = [cover for cover in covers if sum([shelf[index] for index in cover]) >= units]
    return covers


def _without_redundant(chosen: list[int], needed: Units, stocks: Sequence[Units]) -> list[int]:
    """The same without those whose units the others have as well, the farthest left out first."""
    kept = sorted(chosen)
    for index in sorted(chosen, reverse=True):
        others = [other for other in kept if other != index]
        if all(sum(stocks[other][key] for other in others) >= units for key, units in needed.items()):
            kept = others
    return kept
