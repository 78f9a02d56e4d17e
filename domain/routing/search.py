"""The cheapest way to fill an order: branch and bound over sets of ways, on numbers alone.

A way is one service from one place. Given a set of ways, filling it is easy: each need is served by the cheapest of them
first. So the search is over sets, and three facts keep it short:

- What one way more would save only shrinks as the set grows. So a set with `n` ways to go saves no more than the `n`
  largest savings of today, and a way that saves nothing now never will.
- A price for every need, such that no way's fixed cost is exceeded by what the needs would save there (a dual of the
  relaxed problem, found by raising the prices step by step), bounds whatever is still to be added.
- A greedy plan, improved by dropping and swapping ways, is mostly the best already; the search then only proves it.

Limits that tie needs together (weight of a parcel, least value of a parcel, lines that must stay whole and share a shelf)
are first ignored, which gives a bound; a set that is still worth it is then filled by trying the needs one after another.
Where a search would take too long it stops, and the plan carries the bound down to which a better one may exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace, nsmallest
from itertools import accumulate
from math import inf
from operator import itemgetter

EFFORT = 60_000
"""Steps (a way weighed for a need) after which a search stops proving: some ten milliseconds."""

TOLERANCE = 1e-6
"""Costs closer than this are equal; the first found stays."""


@dataclass(frozen=True, slots=True)
class Item:
    """So many units that are alike. A `whole` item comes from one place or not at all."""

    units: int
    unfilled: float
    """What a unit that is left out costs."""
    whole: bool = False
    grams: int = 0
    value: int = 0
    shelf: int | None = None
    """Items with the same number share what a place has; only needed for whole ones."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way: a service from a place."""

    place: int
    fixed: float
    """What using it costs, not below zero."""
    units: Sequence[int]
    """By item, what it can give at most; of a whole item all or nothing."""
    costs: Sequence[float]
    """By item, what a unit costs."""
    most_grams: float = inf
    least_value: float = 0.0
    """What it ships must be worth so much, unless it is the whole order."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What binds the whole plan."""

    most_parcels: int
    split: float = 0.0
    """For every parcel beyond the first."""
    shelves: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """By shelf: what each place has there, for items that share it."""


@dataclass(slots=True)
class Plan:
    """The options used with what each gives of every item, what it costs in all, and what no plan can cost less than."""

    takes: dict[int, list[int]] = field(default_factory=dict)
    total: float = inf
    bound: float = -inf

    @property
    def exact(self) -> bool:
        """Whether no plan is cheaper."""
        return self.bound >= self.total - TOLERANCE * max(1.0, abs(self.total))


def cheapest(items: Sequence[Item], options: Sequence[Option], limits: Limits, effort: int = EFFORT) -> Plan:
    """Find it. Of plans that cost the same, options that come first are preferred."""
    search = Search(items, options, limits, effort)
    return search.run()


