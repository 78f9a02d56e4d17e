"""Routing: what carriers charge, and a channel's rules, version by version."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Text,
    Uuid,
    any_,
    cast,
    func,
)
from sqlalchemy import column as named
from sqlalchemy.dialects.postgresql import JSONB

from domain.routing.network import RulesetMode
from domain.stock import LocationKind
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import Condition, Elements, Row, Sort, Values, column, inline, many, one, reads
from schema.catalog import Channel
from schema.common import (
    Actor,
    CountryCode,
    CurrencyCode,
    Money,
    Node,
    actor,
    constant,
    entity,
    id_of,
    money,
    optional_money,
    words,
)
from schema.stock import Location

words(RulesetMode, name="RoutingRulesetMode")

# -- what carriers charge ------------------------------------------------------------------------------------------


@strawberry.type(
    description="What one service of a carrier charges for a parcel: base + kg × (perKg + perKgPer1000Km × km ÷ 1000). "
    "Needs routing:read."
)
@entity(t.carrier_rates, visibility.routing_setup)
class CarrierRate(Node):
    """A rate."""

    id: strawberry.ID = id_of("CarrierRate")
    carrier: str = column("carrier", "The carrier's code, as shipments name it.")
    service: str = column("service", "What the carrier calls it.")
    currency: CurrencyCode = column("currency", "It holds for channels that sell in this currency.")
    position: int = column("position", "Its place in the carrier's table, from 1.")
    base: Money = money("base_minor", "What every parcel costs.")
    per_kg: Money = money("per_kg_minor", "What each kilogram adds.")
    per_kg_per_1000_km: Money = inline(
        lambda row: Values(minor=row.c.per_kg_1000km_minor, currency=row.c.currency),
        "What each kilogram adds for each 1000 km.",
    )
    first_days: int = column("first_days", "Days that the shortest way takes.")
    km_per_day: float | None = column("km_per_day", "So many km more take one day more; null: as fast everywhere.")
    location_kinds: list[LocationKind] = column("location_kinds", "Who may use it, if not all; at most 4 kinds.")
    locations: list[Location] = many(
        lambda row, place: place.c.id == any_(row.c.location_ids),
        lambda place: [place.c.code],
        "Who may use it, if not all; at most 100.",
        limit=100,
    )
    countries: list[CountryCode] = column("countries", "Where it goes, if not everywhere; at most 250.")
    max_weight_grams: int | None = column("max_weight_grams", "The heaviest parcel that it takes; null for any.")
    takes_hazmat: bool = column("takes_hazmat", "Whether it takes dangerous goods.")


RATE_SORTS: dict[str, tuple[Sort, bool]] = {
    "TABLE": (lambda row: [row.c.currency, row.c.carrier, row.c.position], False)
}

# -- rules ---------------------------------------------------------------------------------------------------------


def _elements(part: str, /, **columns: Any) -> Any:
    return lambda row: func.jsonb_to_recordset(getattr(row.c, part)).table_valued(
        *(named(key, type_) for key, type_ in columns.items())
    )


def _given(part: str, name: str, type_: Any) -> Any:
    return lambda rule: cast(getattr(rule.c, part)[name].astext, type_)


def _leaf(part: str, name: str, type_: Any, description: str) -> Any:
    return column(_given(part, name, type_), description)


def _list(name: str, description: str) -> Any:
    """A list in a condition; empty where nothing is said."""
    return column(lambda rule: func.coalesce(rule.c.conditions[name], func.jsonb_build_array(type_=JSONB)), description)


def _amount(part: str, name: str, description: str) -> Any:
    return optional_money(_given(part, name, BigInteger()), lambda rule: rule.c.currency, description)


@strawberry.type(description="Which locations, lines and orders a rule is about: all that is given must hold.")
class RoutingRuleWhere:
    """A rule's condition; what is null, or an empty list, is no condition."""

    location_kind: list[LocationKind] = _list("location_kind", "Locations of these kinds; at most 4.")
    location_codes: list[str] = _list("location_codes", "These locations; at most 100.")
    location_tags: list[str] = _list("location_tags", "Locations with one of these tags; at most 20.")
    within_km: float | None = _leaf("conditions", "within_km", Double(), "At most so far from the destination.")
    beyond_km: float | None = _leaf("conditions", "beyond_km", Double(), "Farther than that from the destination.")
    same_country: bool | None = _leaf("conditions", "same_country", Boolean(), "In the destination's country, or not.")
    same_region: bool | None = _leaf("conditions", "same_region", Boolean(), "In the destination's region, or not.")
    destination_countries: list[CountryCode] = _list(
        "destination_countries", "Orders that go to these countries; at most 250."
    )
    destination_regions: list[str] = _list("destination_regions", "Orders that go to these regions; at most 250.")
    services: list[str] = _list("services", "Parcels that ship with these services; at most 20.")
    line_weight_above_grams: int | None = _leaf(
        "conditions", "line_weight_above_grams", Integer(), "Lines whose units together weigh more."
    )
    line_longest_above_mm: int | None = _leaf(
        "conditions", "line_longest_above_mm", Integer(), "Lines of units that are longer, on their longest side."
    )
    hazmat: bool | None = _leaf("conditions", "hazmat", Boolean(), "Lines of dangerous goods, or of all others.")
    order_value_above: Money | None = _amount("conditions", "order_value_above_minor", "Orders worth more.")
    order_value_below: Money | None = _amount("conditions", "order_value_below_minor", "Orders worth less.")


