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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace, nsmallest
from itertools import accumulate
from math import inf
from operator import itemgetter

EFFORT = 60_000
"""Steps (a way weighed for an item) after which a search stops proving: some ten milliseconds."""

EFFORT_TO_PROVE = 500_000
"""The same for up to `ITEMS_PROVED` items from `PLACES_PROVED` places, which are to be exact: a tenth of a second. Only who
orders several times what any shelf has takes a tenth of it, and may need more."""
ITEMS_PROVED, PLACES_PROVED = 6, 40

PACKING = 300
"""Steps that are as long as looking whether a filling is legal, and beginning another."""

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


def cheapest(items: Sequence[Item], options: Sequence[Option], limits: Limits, effort: int | None = None) -> Plan:
    """Find it. Of plans that cost the same, options that come first are preferred."""
    if effort is None:
        small = len(items) <= ITEMS_PROVED and len({option.place for option in options}) <= PLACES_PROVED
        effort = EFFORT_TO_PROVE if small else EFFORT
    return Search(items, options, limits, effort).run()


Level = tuple[tuple[float, int], ...]
"""Where the units of an item come from: what each costs and how many, the dearest first. What is left out is dearest."""


class Search:
    """One search. A node is a set of options with the level of every item, and what the set's fixed costs are."""

    def __init__(self, items: Sequence[Item], options: Sequence[Option], limits: Limits, effort: int) -> None:
        self.items, self.options, self.limits = items, options, limits
        self.effort = effort
        self.fixed = [option.fixed + limits.split for option in options]
        self.useful = [
            [
                (number, cost, min(units, item.units))
                for number, (item, units, cost) in enumerate(zip(items, option.units, option.costs, strict=True))
                if units and cost < item.unfilled
            ]
            for option in options
        ]
        """By option: the items that it may serve, what a unit costs there, and how many it has."""
        self.left_out: list[Level] = [((item.unfilled, item.units),) for item in items]
        heaviest = sum([item.units * item.grams for item in items])
        self.tied = bool(limits.shelves) or any(
            option.least_value > 0 or option.most_grams < heaviest for option in options
        )
        self.best = Plan({}, sum(item.unfilled * item.units for item in items))
        self.floor = inf
        """The least bound of what was not searched."""
        self.prices = [0.0] * len(items)
        self.shortage = 0.0
        """What the units that nobody has cost above the items' prices."""
        self.worth = sum(item.units * item.value for item in items)

    def run(self) -> Plan:
        """One option, where that is enough; else greedy first, then the proof."""
        nothing, paid = self.best.total, -self.limits.split
        candidates = [index for index, served in enumerate(self.useful) if served and self._may_be_worth_it(index)]
        if candidates and self.limits.most_parcels and not self._is_one_enough(candidates):
            self._greedy(candidates)
            self._raise_prices(candidates)
            self._explore([], self.left_out, nothing + paid, paid, self.limits.most_parcels, candidates)
        self.best.bound = min(self.best.total, max(self.floor, self._bound(self.left_out, paid)))
        return self.best

    def _is_one_enough(self, candidates: Sequence[int]) -> bool:
        """Whether the best single option undercuts whatever two could do at the least; then it is the plan.

        Most orders ship from the nearest place that has everything, and a second parcel is never worth it.
        """
        gains = [self._gain(index, self.left_out) for index in candidates]
        index, split = candidates[gains.index(max(gains))], self.limits.split
        alone = self.best.total - max(gains) - split
        if len(candidates) > 1 and self.limits.most_parcels > 1:
            one, another = nsmallest(2, [self.fixed[each] for each in candidates])
            if alone > one + another - split + self._least():
                return False
        takes = self._taken([index])
        if self.tied and not self.is_legal(takes):
            return False
        if alone < self.best.total - TOLERANCE:
            self.best = Plan(takes, alone)
        return True

    def _least(self) -> float:
        """What the items cost if each had all its units from whoever is cheapest."""
        least = [item.unfilled for item in self.items]
        for served in self.useful:
            for number, cost, _ in served:
                least[number] = min(cost, least[number])
        return sum([cost * item.units for cost, item in zip(least, self.items, strict=True)])

    # -- filling a set ---------------------------------------------------------------------------------------------

    def offers(self, number: int, members: Iterable[int]) -> list[tuple[float, int, int]]:
        """Who of a set may serve an item, the cheapest first: what a unit costs, the option, and how many it has."""
        found = [
            (cost, index, units) for index in members for served, cost, units in self.useful[index] if served == number
        ]
        return sorted(found, key=itemgetter(0))

    def _taken(self, members: Sequence[int]) -> dict[int, list[int]]:
        """What each option gives of every item, where the cheapest give first."""
        takes = {index: [0] * len(self.items) for index in members}
        for number, item in enumerate(self.items):
            left = item.units
            for _, index, units in self.offers(number, members):
                takes[index][number] = min(left, units)
                left -= takes[index][number]
        return {index: units for index, units in takes.items() if any(units)}

    def _offer(self, members: Sequence[int], total: float) -> None:
        """Keep a set as the best plan, if it can be filled for less than the best so far."""
        if total >= self.best.total - TOLERANCE:
            return
        takes = self._taken(members)
        self.effort -= PACKING * self.tied
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

    def _may_be_worth_it(self, index: int) -> bool:
        """Whether an option can ship what it asks of a parcel, or the whole order."""
        option = self.options[index]
        most = sum(units * item.value for units, item in zip(option.units, self.items, strict=True))
        return most >= option.least_value or list(option.units) == [item.units for item in self.items]

    def _ask_too_much(self, members: Sequence[int]) -> bool:
        """Whether several parcels together must be worth more than the order."""
        return len(members) > 1 and sum([self.options[index].least_value for index in members]) > self.worth

    # -- searching -------------------------------------------------------------------------------------------------

    def _gain(self, index: int, levels: Sequence[Level]) -> float:
        """What one option more saves."""
        gain = -self.fixed[index]
        for number, cost, units in self.useful[index]:
            for dear, count in levels[number]:
                if dear <= cost:
                    break
                if count >= units:
                    gain += units * (dear - cost)
                    break
                gain += count * (dear - cost)
                units -= count  # noqa: PLW2901 (what it still has)
        return gain

    def _with(self, index: int, levels: Sequence[Level]) -> list[Level]:
        """The levels with one option more: it takes the place of whatever is dearest."""
        added = list(levels)
        for number, cost, units in self.useful[index]:
            if levels[number][0][0] > cost:
                added[number] = _displaced(levels[number], cost, units)
        return added

    def _explore(
        self,
        members: list[int],
        levels: Sequence[Level],
        total: float,
        paid: float,
        left: int,
        candidates: Sequence[int],
    ) -> None:
        """Try all sets that add at most `left` of the candidates, the most saving first."""
        self.effort -= len(candidates) * len(levels)
        gains = []
        for index in candidates:
            gain = self._gain(index, levels)
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
            added, cost = self._with(index, levels), paid + self.fixed[index]
            if self.tied and self._ask_too_much([*members, index]):
                continue
            if self._bound(added, cost) < self.best.total - TOLERANCE:
                self._offer([*members, index], total + loss)
                here = self.options[index].place
                others = [other for _, other in gains[place + 1 :] if self.options[other].place != here]
                if others and left > 1:
                    self._explore([*members, index], added, total + loss, cost, left - 1, others)

    def _bound(self, levels: Sequence[Level], paid: float) -> float:
        """What no plan with at least these options undercuts: nothing more is to be had below the items' prices."""
        paid += self.shortage
        for level, price in zip(levels, self.prices, strict=True):
            for cost, count in level:
                paid += count * (price if price < cost else cost)  # noqa: FURB136 (twice as fast)
        return paid

    def _raise_prices(self, candidates: Sequence[int]) -> None:
        """Dual ascent: raise each item's price from offer to offer until some option's fixed cost is used up."""
        offers: list[list[tuple[float, int, int]]] = [[] for _ in self.items]
        for index in candidates:
            for number, cost, units in self.useful[index]:
                offers[number].append((cost, index, units))
        for each in offers:
            each.sort()
        slack = list(self.fixed)
        self.prices = [each[0][0] if each else item.unfilled for each, item in zip(offers, self.items, strict=True)]
        paying: list[list[tuple[int, int]]] = [[] for _ in self.items]
        rising = sorted([number for number, each in enumerate(offers) if each], key=lambda number: len(offers[number]))
        while rising:
            rising = [number for number in rising if self._raise(number, offers[number], paying[number], slack)]
        self.shortage = sum(map(self._short, range(len(self.items)), offers))

    def _short(self, number: int, offers: Sequence[tuple[float, int, int]]) -> float:
        """What those units of an item that nobody has cost above its price: nothing that is added can serve them."""
        has: dict[int, int] = {}
        for _, index, units in offers:
            has[self.options[index].place] = max(units, has.get(self.options[index].place, 0))
        item = self.items[number]
        return max(0, item.units - sum(has.values())) * (item.unfilled - self.prices[number])

    def _raise(
        self,
        number: int,
        offers: Sequence[tuple[float, int, int]],
        paying: list[tuple[int, int]],
        slack: list[float],
    ) -> bool:
        """Raise one price to the next offer's, or as far as it goes; whether it may rise again."""
        price, ceiling = self.prices[number], self.items[number].unfilled
        while len(paying) < len(offers) and offers[len(paying)][0] <= price:
            paying.append(offers[len(paying)][1:])
        target = offers[len(paying)][0] if len(paying) < len(offers) else ceiling
        rise = min(target - price, *[slack[index] / units for index, units in paying])
        for index, units in paying:
            slack[index] = max(0.0, slack[index] - rise * units)
        self.prices[number] = target if rise == target - price else price + rise
        return self.prices[number] == target < ceiling

    # -- a good plan first -----------------------------------------------------------------------------------------

    def _greedy(self, candidates: Sequence[int]) -> None:
        """Add what saves most until nothing does; then, as long as there is time, see who is better left out."""
        members, total = self._grown([], candidates)
        for index in list(members):
            if self.effort < 0:
                break
            others, cost = self._grown([other for other in members if other != index], candidates)
            if cost < total - TOLERANCE:
                members, total = others, cost
        self._offer(members, total)

    def _grown(self, members: list[int], candidates: Sequence[int]) -> tuple[list[int], float]:
        """A set with more options, the most saving first, and its cost. Savings only shrink: old ones are looked at on top."""
        members, levels, paid = list(members), list(self.left_out), -self.limits.split
        for index in members:
            levels, paid = self._with(index, levels), paid + self.fixed[index]
        places = {self.options[index].place for index in members}
        heap = [(-self._gain(index, levels), index, len(members)) for index in candidates]
        self.effort -= len(candidates) * len(levels)
        heapify(heap)
        while heap and len(members) < self.limits.most_parcels:
            loss, index, seen = heap[0]
            if loss >= (0.0 if members else self.limits.split):
                break
            if self.options[index].place in places:
                heappop(heap)
            elif seen < len(members):
                heapreplace(heap, (-self._gain(index, levels), index, len(members)))
            else:
                heappop(heap)
                levels, paid = self._with(index, levels), paid + self.fixed[index]
                members.append(index)
                places.add(self.options[index].place)
        return members, (paid if members else 0.0) + sum(cost * count for level in levels for cost, count in level)


