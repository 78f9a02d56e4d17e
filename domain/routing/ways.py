"""The ways in which an order may ship: every location with every service that it may use, what each costs and takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import inf
from uuid import UUID

from domain.routing.calendar import days_after, ship_day
from domain.routing.distance import distance_km
from domain.routing.model import Rejection
from domain.routing.needs import Need
from domain.routing.network import Network, NetworkLocation, Rate, Request, Snapshot
from domain.routing.rules import Standing, active, standing

TRANSIT_LIMIT_DAYS = 3_650
"""A rate that is slower is a mistake in a table; a date ten years ahead is late enough."""


@dataclass(slots=True)
class Site:
    """A location on the way to a decision: what it has of every need, how it may ship, or why it may not."""

    location: NetworkLocation
    km: float | None
    stock: list[int]
    capacity_left: int | None
    number: int = 0
    """Its place among the survey's."""
    ways: list["Way"] = field(default_factory=list)
    because: Rejection | None = None
    rule: str | None = None


@dataclass(slots=True)
class Way:
    """One service from one site, and how many units it takes of every need. Money is in minor units."""

    site: Site
    rate: Rate
    ships_on: date
    arrives_on: date
    late_days: int
    standing: Standing
    units: list[int]
    fixed_minor: float
    """Packing and the carrier's base."""
    kg_minor: float
    """The carrier's price for a kilogram to there."""
    compared_minor: float
    """The fixed part as it counts in the comparison: weighted, with lateness and surcharges."""
    each_minor: list[float]
    """What one unit of every need costs: picking it, and its weight."""


