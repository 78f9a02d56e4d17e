"""Shadow prices: what a unit of scarce stock, or a parcel of scarce capacity, is worth to the orders still to come.

The orders of the coming days are drawn from the past several times over. Each draw is one linear programme (how would all
of them be filled at the least cost, could they be seen at once?), and the duals of its stock are what one unit more would
have saved; their mean is the price. What the routing bench taught:

- Goods and destinations are drawn apart: where a variant's handful of past orders went is mostly chance.
- Many draws beat large ones, and those of the days before still count. So prices move only part of the way (`FRESH`) to
  what is solved now: a solution costs little, and yet many are averaged.
- Old orders count for less as soon as forgetting them would have foretold the last days better (`forgetting.py`).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar
from uuid import UUID

from domain.routing.forgetting import ages, best_memory
from domain.routing.network import Network, Prices, Request, Snapshot
from domain.routing.programme import Programme, Shelf, seen

DRAWN = 10_000
"""So many orders in all: a small shop's noise needs more draws, and they are solved sooner."""
DRAWS_MOST = 12
ORDERS_MOST = 2_000
"""A larger draw is made smaller, and stock and capacity are scaled down with it."""
FRESH = 0.35
"""For solutions a day apart."""
LEAST_MINOR = 0.5
"""A price below half a minor unit decides nothing and is none: what was scarce once is forgotten."""

K = TypeVar("K", bound=Hashable)


def prices(past: Sequence[Request], network: Network, snapshot: Snapshot, days: float) -> Prices:
    """Solve for the coming `days`, and move the network's prices towards the solution. The same question, the same answer.

    `past` are the orders of the last weeks as they were placed; `snapshot` is the stock that must last for those days.
    """
    if not past or days <= 0:
        return Prices()
    fresh: list[tuple[dict[Shelf, float], dict[UUID, float]]] = []
    demand = Demand(past, days, Random(len(past)))  # noqa: S311 (draws, not secrets)
    bare, full = replace(network, prices=Prices()), replace(snapshot, parcels_today={})
    capacity = {
        location.id: location.daily_capacity * days
        for location in network.locations.values()
        if location.daily_capacity is not None
    }
    for _ in range(min(DRAWS_MOST, max(1, DRAWN // demand.size))):
        programme = Programme()
        for request in demand.draw():
            programme.add(seen(request, bare, full))
        fresh.append(programme.solve(full, capacity, demand.scale))
    stock, parcels = (_mean(found) for found in zip(*fresh, strict=True))
    if network.prices.stock or network.prices.capacity:
        stock, parcels = _moved(network.prices.stock, stock), _moved(network.prices.capacity, parcels)
    return Prices(_felt(stock), _felt(parcels), max(request.at for request in past))


class Demand:
    """What may be asked for in the coming days, as far as the past tells."""

    def __init__(self, past: Sequence[Request], days: float, random: Random) -> None:
        self.past, self.random = past, random
        memory, old = best_memory(past), ages(past)
        self.weights = [memory**age for age in old]
        self.expected = days * sum(self.weights) / sum(memory**age for age in range(max(old) + 1))
        self.size = max(1, min(ORDERS_MOST, round(self.expected)))

    @property
    def scale(self) -> float:
        """Of the orders that are expected, how many are drawn."""
        return self.size / self.expected

    def draw(self) -> list[Request]:
        """Goods of one order, destination and promise of another."""
        goods, places = (self.random.choices(self.past, self.weights, k=self.size) for _ in range(2))
        return [
            replace(
                wanted,
                destination=there.destination,
                at=there.at,
                deliver_by=there.deliver_by,
            )
            for wanted, there in zip(goods, places, strict=True)
        ]


def _mean(found: Sequence[Mapping[K, float]]) -> dict[K, float]:
    keys = {key for each in found for key in each}
    return {key: sum([each.get(key, 0.0) for each in found]) / len(found) for key in keys}


def _moved(old: Mapping[K, float], new: Mapping[K, float]) -> dict[K, float]:
    """Part of the way from old prices to new ones."""
    keys = old.keys() | new.keys()
    return {key: old.get(key, 0.0) + FRESH * (new.get(key, 0.0) - old.get(key, 0.0)) for key in keys}


def _felt(found: Mapping[K, float]) -> dict[K, float]:
    return {key: price for key, price in found.items() if price >= LEAST_MINOR}
