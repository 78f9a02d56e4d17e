"""A survey in numbers that compare: every way as an option of the search, every need as an item of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from uuid import UUID

from domain.routing.model import Objective
from domain.routing.needs import Need
from domain.routing.problem import Item, Limits, Option, Plan
from domain.routing.search import cheapest
from domain.routing.ways import Survey, Way

AT_ANY_PRICE = 1e10
"""A unit that is pinned, or that an order which ships complete cannot do without, is filled before money is looked at."""


@dataclass(slots=True)
class Choice:
    """The ways that ship, nearest first, with the units that each takes of every need."""

    taken: list[tuple[Way, list[int]]]
    plan: Plan
    rank: int
    """Locations of a worse rank were not needed."""
    missing: int
    """Units that found no place."""
    short: bool
    """Whether an order that ships complete was left whole because it cannot be."""


class Weighing:
    """What is compared for one order."""

    def __init__(self, survey: Survey) -> None:
        self.survey, self.needs, self.ruleset = survey, survey.needs, survey.ruleset
        self.ways = [way for site in survey.sites for way in site.ways]
        self.homes = {need.pinned for need in self.needs if need.pinned}
        self.quantity = sum([need.quantity for need in self.needs])
        self.pressure = [self._pressure(index, need) for index, need in enumerate(self.needs)]
        self.capacity = self._scarcity()
        self.is_scarce = bool(self.capacity) or any(self.pressure)
        self.unfilled = self._unfilled()
        self.items = [self._item(index, need) for index, need in enumerate(self.needs)]
        self.limits = Limits(
            self._most_parcels(), self.ruleset.split_minor * self.ruleset.weights.split, self._shelves()
        )

    def choose(self, most_steps: int | None = None) -> Choice:
        """The cheapest plan of the best rank that fills as many units as all ranks together would."""
        ranks = sorted({self._rank(way) for way in self.ways}) or [0]
        best = self._nothing(ranks[0])
        fewest = self.quantity + 1
        for rank in ranks:
            ways = self.ways if rank == ranks[-1] else [way for way in self.ways if self._rank(way) <= rank]
            plan = cheapest(self.items, list(map(self.option, ways)), self.limits, most=most_steps)
            most_steps = most_steps and max(1, most_steps - plan.steps)
            missing = self.quantity - sum([sum(units) for units in plan.takes.values()])
            if missing < fewest:
                taken = [(ways[index], plan.takes[index]) for index in sorted(plan.takes)]
                best, fewest = Choice(taken, plan, rank, missing, short=False), missing
            if not missing:
                break
        if fewest and self.ruleset.ship_complete:
            return self._nothing(best.rank)
        return best

    def _nothing(self, rank: int) -> Choice:
        return Choice([], Plan({}, 0.0, 0.0), rank, self.quantity, short=True)

    def objective(self, choice: Choice) -> Objective:
        """The terms of a choice, weighted, each rounded."""
        weights = self.ruleset.weights
        cost = late = stock = surcharge = 0.0
        for way, units in choice.taken:
            cost += weights.cost * parcel_minor(way, units)
            late += weights.lateness * way.late_days * self.ruleset.lateness_minor_per_day
            surcharge += way.standing.surcharge_minor
            if not self.is_scarce:
                continue
            place = way.site.location.id
            stock += weights.stock * self.capacity.get(place, 0.0)
            stock += sum([count * each.get(place, 0.0) for count, each in zip(units, self.pressure, strict=True)])
        split = self.limits.split * max(0, len(choice.taken) - 1)
        return Objective(round(cost), round(late), round(split), round(stock), round(surcharge))

    # -- the search's terms ----------------------------------------------------------------------------------------

    def _rank(self, way: Way) -> int:
        """Where something is pinned a parcel leaves anyway: nobody goes before it."""
        return 0 if way.site.location.id in self.homes else way.standing.rank

    def _item(self, index: int, need: Need) -> Item:
        """A difference in prices never makes it better to leave a unit out: it is added to what that costs."""
        unfilled = self.unfilled
        if need.pinned:
            unfilled = AT_ANY_PRICE
        elif self.pressure[index]:
            unfilled += max(self.pressure[index].values())
        shelf = None
        if need.whole and sum([other.variant_id == need.variant_id for other in self.needs]) > 1:
            shelf = next(at for at, other in enumerate(self.needs) if other.variant_id == need.variant_id)
        return Item(need.quantity, unfilled, need.whole, need.grams, need.value_minor, shelf)

    def _unfilled(self) -> float:
        """What a unit costs that is left out, before scarcity of its own."""
        if self.ruleset.ship_complete:
            return AT_ANY_PRICE
        scarcity = max(self.capacity.values()) if self.capacity else 0.0
        return self.ruleset.unfilled_minor_per_unit + self.ruleset.weights.stock * scarcity

    def option(self, way: Way) -> Option:
        """A way in the search's terms."""
        place, weights = way.site.location.id, self.ruleset.weights
        costs = [weights.cost * each for each in way.each_minor]
        if self.is_scarce:
            costs = [cost + each.get(place, 0.0) for cost, each in zip(costs, self.pressure, strict=True)]
        return Option(
            way.site.number,
            max(0.0, way.compared_minor + weights.stock * self.capacity.get(place, 0.0)),
            way.units,
            costs,
            inf if way.rate.max_weight_grams is None else way.rate.max_weight_grams,
            0 if place in self.homes else way.standing.least_value_minor,
        )

    def _pressure(self, index: int, need: Need) -> dict[UUID, float]:
        """By location that has the goods, what the scarcity of its stock adds to a unit's cost and a markdown takes off."""
        prices, markdown = self.survey.network.prices.stock, self.ruleset.markdown_minor
        if not prices and not markdown:
            return {}
        places = {way.site.location.id for way in self.ways if way.units[index]}
        scarce = _above_least({place: prices.get((place, need.variant_id), 0.0) for place in places})
        weight = self.ruleset.weights.stock
        return {place: weight * (price - markdown.get(place, 0.0)) for place, price in scarce.items()}

    def _scarcity(self) -> dict[UUID, float]:
        """By location, what the scarcity of its days adds to a parcel's cost."""
        prices = self.survey.network.prices.capacity
        if not prices:
            return {}
        places = [way.site.location.id for way in self.ways]
        return _above_least({place: prices.get(place, 0.0) for place in places})

    def _most_parcels(self) -> int:
        """What is pinned to several places needs as many parcels, whatever the rules say."""
        most = self.ruleset.max_parcels if self.ruleset.allow_split else 1
        most = max(most, len(self.homes)) if most is not None else self.quantity
        return min(self.quantity, len(self.survey.sites), most)

    def _shelves(self) -> dict[int, dict[int, int]]:
        """What each site has of a variant that several whole lines want."""
        return {
            item.shelf: {site.number: site.stock[item.shelf] for site in self.survey.sites if site.ways}
            for item in self.items
            if item.shelf is not None
        }


def parcel_minor(way: Way, units: Sequence[int]) -> float:
    """What a parcel costs in money."""
    return way.fixed_minor + sum([count * each for count, each in zip(units, way.each_minor, strict=True)])


def _above_least(prices: dict[UUID, float]) -> dict[UUID, float]:
    """Prices as differences from the least of them."""
    least = min(prices.values(), default=0.0)
    return {place: price - least for place, price in prices.items()}