class Survey:
    """Everything there is to know about one order before anything is chosen. `sites` are the nearest first."""

    def __init__(self, request: Request, network: Network, snapshot: Snapshot, needs: Sequence[Need]) -> None:
        self.request, self.network, self.snapshot, self.needs = request, network, snapshot, needs
        self.ruleset = network.live
        self.everything = (1 << len(needs)) - 1
        self._is_pinned = any(need.pinned for need in needs)
        self._days: dict[tuple[int, int], date | None] = {}
        self._free = Standing(self.everything)
        """What rules say of a way where there are none."""
        self._rules = active(network, self.ruleset, request, needs, snapshot, self.km)
        self._rates = [rate for rate in network.rates if _goes_to(rate, request.destination.country)]
        self.sites = [self._site(location) for location in network.locations.values()]
        self.sites.sort(key=lambda site: (site.km is None, site.km or 0.0, site.location.code))
        for number, site in enumerate(self.sites):
            site.number = number
            self._find_ways(site)

    def km(self, location: NetworkLocation) -> float | None:
        """How far a location is from where the order goes."""
        here, there = location.point, self.request.destination.point
        if here is None or there is None:
            return None
        return distance_km(here.latitude, here.longitude, there.latitude, there.longitude)

    def _site(self, location: NetworkLocation) -> Site:
        has = self.snapshot.stock.get(location.id)
        stock = [max(0, has.get(need.variant_id, 0)) for need in self.needs] if has else [0] * len(self.needs)
        left = None
        if location.daily_capacity is not None:
            left = max(0, location.daily_capacity - self.snapshot.parcels_today.get(location.id, 0))
        return Site(location, self.km(location), stock, left)

    def _find_ways(self, site: Site) -> None:
        """Give a site its ways; where it has none, say why."""
        if not any(site.stock):
            site.because = Rejection.NO_STOCK
        elif not self._may_serve(site):
            site.because = Rejection.PINNED_ELSEWHERE
        elif (ships_on := self._ships_on(site)) is None:
            site.because = Rejection.CLOSED
        else:
            ways = [self._way(site, rate, ships_on) for rate in self._rates if _takes_from(rate, site.location)]
            site.ways = _undominated([way for way in ways if way])
            if not site.ways and site.because is None:
                site.because = Rejection.NO_SERVICE

    def _may_serve(self, site: Site) -> bool:
        """Whether anything that it has need not come from somewhere else."""
        return not self._is_pinned or any(
            has and need.pinned in {None, site.location.id} for need, has in zip(self.needs, site.stock, strict=True)
        )

    def _ships_on(self, site: Site) -> date | None:
        """The day on which it would ship: later by as many working days as it is behind with its parcels."""
        capacity, behind = site.location.daily_capacity, 0
        if capacity and not site.capacity_left:
            behind = self.snapshot.parcels_today[site.location.id] // capacity
        key = (id(site.location.calendar), behind)  # to hash a calendar takes longer than to look into it
        if key not in self._days:
            self._days[key] = ship_day(site.location.calendar, self.request.at, behind)
        return self._days[key]

    def _way(self, site: Site, rate: Rate, ships_on: date) -> Way | None:
        km = site.km or 0.0
        transit = rate.first_days + (int(km / rate.km_per_day) if rate.km_per_day else 0)
        arrives_on = ships_on + timedelta(days=min(transit, TRANSIT_LIMIT_DAYS))
        deadline = self.request.deliver_by
        late = days_after(site.location.calendar, deadline, arrives_on) if deadline else 0
        judged = self._free
        if self._rules:
            there = self.request.destination
            judged = standing(self._rules, site.location, site.km, there, rate.service, self.everything)
        barred = self._barred(site, late)
        units = self._units(site, rate, 0 if barred else judged.allowed)
        if not any(units):
            site.because = site.because or barred or judged.because
            site.rule = judged.rule if site.because is judged.because else site.rule
            return None
        weights = self.ruleset.weights
        fixed = site.location.packing_minor + rate.base_minor
        compared = fixed * weights.cost + judged.surcharge_minor
        compared += late * self.ruleset.lateness_minor_per_day * weights.lateness
        kg = rate.per_kg_minor + rate.per_kg_1000km_minor * km / 1000
        each = [site.location.handling_minor + kg * need.grams / 1000 for need in self.needs]
        return Way(site, rate, ships_on, arrives_on, late, judged, units, fixed, kg, compared, each)

    def _barred(self, site: Site, late_days: int) -> Rejection | None:
        """Why it ships nothing but what is pinned there."""
        if site.capacity_left == 0 and not (self.ruleset.wait_for_capacity and site.location.daily_capacity):
            return Rejection.NO_CAPACITY
        if late_days and not self.ruleset.late_allowed:
            return Rejection.TOO_LATE
        return None

    def _units(self, site: Site, rate: Rate, allowed: int) -> list[int]:
        """What a service takes of every need. A pin is a person's word: no rule stands above it, only the carrier."""
        units: list[int] = []
        spoken_for: dict[UUID, int] = {}
        heaviest = rate.max_weight_grams or inf
        for index, (need, has) in enumerate(zip(self.needs, site.stock, strict=True)):
            free = has - spoken_for.get(need.variant_id, 0) if spoken_for else has
            may = need.pinned == site.location.id if need.pinned else allowed >> index & 1
            if not may or (need.hazmat and not rate.takes_hazmat) or need.grams > heaviest:
                units.append(0)
                continue
            gives = min(need.quantity, free)
            if need.whole and gives < need.quantity:
                gives = 0
            elif need.pinned and not need.whole:
                spoken_for[need.variant_id] = spoken_for.get(need.variant_id, 0) + gives
            units.append(gives)
        return units


def _goes_to(rate: Rate, country: str | None) -> bool:
    """Where the country is not known, every service is taken to go there."""
    return not rate.countries or country is None or country in rate.countries


def _takes_from(rate: Rate, location: NetworkLocation) -> bool:
    return (not rate.location_kinds or location.kind in rate.location_kinds) and (
        not rate.location_ids or location.id in rate.location_ids
    )


def _undominated(ways: list[Way]) -> list[Way]:
    """A site's ways without those that another of them beats in everything."""
    if len(ways) < 2:
        return ways
    ways.sort(key=lambda way: (way.compared_minor, way.kg_minor, way.arrives_on))
    kept: list[Way] = []
    for way in ways:
        if not any(_beats(other, way) for other in kept):
            kept.append(way)
    return kept


def _beats(one: Way, other: Way) -> bool:
    """Whether one does whatever the other does, for no more; it costs no more already but by weight."""
    return (
        one.kg_minor <= other.kg_minor
        and one.standing.rank <= other.standing.rank
        and one.standing.least_value_minor <= other.standing.least_value_minor
        and (one.rate.max_weight_grams or inf) >= (other.rate.max_weight_grams or inf)
        and all(mine >= theirs for mine, theirs in zip(one.units, other.units, strict=True))
    )
