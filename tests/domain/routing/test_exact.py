"""The whole router against brute force: requests, networks and rules at random, judged by their definitions alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from uuid import UUID

import pytest

from domain.routing.distance import distance_km
from domain.routing.model import Decision, DemandLine, Point, Strategy
from domain.routing.network import (
    Calendar,
    Destination,
    Effect,
    Network,
    NetworkLocation,
    Rate,
    Request,
    Rule,
    Ruleset,
    Snapshot,
    Where,
)
from domain.routing.router import route
from domain.stock import LocationKind

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HERE = Point(52.5, 13.4)
UNRANKED = 10**6

Parcels = Mapping[UUID, tuple[Rate, tuple[int, ...]]]
"""A plan: by location, the service and the units of every line."""


@dataclass(frozen=True)
class Case:
    """One question, and its judge."""

    request: Request
    network: Network
    snapshot: Snapshot

    def plans(self) -> Iterator[Parcels]:
        """Every plan there is, legal or not."""
        locations = [each for each in self.network.locations if any(self.snapshot.stock[each].values())]
        shares = [list(self._shares(line, locations)) for line in self.request.lines]
        for split in product(*shares):
            parcels = {
                location: units
                for index, location in enumerate(locations)
                if any(units := tuple(share[index] for share in split))
            }
            for rates in product(self.network.rates, repeat=len(parcels)):
                yield {location: (rate, units) for (location, units), rate in zip(parcels.items(), rates, strict=True)}

    def _shares(self, line: DemandLine, locations: list[UUID]) -> Iterator[tuple[int, ...]]:
        stock = [min(line.quantity, self.snapshot.stock[each][line.variant_id]) for each in locations]
        for share in product(*[range(has + 1) for has in stock]):
            if sum(share) <= line.quantity:
                yield share

    def cost(self, plan: Parcels) -> float | None:
        """What a plan costs in the comparison; None if it is not legal."""
        rules = self.network.live
        most = rules.max_parcels if rules.allow_split else 1
        if most is not None and len(plan) > most:
            return None
        left = self.missing(plan)
        if rules.ship_complete and plan and any(left):
            return None
        total = rules.split_minor * max(0, len(plan) - 1) + rules.unfilled_minor_per_unit * sum(left)
        for location, (rate, units) in plan.items():
            whole = not any(left) and len(plan) == 1
            price = self._parcel(self.network.locations[location], rate, units, whole=whole)
            if price is None:
                return None
            total += price
        return None if not rules.split_lines and self._splits(plan, left) else total

    def _splits(self, plan: Parcels, left: list[int]) -> bool:
        pieces = [sum(1 for _, units in plan.values() if units[index]) for index in range(len(left))]
        return any(count > 1 or (count == 1 and missing) for count, missing in zip(pieces, left, strict=True))

    def missing(self, plan: Parcels) -> list[int]:
        """Units of every line that a plan leaves out."""
        return [
            line.quantity - sum(units[index] for _, units in plan.values())
            for index, line in enumerate(self.request.lines)
        ]

    def _parcel(self, place: NetworkLocation, rate: Rate, units: tuple[int, ...], *, whole: bool) -> float | None:
        """What one parcel costs; None if it may not ship."""
        rules, lines = self.network.live, self.request.lines
        pairs = [(line, count) for line, count in zip(lines, units, strict=True) if count]
        for variant in {line.variant_id for line, _ in pairs}:
            if (
                sum(count for line, count in pairs if line.variant_id == variant)
                > self.snapshot.stock[place.id][variant]
            ):
                return None
        grams = sum(count * (line.weight_grams or 0) for line, count in pairs)
        if (rate.max_weight_grams or grams) < grams or (
            not rate.takes_hazmat and any(line.hazmat for line, _ in pairs)
        ):
            return None
        if place.daily_capacity is not None and self.snapshot.parcels_today.get(place.id, 0) >= place.daily_capacity:
            return None
        km = self._km(place)
        days = place.calendar.handling_days + rate.first_days + (int(km / rate.km_per_day) if rate.km_per_day else 0)
        assert self.request.deliver_by is not None
        late = max(0, days - (self.request.deliver_by - NOON).days)
        if late and not rules.late_allowed:
            return None
        surcharge = 0.0
        worth = sum(count * line.value_minor for line, count in pairs)
        for rule in rules.rules:
            matches = self._matches(rule, place, rate)
            about = any(self._about(rule, line) for line, _ in pairs)
            if about and ((rule.effect.exclude and matches) or (rule.effect.only and not matches)):
                return None
            if matches and not whole and worth < (rule.effect.min_parcel_value_minor or 0):
                return None
            surcharge += (rule.effect.surcharge_minor or 0.0) if matches else 0.0
        kg = rate.per_kg_minor + rate.per_kg_1000km_minor * km / 1000
        goods = sum(count * place.handling_minor for _, count in pairs) + grams / 1000 * kg
        fixed = place.packing_minor + rate.base_minor + late * rules.lateness_minor_per_day + surcharge
        return max(0.0, fixed) + goods

    def _km(self, place: NetworkLocation) -> float:
        assert place.point
        return distance_km(place.point.latitude, place.point.longitude, HERE.latitude, HERE.longitude)

    def _matches(self, rule: Rule, place: NetworkLocation, rate: Rate) -> bool:
        where = rule.where
        return (
            (not where.location_kind or place.kind in where.location_kind)
            and (not where.location_codes or place.code in where.location_codes)
            and (not where.services or rate.service in where.services)
            and (where.within_km is None or self._km(place) <= where.within_km)
        )

    def _about(self, rule: Rule, line: DemandLine) -> bool:
        together = sum(each.quantity for each in self.request.lines if each.variant_id == line.variant_id)
        most = rule.where.line_weight_above_grams
        return (rule.where.hazmat is None or line.hazmat == rule.where.hazmat) and (
            most is None or together * (line.weight_grams or 0) > most
        )

    def rank(self, plan: Parcels) -> int:
        """The worst rank of a plan's parcels."""
        return max((self._rank(self.network.locations[each], rate) for each, (rate, _) in plan.items()), default=0)

    def _rank(self, place: NetworkLocation, rate: Rate) -> int:
        ranks = [rule.effect.prefer for rule in self.network.live.rules if self._matches(rule, place, rate)]
        return min([rank for rank in ranks if rank], default=UNRANKED)

    def best(self) -> float:
        """The least cost within the best rank that fills as much as the cheapest plan of any rank."""
        legal = [(cost, plan) for plan in self.plans() if (cost := self.cost(plan)) is not None]
        cheapest = {
            rank: min([each for each in legal if self.rank(each[1]) <= rank], key=lambda each: each[0])
            for rank in sorted({self.rank(plan) for _, plan in legal})
        }
        fewest = min(sum(self.missing(plan)) for _, plan in cheapest.values())
        return next(cost for cost, plan in cheapest.values() if sum(self.missing(plan)) == fewest)

    def decided(self, decision: Decision) -> Parcels:
        """A decision as a plan."""
        rates = {rate.service: rate for rate in self.network.rates}
        plan = {}
        for parcel in decision.chosen:
            shipped = {line.line_id: line.quantity for line in parcel.lines}
            units = tuple(shipped.get(line.line_id, 0) for line in self.request.lines)
            plan[parcel.location_id] = (rates[str(parcel.service)], units)
        return plan


