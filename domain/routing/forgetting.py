"""How much old orders still say about coming ones: the memory that would have foretold the last days best."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log
from uuid import UUID

from domain.routing.network import Request

MEMORIES = (1.0, 0.97, 0.9, 0.8)
"""What a day's orders still count a day later. 1 forgets nothing."""
JUDGED_DAYS = 7
"""Each memory foretells each of the last days from the days before it."""


def ages(past: Sequence[Request]) -> list[int]:
    """Whole days from each order to the last of them."""
    last = max(request.at for request in past)
    return [(last - request.at).days for request in past]


def best_memory(past: Sequence[Request]) -> float:
    """The memory under which what sold in the last days was likeliest. Of two as good, the longer."""
    days = [Counter[UUID]() for _ in range(max(ages(past)) + 1)]
    for request, age in zip(past, ages(past), strict=True):
        days[-1 - age].update([line.variant_id for line in request.lines])
    return max(MEMORIES, key=lambda memory: _likelihood(days, memory))


def _likelihood(days: Sequence[Counter[UUID]], memory: float) -> float:
    """The log-likelihood of the last days' sales, each variant a Poisson count at its remembered rate.

    One day of average sales is lent to every variant, so that nothing is impossible.
    """
    remembered: dict[UUID, float] = {}
    weight = likelihood = 0.0
    variants = len(set().union(*days))
    for number, (yesterday, today) in enumerate(pairwise(days), start=1):
        for variant in remembered:
            remembered[variant] *= memory
        for variant, count in yesterday.items():
            remembered[variant] = remembered.get(variant, 0.0) + count
        weight = weight * memory + 1.0
        if len(days) - number <= JUDGED_DAYS:
            total = sum(remembered.values())
            lent = total / weight / variants
            likelihood -= total / weight
            for variant, count in today.items():
                likelihood += count * log((remembered.get(variant, 0.0) + lent) / (weight + 1.0))
    return likelihood