@strawberry.type(description="What a rule does: exactly one of these is not null.")
class RoutingRuleEffect:
    """A rule's effect."""

    exclude: bool | None = _leaf("effect", "exclude", Boolean(), "What the condition finds does not ship.")
    only: bool | None = _leaf("effect", "only", Boolean(), "Nobody else ships.")
    prefer: int | None = _leaf("effect", "prefer", Integer(), "A rank: 1 goes first, unranked locations last.")
    surcharge: Money | None = _amount("effect", "surcharge_minor", "Added to a parcel's cost for the comparison alone.")
    max_share: float | None = _leaf("effect", "max_share", Double(), "The most of a day's parcels, 0 to 1.")
    min_parcel_value: Money | None = _amount(
        "effect", "min_parcel_value_minor", "What a parcel from there is worth at least."
    )


def _parts(rule: Row) -> Values:
    return Values(conditions=rule.c.conditions, effect=rule.c.effect, currency=rule.c.currency)


@strawberry.type(description="One rule of a ruleset.")
class RoutingRule:
    """A rule in its place."""

    position: int = column("position", "Its place, from 1.")
    name: str = column("name", "What explanations call it.")
    where: RoutingRuleWhere = inline(_parts, "What it is about.")
    effect: RoutingRuleEffect = inline(_parts, "What it does.")


@strawberry.type(description="How much each term counts in the comparison, as decimal text; 1 is as it is.")
class RoutingWeights:
    """Factors of the terms."""

    cost: str = column(lambda row: row.c.weights["cost"].astext, "Of what carriers and locations charge.")
    lateness: str = column(lambda row: row.c.weights["lateness"].astext, "Of what being late costs.")
    split: str = column(lambda row: row.c.weights["split"].astext, "Of what more than one parcel costs.")
    stock: str = column(lambda row: row.c.weights["stock"].astext, "Of what scarce stock and capacity will be worth.")


def _of_markdown(row: Row, place: FromClause) -> ColumnElement[bool]:
    same: ColumnElement[bool] = place.c.id == row.c.location_id
    return same


@strawberry.type(description="What a unit that stays at a location will lose in price.")
class RoutingMarkdown:
    """A markdown that threatens."""

    location: Location | None = one(_of_markdown, "The location.")
    amount: Money = money("minor", "What each unit will lose.")


@strawberry.type(
    description="One version of a channel's routing rules. It is never changed: other rules are another version. "
    "Needs routing:read."
)
@entity(t.routing_rulesets, visibility.routing_setup)
class RoutingRuleset(Node):
    """A ruleset."""

    id: strawberry.ID = id_of("RoutingRuleset")
    channel: Channel = one(lambda row, channel: channel.c.id == row.c.channel_id, "Whose orders it routes.")
    version: int = column("version", "Its number in its channel, from 1.")
    name: str = column("name", "What people call it.")
    mode: RulesetMode = column("mode", "Whether it decides.")
    rules: list[RoutingRule] = reads(
        Elements(
            _elements("rules", position=Integer(), name=Text(), currency=Text(), conditions=JSONB(), effect=JSONB())
        ),
        "Its rules in their order; at most 100.",
    )
    max_parcels: int | None = column("max_parcels", "The most parcels of one order; null for any number.")
    allow_split: bool = column("allow_split", "Whether an order may ship in several parcels.")
    split_lines: bool = column("split_lines", "Whether the units of one line may ship from several locations.")
    ship_complete: bool = column("ship_complete", "Whether an order that cannot be filled whole waits whole.")
    late_allowed: bool = column("late_allowed", "Whether a parcel may arrive after what was promised, at a price.")
    wait_for_capacity: bool = column(
        "wait_for_capacity", "Whether a location that has its day's parcels may be given more, for a day later."
    )
    lateness_per_day: Money = money("lateness_minor_per_day", "What each day late costs.")
    split_penalty: Money = money("split_minor", "What each parcel beyond the first costs.")
    markdowns: list[RoutingMarkdown] = reads(
        Elements(_elements("markdowns", location_id=Uuid(), minor=BigInteger(), currency=Text())),
        "Markdowns that threaten, by location; at most 100.",
    )
    weights: RoutingWeights = inline(lambda row: Values(weights=row.c.weights), "How much each term counts.")
    activated_at: datetime = column("activated_at", "Since when it held.")
    activated_by: Actor = actor("activated_by_kind", "activated_by", "Who activated it.")
    retired_at: datetime | None = column("retired_at", "Until when it held; null while it does.")


RULESET_SORTS: dict[str, tuple[Sort, bool]] = {"VERSION": (lambda row: [row.c.version], True)}

RULESET_FILTERS: dict[str, Condition] = {"mode": lambda row, given: row.c.mode == constant(given)}