def case(random: Random) -> Case:
    """A small order, a few locations, and rules that bite."""
    twins = random.random() < 0.15
    lines = tuple(
        DemandLine(
            UUID(int=index),
            f"S{index}",
            UUID(int=0 if twins else index),
            random.randint(1, 2),
            100 if twins else random.choice([100, 900, 2500]),
            value_minor=1000 if twins else random.choice([500, 2000]),
            hazmat=not twins and random.random() < 0.2,
        )
        for index in range(random.randint(1, 3))
    )
    locations = [_location(random, number) for number in range(random.randint(1, 3))]
    rates = (
        Rate("Post", "parcel", random.uniform(300, 600), 90.5, 300.25, 1, 400.0, max_weight_grams=4000),
        Rate("Air", "express", random.uniform(700, 1500), 110.5, 500.5, 1, takes_hazmat=False),
    )
    stock = {each.id: {line.variant_id: random.choice([0, 0, 1, 2, 3]) for line in lines} for each in locations}
    request = Request(lines, Destination(HERE), NOON, NOON + timedelta(days=random.choice([1, 2, 4])))
    network = Network(1, "EUR", {each.id: each for each in locations}, rates, _ruleset(random))
    return Case(request, network, Snapshot(stock, {locations[0].id: random.choice([0, 5])}))


def _location(random: Random, number: int) -> NetworkLocation:
    return NetworkLocation(
        UUID(int=100 + number),
        f"L{number}",
        random.choice([LocationKind.STORE, LocationKind.WAREHOUSE]),
        Point(random.uniform(48, 54), random.uniform(8, 14)),
        calendar=Calendar(handling_days=random.randint(0, 1)),
        daily_capacity=random.choice([None, 5]),
        packing_minor=random.uniform(50, 400),
        handling_minor=random.uniform(0, 90),
    )


def _ruleset(random: Random) -> Ruleset:
    stores = Where(location_kind=frozenset({LocationKind.STORE}))
    rules = [
        Rule("first", Where(location_codes=frozenset({"L0"})), Effect(prefer=1)),
        Rule("near", Where(within_km=300.0), Effect(prefer=2)),
        Rule("stores", stores, Effect(min_parcel_value_minor=2500)),
        Rule("heavy", Where(line_weight_above_grams=1500), Effect(exclude=True)),
        Rule(
            "no-heavy-stores",
            Where(frozenset({LocationKind.STORE}), line_weight_above_grams=1500),
            Effect(exclude=True),
        ),
        Rule("dangerous", Where(frozenset({LocationKind.WAREHOUSE}), hazmat=True), Effect(only=True)),
        Rule("air", Where(services=frozenset({"express"})), Effect(surcharge_minor=random.choice([-200.25, 300.5]))),
    ]
    return Ruleset(
        rules=tuple(random.sample(rules, random.randint(0, 3))),
        max_parcels=random.choice([None, None, 1, 2]),
        allow_split=random.random() < 0.85,
        split_lines=random.random() < 0.6,
        ship_complete=random.random() < 0.2,
        late_allowed=random.random() < 0.5,
        wait_for_capacity=False,
        lateness_minor_per_day=random.choice([100.0, 700.0]),
        split_minor=random.choice([0.0, 150.0]),
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_decision_is_legal_and_none_is_better(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        asked = case(random)

        decision = route(asked.request, asked.network, asked.snapshot)

        cost = asked.cost(asked.decided(decision))
        assert cost is not None, decision
        assert cost == pytest.approx(asked.best()), decision
        assert decision.strategy in {Strategy.LEAST_COST, Strategy.NONE}
        assert sum(each.quantity for each in decision.unfilled) == sum(asked.missing(asked.decided(decision)))
