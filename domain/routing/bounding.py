"""What no plan undercuts: the dual of the relaxed problem, one price for every item.

At any prices, a plan costs no less than its items at their prices, less what options would earn that sell at them (a
Lagrangian of "every unit comes from somewhere"). The best prices are found by following the bound's slope: an item of which
more is wanted than earning options sell becomes dearer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import inf
from operator import itemgetter

from domain.routing.problem import TOLERANCE, Level, Problem

INERTIA = 0.5
"""How much of the last step's direction goes into the next: it zigzags less."""
AHEAD = 0.05
"""How much higher than now a bound is thought to get at most: the target may be a bad plan's."""
FELT, STALE = 0.02, 3
"""Steps are halved after so many rounds that win less than that part of what is missing."""
CHECKED = 5
LITTLE = 0.2
"""Unless that part of what is missing was won in the last so many rounds, branching is the better use of time."""


@dataclass(slots=True)
class Node:
    """All sets that have some members, and of the candidates at most so many as are `left`."""

    members: list[int]
    levels: Sequence[Level]
    paid: float
    """The members' fixed costs."""
    left: int
    candidates: list[int]
    prices: Sequence[float]

    @property
    def total(self) -> float:
        """What the members alone cost, if nothing ties items together."""
        return self.paid + sum([cost * count for level in self.levels for cost, count in level])


@dataclass(slots=True)
class Bound:
    """A bound at some prices, by candidate what it would earn there, and how it changes with each price."""

    value: float
    earned: dict[int, float]
    slopes: list[float]


