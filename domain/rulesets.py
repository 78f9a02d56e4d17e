"""Rulesets as people write them: what is refused because it cannot be meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from uuid import UUID

from domain.refusals import InvalidInput, NotFound
from domain.routing.network import Effect, Network, NetworkLocation, Rate, Rule, Ruleset, Where
from domain.stock import LocationKind

RULES_LIMIT = 100
NAME_LIMIT = 100
PARCELS_LIMIT = 100
RANKS = 100
KM_LIMIT = 20_040.0
"""Half way around the world: nothing is farther."""

OF_LOCATIONS = frozenset({"location_kind", "location_codes", "location_tags"})
"""Conditions that hold of a location whatever the order."""


@dataclass(frozen=True, slots=True)
class Place:
    """What rules can tell of a location that serves the channel."""

    id: UUID
    code: str
    kind: LocationKind
    tags: frozenset[str]


def refuse_odd_rules(ruleset: Ruleset, places: Mapping[str, Place], at: tuple[str, ...]) -> None:
    """Refused: what no ruleset may say, what contradicts itself, and what leaves nobody to ship."""
    _refuse_odd_limits(ruleset, at)
    _refuse_odd_names(ruleset.rules, at)
    for index, rule in enumerate(ruleset.rules):
        _refuse_odd_where(rule.where, places, (*at, "rules", str(index), "where"))
        _refuse_odd_effect(rule.effect, (*at, "rules", str(index), "effect"))
    _refuse_contradictions(ruleset.rules, at)
    _refuse_nobody(ruleset.rules, places.values(), at)


def _refuse_odd_limits(ruleset: Ruleset, at: tuple[str, ...]) -> None:
    if not 0 < len(ruleset.name) <= NAME_LIMIT:
        raise InvalidInput(f"a name has 1 to {NAME_LIMIT} characters", field=(*at, "name"))
    if len(ruleset.rules) > RULES_LIMIT:
        raise InvalidInput(f"a ruleset has at most {RULES_LIMIT} rules", field=(*at, "rules"))
    if ruleset.max_parcels is not None:
        if not 1 <= ruleset.max_parcels <= PARCELS_LIMIT:
            raise InvalidInput(f"an order ships in 1 to {PARCELS_LIMIT} parcels", field=(*at, "maxParcels"))
        if ruleset.max_parcels > 1 and not ruleset.allow_split:
            reason = f"{ruleset.max_parcels} parcels contradict allowSplit: false, which means one"
            raise InvalidInput(reason, field=(*at, "maxParcels"))


def _refuse_odd_names(rules: Iterable[Rule], at: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        place = (*at, "rules", str(index), "name")
        if not 0 < len(rule.name) <= NAME_LIMIT:
            raise InvalidInput(f"a rule's name has 1 to {NAME_LIMIT} characters", field=place)
        if rule.name in seen:
            raise InvalidInput(f"two rules are called {rule.name}: explanations could not tell them apart", field=place)
        seen.add(rule.name)


def _refuse_odd_where(where: Where, places: Mapping[str, Place], at: tuple[str, ...]) -> None:
    for code in sorted(where.location_codes - places.keys()):
        raise NotFound("Location", code, field=(*at, "locationCodes"))
    for name, km in (("withinKm", where.within_km), ("beyondKm", where.beyond_km)):
        if km is not None and not 0 <= km <= KM_LIMIT:
            raise InvalidInput(f"a distance on this earth is 0 to {KM_LIMIT:.0f} km", field=(*at, name))
    if where.within_km is not None and where.beyond_km is not None and where.within_km <= where.beyond_km:
        raise InvalidInput("no location is within that and beyond it", field=(*at, "withinKm"))
    for name, least in (
        ("lineWeightAboveGrams", where.line_weight_above_grams),
        ("lineLongestAboveMm", where.line_longest_above_mm),
        ("orderValueAbove", where.order_value_above_minor),
        ("orderValueBelow", where.order_value_below_minor),
    ):
        if least is not None and least < 0:
            raise InvalidInput("this is not negative", field=(*at, name))
    above, below = where.order_value_above_minor, where.order_value_below_minor
    if above is not None and below is not None and above >= below:
        raise InvalidInput("no order is worth more than that and less", field=(*at, "orderValueAbove"))
    if where.same_region and where.same_country is False:
        raise InvalidInput("no region of the destination's country lies in another one", field=(*at, "sameRegion"))


GIVEN = {
    "exclude": "exclude",
    "only": "only",
    "prefer": "prefer",
    "surcharge_minor": "surcharge",
    "max_share": "maxShare",
    "min_parcel_value_minor": "minParcelValue",
}
"""What an effect's fields are called outside."""


def effects_of(effect: Effect) -> list[str]:
    """Which effects are given."""
    values = {each.name: getattr(effect, each.name) for each in fields(effect)}
    return [name for name, value in values.items() if value is not None and value is not False]


