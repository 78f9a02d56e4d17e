"""Filling parcels under limits that tie items together: quickly, to have a legal plan; and exactly, for one set of options."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heapreplace
from math import inf
from typing import TYPE_CHECKING

from domain.routing.problem import TOLERANCE, Plan, Problem, Takes

if TYPE_CHECKING:
    from domain.routing.search import Search

EFFORT = 30_000
"""Steps after which a set is given up that fits badly: others are worth more of a search's time."""


class Loading:
    """Parcels one after another, each the one that earns most at given prices out of what is still wanted."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.wanted = list(problem.order)
        self.takes: Takes = {}
        self.steps = 0

    def load(self, candidates: Sequence[int], prices: Sequence[float]) -> None:
        """Go on as long as some parcel earns. What is wanted only shrinks, and so does what parcels earn."""
        places = {self.problem.options[index].place for index in self.takes}
        heap = [(-inf, index, -1) for index in candidates]
        while heap and any(self.wanted) and len(self.takes) < self.problem.limits.most_parcels:
            loss, index, seen = heap[0]
            if loss >= 0:
                break
            if self.problem.options[index].place in places:
                heappop(heap)
            elif seen < len(self.takes):
                self.steps += 2 * self.problem.step
                heapreplace(heap, (-self._earned(index, self._parcel(index, prices), prices), index, len(self.takes)))
            else:
                heappop(heap)
                self.takes[index] = units = self._parcel(index, prices)
                self.wanted = [left - given for left, given in zip(self.wanted, units, strict=True)]
                places.add(self.problem.options[index].place)

    @property
    def plan(self) -> Plan:
        """What was loaded, and what it costs with what was left out."""
        problem = self.problem
        total = sum([left * item.unfilled for left, item in zip(self.wanted, problem.items, strict=True)])
        total += sum([problem.fixed[index] for index in self.takes]) - problem.limits.split * bool(self.takes)
        for index, units in self.takes.items():
            total += sum([count * cost for count, cost in zip(units, problem.options[index].costs, strict=True)])
        return Plan(self.takes, total)

    def _earned(self, index: int, units: Sequence[int], prices: Sequence[float]) -> float:
        if not any(units):
            return 0.0
        costs = self.problem.options[index].costs
        return (
            sum([count * (price - cost) for count, price, cost in zip(units, prices, costs, strict=True)])
            - self.problem.fixed[index]
        )

    def _parcel(self, index: int, prices: Sequence[float]) -> list[int]:
        """What earns most for its weight, as much as goes in; nothing where that is worth less than is asked."""
        problem, option = self.problem, self.problem.options[index]
        items, units = problem.items, [0] * len(problem.items)
        room, shelves = (
            option.most_grams,
            {shelf: has.get(option.place, 0) for shelf, has in problem.limits.shelves.items()},
        )
        worth_it = [each for each in problem.useful[index] if prices[each[0]] > each[1] and self.wanted[each[0]]]
        worth_it.sort(key=lambda each: (each[1] - prices[each[0]]) / (items[each[0]].grams or 1))
        for number, _, has in worth_it:
            item = items[number]
            fit = min(has, self.wanted[number])
            if item.grams and room < inf:
                fit = min(fit, int(room // item.grams))
            if item.shelf is not None:
                fit = min(fit, shelves[item.shelf])
            if item.whole and fit < item.units:
                continue
            units[number] = fit
            room -= fit * item.grams
            if item.shelf is not None:
                shelves[item.shelf] -= fit
        worth = sum([count * item.value for count, item in zip(units, items, strict=True)])
        return units if worth >= option.least_value or units == problem.order else [0] * len(items)


class Packing:
    """Fills one set of options at least cost: item by item, the cheapest first, backtracking."""

    def __init__(self, search: Search, members: Sequence[int], prices: Sequence[float]) -> None:
        self.search, self.problem, self.members, self.prices = search, search.problem, members, prices
        problem = search.problem
        self.order = sorted(range(len(problem.items)), key=lambda number: -problem.items[number].grams)
        self.offers = problem.offers(members)
        self.takes = {index: [0] * len(problem.items) for index in members}
        self.room = {index: problem.options[index].most_grams for index in members}
        self.shelves = {shelf: dict(has) for shelf, has in problem.limits.shelves.items()}
        self.paid = sum([problem.fixed[index] for index in members]) - problem.limits.split
        self.earning = [self._earning(index) for index in members]
        self.wanted = [0.0]
        """By depth, what the items from there on cost at their prices."""
        for number in reversed(self.order):
            self.wanted.insert(0, self.wanted[0] + problem.items[number].units * prices[number])
        self.most = min(search.effort, search.steps + EFFORT)

    def run(self) -> None:
        """Keep the best filling that is legal and better than the search's best."""
        self._item(0, self.paid)

    def _earning(self, index: int) -> list[tuple[float, int, float, int, int]]:
        """What an option earns at the prices: (by gram, depth, by unit, units, grams of one), the most by gram first."""
        found = []
        for number, cost, units in self.problem.useful[index]:
            if (profit := self.prices[number] - cost) > 0:
                grams = self.problem.items[number].grams
                found.append((profit / (grams or TOLERANCE), self.order.index(number), profit, units, grams))
        return sorted(found, reverse=True)

    def _least(self, depth: int, cost: float) -> float:
        """What the items from a depth on cost at least: their prices, less what members earn with the room that is left."""
        self.search.spend(len(self.members) * (len(self.order) - depth))
        cost += self.wanted[depth]
        for index, earning in zip(self.members, self.earning, strict=True):
            room = self.room[index]
            for _, at, profit, units, grams in earning:
                if at >= depth:
                    fit = units if units * grams <= room else room / grams
                    cost -= fit * profit
                    room -= fit * grams
        return cost

    def _item(self, depth: int, cost: float) -> None:
        search = self.search
        bound = self._least(depth, cost)
        if bound >= search.best.total - TOLERANCE:
            return
        if search.steps > self.most:
            search.floor = min(search.floor, bound)
            return
        if depth == len(self.order):
            takes = {index: list(units) for index, units in self.takes.items() if any(units)}
            if len(takes) == len(self.members) and self.problem.is_legal(takes):
                search.best = Plan(takes, cost)
            return
        number = self.order[depth]
        price, rest = self.prices[number], self._least(depth + 1, 0.0)
        earned = [rest]
        for cost_each, _, units in reversed(self.offers[number]):
            earned.insert(0, earned[0] - units * max(0.0, price - cost_each))
        self._units(depth, 0, self.problem.items[number].units, cost, earned)

    def _units(self, depth: int, place: int, left: int, cost: float, least: Sequence[float]) -> None:
        """Give what is left of an item from its offers, the cheapest first and as much as it can, then less.

        `least`: from each offer on, what all that follows costs at least, but for what is left of the item at its price.
        """
        search, number = self.search, self.order[depth]
        item = self.problem.items[number]
        offers = self.offers[number]
        if place == len(offers) or not left:
            self._item(depth + 1, cost + left * item.unfilled)
            return
        unit_cost, index, units = offers[place]
        most = self._most(number, index, min(left, units))
        search.spend(1 + most)
        for give in range(most, -1, -1) if not item.whole else (left, 0) if most == left else (0,):
            paid = cost + give * unit_cost
            bound = paid + (left - give) * self.prices[number] + least[place + 1]
            if bound >= search.best.total - TOLERANCE:
                continue
            if search.steps > self.most:
                search.floor = min(search.floor, bound)
                continue
            self._give(number, index, give)
            self._units(depth, place + 1, left - give, paid, least)
            self._give(number, index, -give)

    def _most(self, number: int, index: int, units: int) -> int:
        """How many of so many units still go into a parcel, and are still on its shelf."""
        item = self.problem.items[number]
        if item.grams and self.room[index] < inf:
            units = min(units, int(self.room[index] // item.grams))
        if item.shelf is not None:
            units = min(units, self.shelves[item.shelf].get(self.problem.options[index].place, 0))
        return units

    def _give(self, number: int, index: int, units: int) -> None:
        item = self.problem.items[number]
        self.takes[index][number] += units
        self.room[index] -= units * item.grams
        if item.shelf is not None and units:
            self.shelves[item.shelf][self.problem.options[index].place] -= units