class Search:
    """One search. A set of options is an integer with a bit for each."""

    def __init__(self, items: Sequence[Item], options: Sequence[Option], limits: Limits, effort: int) -> None:
        self.items, self.options, self.limits = items, options, limits
        self.effort = effort
        self.fixed = [option.fixed + limits.split for option in options]
        self.offers: list[list[tuple[float, int, int]]] = [[] for _ in items]
        """By item: unit cost, bit and units of each option that is cheaper than leaving it out, cheapest first."""
        self.useful: list[list[tuple[int, float]]] = []
        """By option: the items it may serve, and what all units of one would cost there."""
        self.simple = [True] * len(items)
        """Whether whoever has any of an item has it all: then the cheapest serves it alone."""
        for index, option in enumerate(options):
            served = []
            for number, item in enumerate(items):
                cost, units = option.costs[number], option.units[number]
                if units and cost < item.unfilled:
                    self.offers[number].append((cost, 1 << index, units))
                    served.append((number, cost * item.units))
                    if units < item.units:
                        self.simple[number] = False
            self.useful.append(served)
        if len(options) > 1:
            for offers in self.offers:
                offers.sort(key=itemgetter(0))
        self.left_out = [item.unfilled * item.units for item in items]
        heaviest = sum([item.units * item.grams for item in items])
        self.tied = bool(limits.shelves) or any(
            option.least_value > 0 or option.most_grams < heaviest for option in options
        )
        self.best = Plan()
        self.floor = inf
        """The least bound of what was not searched."""
        self.prices = [0.0] * len(items)

    def run(self) -> Plan:
        """One option, where that is enough; else greedy first, then the proof."""
        nothing = sum(self.left_out)
        self.best = Plan({}, nothing)
        start = -self.limits.split
        candidates = [index for index, served in enumerate(self.useful) if served]
        if candidates and self.limits.most_parcels:
            if self._is_one_enough(candidates):
                self.best.bound = self.best.total
                return self.best
            self._greedy(candidates)
            self._raise_prices()
            self._explore(0, list(self.left_out), start, self.limits.most_parcels, candidates)
        self.best.bound = min(self.best.total, max(self.floor, self._bound(0, self.left_out, start)))
        return self.best

    def _is_one_enough(self, candidates: list[int]) -> bool:
        """Whether the best single option undercuts whatever two could do at the least; then it is the plan.

        Most orders ship from the nearest place that has everything, and a second parcel is never worth it.
        """
        index = candidates[0]
        if len(candidates) > 1:
            gains = [self._gain(each, 0, self.left_out) for each in candidates]
            index = candidates[gains.index(max(gains))]
        chosen = 1 << index
        alone = self.fixed[index] - self.limits.split
        alone += sum([self.fill(number, chosen) for number in range(len(self.items))])
        if len(candidates) > 1 and self.limits.most_parcels > 1:
            one, another = nsmallest(2, [self.fixed[each] for each in candidates])
            if alone > one + another - self.limits.split + self._least():
                return False
        given = self.options[index].units
        takes = {index: [0] * len(self.items)}
        for number, _ in self.useful[index]:
            takes[index][number] = min(given[number], self.items[number].units)
        if self.tied and not self.is_legal(takes):
            return False
        if alone < self.best.total - TOLERANCE:
            self.best = Plan(takes, alone)
        return True

    def _least(self) -> float:
        """What the items cost if each had all its units from whoever is cheapest."""
        return sum(
            [
                offers[0][0] * item.units if offers else item.unfilled * item.units
                for item, offers in zip(self.items, self.offers, strict=True)
            ]
        )

    # -- filling a set ---------------------------------------------------------------------------------------------

    def fill(self, number: int, chosen: int) -> float:
        """What an item costs from a set of options: the cheapest give first, the rest is left out."""
        item = self.items[number]
        left, cost = item.units, 0.0
        for unit_cost, bit, units in self.offers[number]:
            if chosen & bit:
                if units >= left:
                    return cost + left * unit_cost
                cost += units * unit_cost
                left -= units
        return cost + left * item.unfilled

    def _taken(self, chosen: Sequence[int]) -> dict[int, list[int]]:
        """The same, as units: what each option gives of every item."""
        takes = {index: [0] * len(self.items) for index in chosen}
        among = sum(1 << index for index in chosen)
        for number, item in enumerate(self.items):
            left = item.units
            for _, bit, units in self.offers[number]:
                if left and among & bit:
                    give = min(left, units)
                    takes[bit.bit_length() - 1][number] = give
                    left -= give
        return {index: units for index, units in takes.items() if any(units)}

    def _offer(self, chosen: int, total: float) -> None:
        """Keep a set as the best plan, if it can be filled for less than the best so far."""
        if total >= self.best.total - TOLERANCE:
            return
        members = [index for index in range(chosen.bit_length()) if chosen >> index & 1]
        takes = self._taken(members)
        if not self.tied or self.is_legal(takes):
            idle = sum(self.fixed[index] for index in members if index not in takes)
            self.best = Plan(takes, total - idle)
        else:
            Packing(self, members).run()

    def is_legal(self, takes: dict[int, list[int]]) -> bool:
        """Whether a filling keeps the limits that tie items together."""
        whole_order = len(takes) == 1 and next(iter(takes.values())) == [item.units for item in self.items]
        for index, units in takes.items():
            option = self.options[index]
            pairs = list(zip(units, self.items, strict=True))
            if sum([count * item.grams for count, item in pairs]) > option.most_grams:
                return False
            if not whole_order and sum([count * item.value for count, item in pairs]) < option.least_value:
                return False
            for shelf, has in self.limits.shelves.items():
                if sum([count for count, item in pairs if item.shelf == shelf]) > has.get(option.place, 0):
                    return False
        return True

    # -- searching -------------------------------------------------------------------------------------------------

    def _gain(self, index: int, chosen: int, costs: list[float]) -> float:
        """What one option more saves."""
        gain = -self.fixed[index]
        for number, alone in self.useful[index]:
            if self.simple[number]:
                if alone < costs[number]:
                    gain += costs[number] - alone
            else:
                gain += costs[number] - self.fill(number, chosen | 1 << index)
        return gain

    def _with(self, index: int, chosen: int, costs: list[float]) -> list[float]:
        """What the items cost with one option more."""
        added = list(costs)
        for number, alone in self.useful[index]:
            added[number] = min(alone, costs[number]) if self.simple[number] else self.fill(number, chosen | 1 << index)
        return added

    def _explore(self, chosen: int, costs: list[float], paid: float, left: int, candidates: list[int]) -> None:
        """Try all sets that add at most `left` of the candidates, the most saving first."""
        total = paid + sum(costs)
        self.effort -= len(candidates) * len(costs)
        gains = []
        for index in candidates:
            gain = self._gain(index, chosen, costs)
            if gain > 0 or self.tied:
                gains.append((-gain, index))
        gains.sort()
        sums = list(accumulate([min(0.0, loss) for loss, _ in gains], initial=0.0))
        for place, (loss, index) in enumerate(gains):
            bound = total + loss + sums[min(place + left, len(gains))] - sums[place + 1]
            if bound >= self.best.total - TOLERANCE:
                return
            if self.effort < 0:
                self.floor = min(self.floor, bound)
                return
            self._add(index, chosen, costs, paid, left, [other for _, other in gains[place + 1 :]])

    def _add(self, index: int, chosen: int, costs: list[float], paid: float, left: int, candidates: list[int]) -> None:
        """Go on with one option more, unless nothing good can come of it."""
        added = self._with(index, chosen, costs)
        chosen |= 1 << index
        paid += self.fixed[index]
        if self._bound(chosen, added, paid) >= self.best.total - TOLERANCE:
            return
        self._offer(chosen, paid + sum(added))
        if left > 1:
            place = self.options[index].place
            others = [other for other in candidates if self.options[other].place != place]
            if others:
                self._explore(chosen, added, paid, left - 1, others)

    def _bound(self, chosen: int, costs: Sequence[float], paid: float) -> float:
        """What no plan with at least these options undercuts, by the items' prices."""
        bound = paid
        for number, cost in enumerate(costs):
            price = self.prices[number]
            if self.simple[number]:
                bound += min(cost, price * self.items[number].units)
            else:
                bound += self._fill_at(number, chosen, price)
        return bound

    def _fill_at(self, number: int, chosen: int, price: float) -> float:
        """What an item costs from a set of options where anything more is to be had for a price."""
        left, cost = self.items[number].units, 0.0
        for unit_cost, bit, units in self.offers[number]:
            if unit_cost >= price:
                break
            if chosen & bit:
                if units >= left:
                    return cost + left * unit_cost
                cost += units * unit_cost
                left -= units
        return cost + left * price

    def _raise_prices(self) -> None:
        """Dual ascent: raise each item's price from offer to offer until some option's fixed cost is used up."""
        slack = list(self.fixed)
        self.prices = [
            min(offers[0][0], item.unfilled) if offers else item.unfilled
            for item, offers in zip(self.items, self.offers, strict=True)
        ]
        rising = [number for number, offers in enumerate(self.offers) if offers]
        rising.sort(key=lambda number: len(self.offers[number]))
        while rising:
            rising = [number for number in rising if self._raise(number, slack)]

    def _raise(self, number: int, slack: list[float]) -> bool:
        """Raise one price to the next offer's, or as far as it goes; whether it may rise again."""
        price, ceiling = self.prices[number], self.items[number].unfilled
        target, room = ceiling, inf
        paying = []
        for unit_cost, bit, units in self.offers[number]:
            if unit_cost > price + TOLERANCE:
                target = min(ceiling, unit_cost)
                break
            index, most = bit.bit_length() - 1, min(units, self.items[number].units)
            paying.append((index, most))
            room = min(room, slack[index] / most)
        rise = min(target - price, room)
        for index, units in paying:
            slack[index] = max(0.0, slack[index] - rise * units)
        self.prices[number] = price + rise
        return rise == target - price and target < ceiling

    # -- a good plan first -----------------------------------------------------------------------------------------

    def _greedy(self, candidates: list[int]) -> None:
        """Add what saves most until nothing does; then drop, and swap, what is better dropped or swapped."""
        members = self._grown([], candidates)
        for index in list(members):
            others = self._grown([other for other in members if other != index], candidates)
            if self._total(others) < self._total(members) - TOLERANCE:
                members = others
            if self.effort < 0:
                break
        self._offer(sum(1 << index for index in members), self._total(members))

    def _grown(self, members: list[int], candidates: list[int]) -> list[int]:
        """A set with more options, the most saving first. Savings only shrink, so that old ones need a look only on top."""
        members = list(members)
        chosen = sum(1 << index for index in members)
        costs = [self.fill(number, chosen) for number in range(len(self.items))]
        places = {self.options[index].place for index in members}
        heap = [(-self._gain(index, chosen, costs), index, len(members)) for index in candidates]
        self.effort -= len(candidates) * len(costs) // 2
        heapify(heap)
        while heap and len(members) < self.limits.most_parcels:
            loss, index, seen = heap[0]
            if loss >= 0 and (members or loss >= self.limits.split):
                break
            if self.options[index].place in places:
                heappop(heap)
            elif seen < len(members):
                heapreplace(heap, (-self._gain(index, chosen, costs), index, len(members)))
            else:
                heappop(heap)
                costs = self._with(index, chosen, costs)
                chosen |= 1 << index
                members.append(index)
                places.add(self.options[index].place)
        return members

    def _total(self, members: Sequence[int]) -> float:
        chosen = sum(1 << index for index in members)
        paid = sum([self.fixed[index] for index in members]) - (self.limits.split if members else 0.0)
        return paid + sum([self.fill(number, chosen) for number in range(len(self.items))])