def _refuse_odd_effect(effect: Effect, at: tuple[str, ...]) -> None:
    given = effects_of(effect)
    if len(given) != 1:
        said = " and ".join(GIVEN[name] for name in given) or "none"
        raise InvalidInput(f"a rule has exactly one effect, not {said}", field=at)
    if effect.prefer is not None and not 1 <= effect.prefer <= RANKS:
        raise InvalidInput(f"a rank is 1 to {RANKS}, 1 goes first", field=(*at, "prefer"))
    if effect.max_share is not None and not 0 <= effect.max_share <= 1:
        raise InvalidInput("a share is 0 to 1", field=(*at, "maxShare"))
    if effect.min_parcel_value_minor is not None and effect.min_parcel_value_minor < 0:
        raise InvalidInput("a value is not negative", field=(*at, "minParcelValue"))


CONTRADICT = (
    {"exclude", "only"},
    {"exclude", "prefer"},
    {"exclude", "surcharge_minor"},
    {"exclude", "max_share"},
    {"exclude", "min_parcel_value_minor"},
)
"""Effects that cannot both be meant of the same locations."""


def _refuse_contradictions(rules: tuple[Rule, ...], at: tuple[str, ...]) -> None:
    """Two rules about exactly the same, of which one takes back what the other says."""
    first_about: dict[Where, list[Rule]] = {}
    for index, rule in enumerate(rules):
        for earlier in first_about.setdefault(rule.where, []):
            (one,), (other,) = effects_of(earlier.effect), effects_of(rule.effect)
            twice = one == other and one != "surcharge_minor"
            if twice or {one, other} in CONTRADICT:
                reason = f"{rule.name} is about the same as {earlier.name}, and says {GIVEN[other]} after {GIVEN[one]}"
                raise InvalidInput(reason, field=(*at, "rules", str(index)))
        first_about[rule.where].append(rule)


def _refuse_nobody(rules: Iterable[Rule], places: Iterable[Place], at: tuple[str, ...]) -> None:
    """Rules that keep every location of the channel from every order."""
    everybody = list(places)
    left = everybody
    for index, rule in enumerate(rules):
        if _conditions(rule.where) <= OF_LOCATIONS and (rule.effect.exclude or rule.effect.only):
            left = [place for place in left if _about(rule.where, place) == rule.effect.only]
            if everybody and not left:
                reason = f"{rule.name} leaves no location that may ship anything"
                raise InvalidInput(reason, field=(*at, "rules", str(index)))


def _conditions(where: Where) -> set[str]:
    nothing = Where()
    return {each.name for each in fields(where) if getattr(where, each.name) != getattr(nothing, each.name)}


def _about(where: Where, place: Place) -> bool:
    return (
        (not where.location_kind or place.kind in where.location_kind)
        and (not where.location_codes or place.code in where.location_codes)
        and (not where.location_tags or bool(where.location_tags & place.tags))
    )


# -- what it costs to ship nothing ---------------------------------------------------------------------------------

HEAVY_KG, FAR_THOUSAND_KM, LATE_DAYS = 30, 20, 60
"""A parcel as dear as they come."""
DEARER = 10
"""How many times that leaving a unit out costs: a line may weigh more than a parcel does."""
DEAREST = 1e9
"""What is pinned, or must ship complete, stands above that in the router's eyes."""


def under(network: Network, ruleset: Ruleset) -> Network:
    """The network as if these rules were live."""
    return replace(network, live=fitted(ruleset, network.rates, network.locations.values()))


def fitted(ruleset: Ruleset, rates: Sequence[Rate], locations: Iterable[NetworkLocation]) -> Ruleset:
    """The same, with a price for every unit left out that no way of shipping it reaches.

    Nobody should have to find that number: it would be too low in rupiah, and a router that finds shipping too dear
    refuses orders that it could fill.
    """
    weights = ruleset.weights
    carrier = max(
        rate.base_minor + HEAVY_KG * (rate.per_kg_minor + FAR_THOUSAND_KM * rate.per_kg_1000km_minor) for rate in rates
    )
    own = max((place.packing_minor + place.handling_minor for place in locations), default=0.0)
    surcharges = sum(abs(rule.effect.surcharge_minor or 0.0) for rule in ruleset.rules)
    markdown = max(map(abs, ruleset.markdown_minor.values()), default=0.0)
    dear = (
        weights.cost * (carrier + own)
        + weights.lateness * ruleset.lateness_minor_per_day * LATE_DAYS
        + weights.split * ruleset.split_minor
        + surcharges
        + markdown
    )
    return replace(ruleset, unfilled_minor_per_unit=min(DEAREST, max(Ruleset().unfilled_minor_per_unit, DEARER * dear)))
