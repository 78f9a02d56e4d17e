"""Inputs about routing: what carriers charge, and a channel's rules."""

import strawberry

from domain.routing.network import RulesetMode
from domain.stock import LocationKind
from schema.common import CountryCode, CurrencyCode, MoneyInput
from schema.inputs import given, key, optional

# -- what carriers charge ------------------------------------------------------------------------------------------


@strawberry.input(
    description="What one service of a carrier charges for a parcel: base + kg × (perKg + perKgPer1000Km × km ÷ 1000). "
    "Amounts are decimal text in the table's currency."
)
class CarrierRateInput:
    """One rate."""

    service: str = given("What the carrier calls it, such as EXPRESS.")
    base: str = given("What every parcel costs, such as 12.90.")
    per_kg: str | None = optional("What each kilogram adds; nothing if left out.")
    per_kg_per_1000_km: str | None = optional("What each kilogram adds for each 1000 km; nothing if left out.")
    first_days: int = strawberry.field(
        default=1, description="Days that the shortest way takes: 0 to 365; 1 if left out."
    )
    km_per_day: float | None = optional("So many km more take one day more; if left out, it is as fast everywhere.")
    location_kinds: list[LocationKind] | None = optional("Who may use it; every kind if left out or empty.")
    location_codes: list[str] | None = optional("Who may use it; every location if left out or empty; at most 100.")
    countries: list[CountryCode] | None = optional("Where it goes; everywhere if left out or empty; at most 250.")
    max_weight_grams: int | None = optional("The heaviest parcel that it takes; any if left out.")
    takes_hazmat: bool = strawberry.field(default=True, description="Whether it takes dangerous goods.")


@strawberry.input(description="A carrier's whole table in one currency: what is not in it any more is gone.")
class CarrierRatesSetInput:
    """A table of rates."""

    idempotency_key: str = key()
    carrier: str = given("The carrier's code, as shipments name it.")
    currency: CurrencyCode = given("The currency of its amounts: it holds for channels that sell in it.")
    rates: list[CarrierRateInput] = given("0 to 100 rates. A service may have several: the cheapest that fits counts.")


# -- a channel's rules ---------------------------------------------------------------------------------------------


@strawberry.input(
    description="Which locations, lines and orders a rule is about. All that is given must hold; nothing given is all. "
    "Lists hold where one of their values does."
)
class RoutingRuleWhereInput:
    """A rule's condition."""

    location_kind: list[LocationKind] | None = optional("Locations of these kinds.")
    location_codes: list[str] | None = optional("These locations; at most 100.")
    location_tags: list[str] | None = optional("Locations with at least one of these tags; at most 20.")
    within_km: float | None = optional("Locations at most so far from the destination.")
    beyond_km: float | None = optional("Locations farther than that from the destination.")
    same_country: bool | None = optional("Locations in the destination's country; false: in another one.")
    same_region: bool | None = optional("Locations in the destination's country and region; false: outside of it.")
    destination_countries: list[CountryCode] | None = optional("Orders that go to these countries; at most 250.")
    destination_regions: list[str] | None = optional("Orders that go to these regions; at most 250.")
    services: list[str] | None = optional("Parcels that ship with these services; at most 20.")
    line_weight_above_grams: int | None = optional("Lines whose units together weigh more.")
    line_longest_above_mm: int | None = optional("Lines of units that are longer, on their longest side.")
    hazmat: bool | None = optional("Lines of dangerous goods; false: of all others.")
    order_value_above: MoneyInput | None = optional("Orders whose goods are worth more.")
    order_value_below: MoneyInput | None = optional("Orders whose goods are worth less.")


@strawberry.input(description="What a rule does: exactly one of these.")
class RoutingRuleEffectInput:
    """A rule's effect."""

    exclude: bool | None = optional("True: what the condition finds does not ship.")
    only: bool | None = optional("True: nobody else ships.")
    prefer: int | None = optional(
        "A rank, 1 to 100: the best rank that can fill the order ships it, whatever that costs; unranked locations are last."
    )
    surcharge: MoneyInput | None = optional(
        "Added to a parcel's cost for the comparison alone; taken off it where negative."
    )
    max_share: float | None = optional("The most of a day's parcels that ships from these locations together: 0 to 1.")
    min_parcel_value: MoneyInput | None = optional(
        "What a parcel from here is worth at least, unless it completes the order alone."
    )


@strawberry.input(description="One rule.")
class RoutingRuleInput:
    """A rule in its place."""

    name: str = given("What explanations call it: unique in its ruleset, 1 to 100 characters.")
    where: RoutingRuleWhereInput = given("What it is about.")
    effect: RoutingRuleEffectInput = given("What it does.")


@strawberry.input(
    description="How much each term counts in the comparison, as decimal text from 0 to 1000, such as 1.5; 1 if left out."
)
class RoutingWeightsInput:
    """Factors of the terms."""

    cost: str | None = optional("Of what carriers and locations charge.")
    lateness: str | None = optional("Of what being late costs.")
    split: str | None = optional("Of what more than one parcel costs.")
    stock: str | None = optional("Of what scarce stock and capacity will be worth to orders to come.")


@strawberry.input(description="What a unit that stays at a location will lose in price: it ships from there sooner.")
class RoutingMarkdownInput:
    """A markdown that threatens."""

    location_code: str = given("The location.")
    amount: MoneyInput = given("What each unit will lose.")


@strawberry.input(description="All rules of a channel: they take the place of those that hold now in the same mode.")
class RoutingRulesetInput:
    """A ruleset."""

    name: str = given("What people call it, 1 to 100 characters.")
    channel: str = given("The code of the channel whose orders it routes.")
    mode: RulesetMode = strawberry.field(
        default=RulesetMode.LIVE, description="LIVE decides; SHADOW is asked beside it, and decides nothing."
    )
    rules: list[RoutingRuleInput] = strawberry.field(
        default_factory=list, description="At most 100 rules; hard ones filter first, whatever their place."
    )
    max_parcels: int | None = optional("The most parcels of one order: 1 to 100; any number if left out.")
    allow_split: bool | None = optional("Whether an order may ship in several parcels; true if left out.")
    split_lines: bool | None = optional(
        "Whether the units of one line may ship from several locations; true if left out."
    )
    ship_complete: bool | None = optional("True: an order that cannot be filled whole waits whole; false if left out.")
    late_allowed: bool | None = optional(
        "Whether a parcel may arrive after what was promised, at a price; true if left out."
    )
    wait_for_capacity: bool | None = optional(
        "Whether a location that has its day's parcels may be given more, which leave a working day later; true if left out."
    )
    lateness_per_day: MoneyInput | None = optional("What each day late costs; 5.00 if left out.")
    split_penalty: MoneyInput | None = optional("What each parcel beyond the first costs; 5.00 if left out.")
    markdowns: list[RoutingMarkdownInput] | None = optional("Markdowns that threaten, by location; at most 100.")
    weights: RoutingWeightsInput | None = optional("How much each term counts.")


@strawberry.input(description="Rules that are to hold from now on.")
class RoutingRulesetActivateInput:
    """An activation."""

    idempotency_key: str = key()
    ruleset: RoutingRulesetInput = given("The rules.")


@strawberry.input(description="A ruleset that is to hold no longer.")
class RoutingRulesetRetireInput:
    """A retirement."""

    idempotency_key: str = key()
    id: strawberry.ID = given("The ruleset; where it was live, the built-in rules hold from now on.")