class Bounding:
    """Prices for one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.useful, self.fixed, self.items = problem.useful, problem.fixed, problem.items
        self.bound_by = problem.bound_by
        self.steps = 0

    def spent(self) -> int:
        """The steps that it took since it was asked last: an option weighed for an item is one."""
        steps, self.steps = self.steps, 0
        return steps

    def begun(self, candidates: Sequence[int]) -> list[float]:
        """Prices at which nothing earns: each is raised from offer to offer until some option's fixed cost is used up.

        Where there is no more than is wanted of an item, what a unit is worth is what leaving it out costs.
        """
        offers: list[list[tuple[float, int, int]]] = [[] for _ in self.items]
        for index in candidates:
            for number, cost, units in self.useful[index]:
                offers[number].append((cost, index, units))
        for each in offers:
            each.sort()
        slack = list(self.fixed)
        prices = [each[0][0] if each else item.unfilled for each, item in zip(offers, self.items, strict=True)]
        paying: list[list[tuple[int, int]]] = [[] for _ in self.items]
        rising = sorted([number for number, each in enumerate(offers) if each], key=lambda number: len(offers[number]))
        while rising:
            rising = [number for number in rising if self._rises(number, prices, offers[number], paying[number], slack)]
        for number, item in enumerate(self.items):
            if self._had(offers[number]) <= item.units:
                prices[number] = item.unfilled
            # To free a hundred thousand of them at once takes milliseconds, and nobody gets a turn.
            offers[number].clear()
        return prices

    def _had(self, offers: Sequence[tuple[float, int, int]]) -> int:
        """How many units of an item there are."""
        has: dict[int, int] = {}
        for _, index, units in offers:
            here = self.problem.options[index].place
            has[here] = max(units, has.get(here, 0))
        return sum(has.values())

    def _rises(
        self,
        number: int,
        prices: list[float],
        offers: Sequence[tuple[float, int, int]],
        paying: list[tuple[int, int]],
        slack: list[float],
    ) -> bool:
        """Raise one price to the next offer's, or as far as it goes; whether it may rise again."""
        price, ceiling = prices[number], self.items[number].unfilled
        while len(paying) < len(offers) and offers[len(paying)][0] <= price:
            paying.append(offers[len(paying)][1:])
        target = offers[len(paying)][0] if len(paying) < len(offers) else ceiling
        rise = min(target - price, *[slack[index] / units for index, units in paying])
        for index, units in paying:
            slack[index] = max(0.0, slack[index] - rise * units)
        prices[number] = target if rise == target - price else price + rise
        return prices[number] == target < ceiling

    def raised(self, node: Node, target: float, rounds: int) -> Bound:
        """Raise a node's bound, at best to the target, and keep the prices that do so in the node."""
        prices, best = list(node.prices), self.at(node, node.prices)
        direction, found, scale, stale, before = [0.0] * len(prices), best, 1.0, 0, best.value
        for number in range(1, rounds + 1):
            direction = [INERTIA * old + new for old, new in zip(direction, found.slopes, strict=True)]
            size = sum([part * part for part in direction])
            if best.value >= target - TOLERANCE or not size:
                break
            aim = min(target, best.value + AHEAD * max(abs(best.value), target - best.value))
            step = scale * (aim - found.value) / size
            prices = [
                min(item.unfilled, price + step * part)
                for item, price, part in zip(self.items, prices, direction, strict=True)
            ]
            found = self.at(node, prices)
            stale += found.value - best.value < FELT * (aim - best.value)
            if stale == STALE:
                scale, stale = scale / 2, 0
            if found.value > best.value:
                best, node.prices = found, prices
            if number % CHECKED == 0:
                if best.value - before < LITTLE * (aim - best.value):
                    break
                before = best.value
        return best

    def at(self, node: Node, prices: Sequence[float]) -> Bound:
        """The bound at some prices. Where items are tied, members count like candidates that cannot be left out."""
        self.steps += len(node.candidates) * self.problem.step
        value, slopes = self._tied(node, prices) if self.bound_by else self._at_least(node, prices)
        earned: dict[int, float] = {}
        best: dict[int, int] = {}
        options = self.problem.options
        for index in node.candidates:
            earns = earned[index] = self._earns(index, prices)
            if earns > 0:
                here = options[index].place
                if here not in best or earned[best[here]] < earns:
                    best[here] = index
        earning = list(best.values())
        if len(earning) > node.left:
            earning = nlargest(node.left, earning, key=earned.__getitem__)
        for index in earning:
            value -= earned[index]
            self._sell(index, prices, slopes)
        return Bound(value, earned, slopes)

    def _at_least(self, node: Node, prices: Sequence[float]) -> tuple[float, list[float]]:
        """What the items cost from members or at their prices, whichever is less."""
        value, slopes = node.paid, []
        for level, price in zip(node.levels, prices, strict=True):
            bought = 0.0
            for cost, count in level:
                if price < cost:
                    value += count * price
                    bought += count
                else:
                    value += count * cost
            slopes.append(bought)
        return value, slopes

    def _tied(self, node: Node, prices: Sequence[float]) -> tuple[float, list[float]]:
        """What the items cost at their prices, less what the members earn, or lose."""
        self.steps += len(node.members) * self.problem.step
        value = sum([item.units * price for item, price in zip(self.items, prices, strict=True)])
        value -= self.problem.limits.split
        slopes = [float(item.units) for item in self.items]
        for index in node.members:
            value -= self._earns(index, prices)
            self._sell(index, prices, slopes)
        return value, slopes

    def _earns(self, index: int, prices: Sequence[float]) -> float:
        """What an option earns that sells what is worth selling."""
        earns = -self.fixed[index]
        for number, cost, units in self.useful[index]:
            if prices[number] > cost:
                earns += units * (prices[number] - cost)
        return self._packed(index, prices, earns)[0] if earns > 0 and index in self.bound_by else earns

    def _sell(self, index: int, prices: Sequence[float], slopes: list[float]) -> None:
        """Take what an option sells off what is wanted."""
        if index in self.bound_by:
            for number, sold in self._packed(index, prices, inf)[1].items():
                slopes[number] -= sold
            return
        for number, cost, units in self.useful[index]:
            if prices[number] > cost:
                slopes[number] -= units

    def _packed(self, index: int, prices: Sequence[float], earns: float) -> tuple[float, dict[int, float]]:
        """What an option earns within its limits, and sells, where units may be cut. Of two limits the tighter is kept."""
        option = self.problem.options[index]
        sold, grams, value = dict[int, float](), 0, 0
        for number, cost, units in self.useful[index]:
            if prices[number] > cost:
                sold[number] = units
                grams += units * self.items[number].grams
                value += units * self.items[number].value
        found = earns, sold
        if grams > option.most_grams:
            self.steps += self.problem.step
            found = min(found, self._light(index, prices, option.most_grams), key=itemgetter(0))
        if value < option.least_value and list(option.units) != self.problem.order:
            self.steps += self.problem.step
            found = min(found, self._dear(index, prices, option.least_value), key=itemgetter(0))
        return found

    def _light(self, index: int, prices: Sequence[float], room: float) -> tuple[float, dict[int, float]]:
        """No heavier than that: what earns most for its weight goes first."""
        worth_it = [each for each in self.useful[index] if prices[each[0]] > each[1]]
        worth_it.sort(key=lambda each: (each[1] - prices[each[0]]) / (self.items[each[0]].grams or TOLERANCE))
        earns, sold = -self.fixed[index], dict[int, float]()
        for number, cost, units in worth_it:
            grams = self.items[number].grams
            fit = min(float(units), room / grams) if grams else float(units)
            room -= fit * grams
            sold[number] = fit
            earns += fit * (prices[number] - cost)
        return earns, sold

    def _dear(self, index: int, prices: Sequence[float], least: float) -> tuple[float, dict[int, float]]:
        """Worth no less than that: what loses least for its value is sold besides."""
        earns, sold, losing = -self.fixed[index], dict[int, float](), []
        for number, cost, units in self.useful[index]:
            value = self.items[number].value
            if prices[number] > cost:
                earns += units * (prices[number] - cost)
                least -= units * value
                sold[number] = units
            elif value:
                losing.append(((cost - prices[number]) / value, number, units))
        for loss, number, units in sorted(losing) if least > 0 else ():
            value = self.items[number].value
            more = min(float(units), max(0.0, least) / value)
            sold[number] = more
            least -= more * value
            earns -= more * value * loss
        return earns, sold
