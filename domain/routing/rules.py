"""What a ruleset says about each way of shipping an order: who may, who goes first, at which surcharge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from domain.routing.model import Rejection
from domain.routing.needs import Need
from domain.routing.network import Destination, Network, NetworkLocation, Request, Rule, Ruleset, Snapshot, Where

UNRANKED = 1_000_000
"""Comes after every rank."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules say about one way. `allowed` has a bit for every need that it may serve."""

    allowed: int
    rank: int = UNRANKED
    surcharge_minor: float = 0.0
    least_value_minor: int = 0
    because: Rejection | None = None
    """Why it may not serve some of them, by the first rule that says so."""
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Active:
    """A rule that is about this order, the needs that it is about (bit by bit), and whether its share is reached."""

    rule: Rule
    needs: int
    share_reached: bool


def before_destination(network: Network) -> Network:
    """A channel's network for goods of which nobody knows yet where they go: they may be held by whoever might ship them."""
    rules = tuple([_anywhere(rule) if rule.effect.only else rule for rule in network.live.rules])
    return network if rules == network.live.rules else replace(network, live=replace(network.live, rules=rules))


def _anywhere(rule: Rule) -> Rule:
    where = replace(rule.where, within_km=None, beyond_km=None, same_country=None, same_region=None)
    return replace(rule, where=where)


def active(
    network: Network,
    ruleset: Ruleset,
    request: Request,
    needs: Sequence[Need],
    snapshot: Snapshot,
    km: Callable[[NetworkLocation], float | None],
) -> list[Active]:
    """The rules that have something to say about this order."""
    if not ruleset.rules:
        return []
    value = sum(line.value_minor * line.quantity for line in request.lines)
    found = []
    for rule in ruleset.rules:
        if not _about_order(rule.where, request.destination, value):
            continue
        if bits := sum(1 << index for index, need in enumerate(needs) if _about_need(rule.where, need)):
            reached = rule.effect.max_share is not None and _share_reached(
                rule, rule.effect.max_share, network, request.destination, snapshot, km
            )
            found.append(Active(rule, bits, reached))
    return found


def standing(
    rules: Sequence[Active], location: NetworkLocation, km: float | None, to: Destination, service: str, everything: int
) -> Standing:
    """Judge one way."""
    allowed, rank, surcharge, least_value = everything, UNRANKED, 0.0, 0
    because: Rejection | None = None
    name: str | None = None
    for each in rules:
        where, effect = each.rule.where, each.rule.effect
        matches = _about_place(where, location, km, to) and (not where.services or service in where.services)
        if word := _forbids(each, matches=matches):
            if allowed & each.needs and because is None:
                because, name = word, each.rule.name
            allowed &= ~each.needs
        elif matches:
            rank = min(rank, effect.prefer or UNRANKED)
            surcharge += effect.surcharge_minor or 0.0
            least_value = max(least_value, effect.min_parcel_value_minor or 0)
    return Standing(allowed, rank, surcharge, least_value, because, name)


def _forbids(each: Active, *, matches: bool) -> Rejection | None:
    if each.rule.effect.only:
        return None if matches else Rejection.NOT_ONLY
    if not matches:
        return None
    if each.rule.effect.exclude:
        return Rejection.EXCLUDED
    return Rejection.SHARE_REACHED if each.share_reached else None


def _share_reached(
    rule: Rule,
    share: float,
    network: Network,
    to: Destination,
    snapshot: Snapshot,
    km: Callable[[NetworkLocation], float | None],
) -> bool:
    """Whether one parcel more from the rule's locations would be more than their share of today's."""
    theirs = total = 0
    for location_id, parcels in snapshot.parcels_today.items():
        total += parcels
        location = network.locations.get(location_id)
        if location and _about_place(rule.where, location, km(location), to):
            theirs += parcels
    return theirs + 1 > share * (total + 1)


def _about_order(where: Where, to: Destination, value: int) -> bool:
    return (
        (not where.destination_countries or to.country in where.destination_countries)
        and (not where.destination_regions or to.region in where.destination_regions)
        and (where.order_value_above_minor is None or value > where.order_value_above_minor)
        and (where.order_value_below_minor is None or value < where.order_value_below_minor)
    )


def _about_need(where: Where, need: Need) -> bool:
    return (
        (where.line_weight_above_grams is None or need.line_grams > where.line_weight_above_grams)
        and (where.line_longest_above_mm is None or (need.longest_mm or 0) > where.line_longest_above_mm)
        and (where.hazmat is None or need.hazmat == where.hazmat)
    )


def _about_place(where: Where, location: NetworkLocation, km: float | None, to: Destination) -> bool:
    """A condition on what is not known (a distance, a country) does not hold."""
    return (
        (not where.location_kind or location.kind in where.location_kind)
        and (not where.location_codes or location.code in where.location_codes)
        and (not where.location_tags or not where.location_tags.isdisjoint(location.tags))
        and (where.within_km is None or (km is not None and km <= where.within_km))
        and (where.beyond_km is None or (km is not None and km > where.beyond_km))
        and _same(where.same_country, location.country, to.country)
        and _same(where.same_region, _region(location), _region(to))
    )


def _region(where: NetworkLocation | Destination) -> str | None:
    """Two countries may call their regions the same."""
    return where.region and f"{where.country}-{where.region}"


def _same(wanted: bool | None, one: str | None, other: str | None) -> bool:
    if wanted is None:
        return True
    return one is not None and other is not None and (one == other) == wanted
