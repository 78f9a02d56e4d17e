"""An order's choice in numbers: items, options to ship them, limits; and what follows from a set of options.

These rows are not frozen: some are made for every order, and a frozen one takes twice as long.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import itemgetter

TOLERANCE = 1e-6
"""Costs closer than this are equal; the first found stays."""


class TakesLong(Exception):
    """More than somebody in a hurry can wait for: ask again without hurry, where nobody else waits meanwhile."""


@dataclass(slots=True)
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


@dataclass(slots=True)
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


@dataclass(slots=True)
class Limits:
    """What binds the whole plan."""

    most_parcels: int
    split: float = 0.0
    """For every parcel beyond the first."""
    shelves: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """By shelf: what each place has there, for items that share it."""


Takes = dict[int, list[int]]
"""By option that is used, what it gives of every item."""


@dataclass(slots=True)
class Plan:
    """The options used with what each gives of every item, what it costs in all, and what no plan can cost less than."""

    takes: Takes = field(default_factory=dict)
    total: float = inf
    bound: float = -inf
    steps: int = 0
    """How much it took to find."""

    @property
    def exact(self) -> bool:
        """Whether no plan is cheaper."""
        return self.bound >= self.total - TOLERANCE * max(1.0, abs(self.total))


def only(items: Sequence[Item], option: Option, limits: Limits) -> Plan | None:
    """The plan where nobody else has anything: all that there is, as far as it is worth it. None where that is not as plain."""
    takes, total, grams = [], option.fixed, 0
    for item, units, cost in zip(items, option.units, option.costs, strict=True):
        take = min(units, item.units) if cost < item.unfilled else 0
        takes.append(take)
        grams += take * item.grams
        total += take * cost + (item.units - take) * item.unfilled
    nothing = sum([item.units * item.unfilled for item in items])
    if grams > option.most_grams or option.least_value or limits.shelves or total >= nothing or not limits.most_parcels:
        return None
    return Plan({0: takes}, total, total)


Level = tuple[tuple[float, int], ...]
"""Where the units of an item come from: what each costs and how many, the dearest first. What is left out is dearest."""


class Problem:
    """What the search, its bound and the packing all ask."""

    def __init__(self, items: Sequence[Item], options: Sequence[Option], limits: Limits) -> None:
        self.items, self.options, self.limits = items, options, limits
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
        self.order = [item.units for item in items]
        self.worth = sum([item.units * item.value for item in items])
        heaviest = sum([item.units * item.grams for item in items])
        self.bound_by = {
            index for index, option in enumerate(options) if option.least_value > 0 or option.most_grams < heaviest
        }
        """Options with a limit that may bind."""
        self.tied = bool(limits.shelves or self.bound_by)
        self.step = (3 + len(items)) * (1 + self.tied)
        """What it takes to weigh an option."""

    def worthwhile(self) -> list[int]:
        """Options that can serve something, and ship what they ask of a parcel, or the whole order."""
        return [index for index, served in enumerate(self.useful) if served and self._may_be_worth_it(index)]

    def _may_be_worth_it(self, index: int) -> bool:
        option = self.options[index]
        if not option.least_value or list(option.units) == self.order:
            return True
        return (
            sum([units * item.value for units, item in zip(option.units, self.items, strict=True)])
            >= option.least_value
        )

    def elsewhere(self, index: int, options: Iterable[int]) -> list[int]:
        """Those of some options that are not from the same place as one."""
        here = self.options[index].place
        return [other for other in options if self.options[other].place != here]

    # -- a set, where nothing ties its items together --------------------------------------------------------------

    def gain(self, index: int, levels: Sequence[Level]) -> float:
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

    def joined(self, index: int, levels: Sequence[Level]) -> list[Level]:
        """The levels with one option more: it takes the place of whatever is dearest."""
        added = list(levels)
        for number, cost, units in self.useful[index]:
            if levels[number][0][0] > cost:
                added[number] = _displaced(levels[number], cost, units)
        return added

    def offers(self, members: Iterable[int]) -> list[list[tuple[float, int, int]]]:
        """By item, who of a set may serve it, the cheapest first: what a unit costs, the option, and how many it has."""
        found: list[list[tuple[float, int, int]]] = [[] for _ in self.items]
        for index in members:
            for number, cost, units in self.useful[index]:
                found[number].append((cost, index, units))
        for each in found:
            each.sort(key=itemgetter(0))
        return found

    def taken(self, members: Sequence[int]) -> Takes:
        """What each option gives of every item, where the cheapest give first."""
        takes = {index: [0] * len(self.items) for index in members}
        for number, (item, offers) in enumerate(zip(self.items, self.offers(members), strict=True)):
            left = item.units
            for _, index, units in offers:
                takes[index][number] = min(left, units)
                left -= takes[index][number]
        return {index: units for index, units in takes.items() if any(units)}

    # -- the limits that tie items together ------------------------------------------------------------------------

    def is_legal(self, takes: Takes) -> bool:
        """Whether a filling keeps them."""
        whole_order = len(takes) == 1 and next(iter(takes.values())) == self.order
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

    def asks_too_much(self, members: Sequence[int]) -> bool:
        """Whether several parcels together must be worth more than the order."""
        return len(members) > 1 and sum([self.options[index].least_value for index in members]) > self.worth


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