class Packing:
    """Fills one set of options under limits that tie items together: item by item, the cheapest first, backtracking."""

    def __init__(self, search: Search, members: Sequence[int]) -> None:
        self.search, self.members = search, members
        among = sum(1 << index for index in members)
        self.order = sorted(
            range(len(search.items)), key=lambda number: (-search.items[number].grams, len(search.offers[number]))
        )
        self.offers = [
            [(cost, bit.bit_length() - 1, units) for cost, bit, units in offers if among & bit]
            for offers in search.offers
        ]
        least = [search.fill(number, among) for number in range(len(search.items))]
        self.rest = [sum(least[number] for number in self.order[depth:]) for depth in range(len(self.order) + 1)]
        self.takes = {index: [0] * len(search.items) for index in members}
        self.room = {index: search.options[index].most_grams for index in members}
        self.shelves = {shelf: dict(has) for shelf, has in search.limits.shelves.items()}
        self.paid = sum(search.fixed[index] for index in members) - search.limits.split

    def run(self) -> None:
        """Keep the best filling that is legal and better than the search's best."""
        self._item(0, self.paid)

    def _item(self, depth: int, cost: float) -> None:
        search = self.search
        bound = cost + self.rest[depth]
        if bound >= search.best.total - TOLERANCE:
            return
        if search.effort < 0:
            search.floor = min(search.floor, bound)
            return
        if depth == len(self.order):
            takes = {index: list(units) for index, units in self.takes.items() if any(units)}
            if len(takes) == len(self.members) and search.is_legal(takes):
                search.best = Plan(takes, cost)
            return
        self._units(depth, 0, search.items[self.order[depth]].units, cost)

    def _units(self, depth: int, place: int, left: int, cost: float) -> None:
        """Give what is left of an item from its offers, the cheapest first and as much as it can, then less."""
        search, number = self.search, self.order[depth]
        item = search.items[number]
        offers = self.offers[number]
        if place == len(offers) or not left:
            self._item(depth + 1, cost + left * item.unfilled)
            return
        unit_cost, index, units = offers[place]
        after = offers[place + 1][0] if place + 1 < len(offers) else item.unfilled
        most = self._most(number, index, min(left, units))
        search.effort -= 1 + most
        for give in range(most, -1, -1) if not item.whole else (left, 0) if most == left else (0,):
            paid = cost + give * unit_cost
            bound = paid + (left - give) * after + self.rest[depth + 1]
            if bound >= search.best.total - TOLERANCE:
                continue
            if search.effort < 0:
                search.floor = min(search.floor, bound)
                continue
            self._give(number, index, give)
            self._units(depth, place + 1, left - give, paid)
            self._give(number, index, -give)

    def _most(self, number: int, index: int, units: int) -> int:
        """How many of so many units still go into a parcel, and are still on its shelf."""
        item = self.search.items[number]
        if item.grams and self.room[index] < inf:
            units = min(units, int(self.room[index] // item.grams))
        if item.shelf is not None:
            units = min(units, self.shelves[item.shelf].get(self.search.options[index].place, 0))
        return units

    def _give(self, number: int, index: int, units: int) -> None:
        item = self.search.items[number]
        self.takes[index][number] += units
        self.room[index] -= units * item.grams
        if item.shelf is not None and units:
            self.shelves[item.shelf][self.search.options[index].place] -= units