def _displaced(level: Level, cost: float, units: int) -> Level:
    """A level with so many units at a cost in place of its dearest."""
    left, kept = units, []
    for dear, count in level:
        take = min(count, left) if dear > cost else 0
        left -= take
        if take < count:
            kept.append((dear, count - take))
    kept.append((cost, units - left))
    kept.sort(reverse=True)
    return tuple(kept)


class Packing:
    """Fills one set of options under limits that tie items together: item by item, the cheapest first, backtracking."""

    def __init__(self, search: Search, members: Sequence[int]) -> None:
        self.search, self.members = search, members
        self.order = sorted(range(len(search.items)), key=lambda number: -search.items[number].grams)
        self.offers = [search.offers(number, members) for number in range(len(search.items))]
        least = [self._least(number) for number in range(len(search.items))]
        self.rest = [sum(least[number] for number in self.order[depth:]) for depth in range(len(self.order) + 1)]
        self.takes = {index: [0] * len(search.items) for index in members}
        self.room = {index: search.options[index].most_grams for index in members}
        self.shelves = {shelf: dict(has) for shelf, has in search.limits.shelves.items()}
        self.paid = sum(search.fixed[index] for index in members) - search.limits.split

    def run(self) -> None:
        """Keep the best filling that is legal and better than the search's best."""
        self._item(0, self.paid)

    def _least(self, number: int) -> float:
        """What an item costs at least: the cheapest give first, whatever else is in a parcel."""
        item = self.search.items[number]
        left, cost = item.units, 0.0
        for unit_cost, _, units in self.offers[number]:
            cost += min(left, units) * unit_cost
            left -= min(left, units)
        return cost + left * item.unfilled

    def _item(self, depth: int, cost: float) -> None:
        search = self.search
        bound = cost + self.rest[depth]
        if bound >= search.best.total - TOLERANCE:
            return
        if search.effort < 0:
            search.floor = min(search.floor, bound)
            return
        if depth == len(self.order):
            search.effort -= PACKING
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
        search.effort -= 10 + most
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
