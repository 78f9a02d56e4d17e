"""What routing goes by: carriers' rates, and rulesets, activated and retired."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import ids
from domain.events import Event, EventType
from domain.ids import new_id
from domain.model import Decided
from domain.money import parse
from domain.refusals import CurrencyMismatch, InvalidInput, InvalidTransition, NotFound
from domain.routing.network import Effect, Rule, Ruleset, RulesetMode, Weights, Where
from domain.rulesets import Place, refuse_odd_rules
from domain.store import carriers, setup
from domain.store import rulesets as stored
from domain.viewer import Scope
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.routing import (
        CarrierRatesSetInput,
        RoutingRulesetActivateInput,
        RoutingRulesetInput,
        RoutingRulesetRetireInput,
        RoutingRuleWhereInput,
    )

# -- what carriers charge ------------------------------------------------------------------------------------------

RATES_LIMIT = 100
CODE_LIMIT = 100
DAYS_LIMIT = 365


@verb("carrierRatesSet", Scope.ROUTING_WRITE)
async def set_rates(work: Work, input: CarrierRatesSetInput) -> Outcome:
    """Put a carrier's whole table of a currency in the place of the former one."""
    carrier = _name(input.carrier, "carrier")
    if len(input.rates) > RATES_LIMIT:
        raise InvalidInput(f"at most {RATES_LIMIT} rates", field=("rates",))
    places = await carriers.locations_by_code(work.connection, _codes_of(input))
    rows = [
        _rate(rate, carrier, input.currency, index, places, ("rates", str(index)))
        for index, rate in enumerate(input.rates)
    ]

    await carriers.replace_rates(work.connection, carrier, input.currency, rows)
    return Outcome({"rates": [row["id"] for row in rows]})


def _codes_of(input: CarrierRatesSetInput) -> list[str]:
    return sorted({code for rate in input.rates for code in rate.location_codes or ()})


def _rate(
    rate: Any, carrier: str, currency: str, index: int, places: dict[str, UUID], place: tuple[str, ...]
) -> dict[str, Any]:
    for code in rate.location_codes or ():
        if code not in places:
            raise NotFound("Location", code, field=(*place, "locationCodes"))
    if not 0 <= rate.first_days <= DAYS_LIMIT:
        raise InvalidInput(f"a parcel takes 0 to {DAYS_LIMIT} days", field=(*place, "firstDays"))
    if rate.km_per_day is not None and not 0 < rate.km_per_day < float("inf"):
        raise InvalidInput("a parcel goes some way each day", field=(*place, "kmPerDay"))
    if rate.max_weight_grams is not None and rate.max_weight_grams < 0:
        raise InvalidInput("a weight is not negative", field=(*place, "maxWeightGrams"))
    return {
        "id": new_id(),
        "carrier": carrier,
        "currency": currency,
        "position": index + 1,
        "service": _name(rate.service, *place, "service"),
        "base_minor": _charge(rate.base, currency, *place, "base"),
        "per_kg_minor": _charge(rate.per_kg or "0", currency, *place, "perKg"),
        "per_kg_1000km_minor": _charge(rate.per_kg_per_1000_km or "0", currency, *place, "perKgPer1000Km"),
        "first_days": rate.first_days,
        "km_per_day": rate.km_per_day,
        "location_kinds": _sorted(rate.location_kinds),
        "location_ids": sorted({places[code] for code in rate.location_codes or ()}),
        "countries": _sorted(rate.countries),
        "max_weight_grams": rate.max_weight_grams,
        "takes_hazmat": rate.takes_hazmat,
    }


def _charge(text: str, currency: str, *place: str) -> int:
    """An amount of the table; refused where it stands, not where money is read."""
    try:
        minor = parse(text, currency).minor
    except InvalidInput as error:
        raise InvalidInput(error.reason, field=place) from None
    if minor < 0:
        raise InvalidInput("a charge is not negative", field=place)
    return minor


def _sorted(words: Iterable[str] | None) -> list[str]:
    return sorted({str(word) for word in words or ()})


def _name(text: str, *place: str) -> str:
    if not 0 < len(text.strip()) <= CODE_LIMIT:
        raise InvalidInput(f"a {place[-1]} has 1 to {CODE_LIMIT} characters", field=place)
    return text.strip()


# -- rulesets ------------------------------------------------------------------------------------------------------


@verb("routingRulesetActivate", Scope.ROUTING_WRITE)
async def activate(work: Work, input: RoutingRulesetActivateInput) -> Outcome:
    """Let rules hold from now on; those that held in the same mode are retired."""
    channel_id, currency, ruleset = await read_ruleset(work.connection, input.ruleset, ("ruleset",))
    version = await stored.next_version(work.connection, channel_id)
    former = await stored.retire(work.connection, channel_id, ruleset.mode.value, work.act.recorded_at)

    id_ = new_id()
    events = [_told(EventType.ROUTING_RULESET_ACTIVATED, id_, channel_id, ruleset.name, version, 1)]
    if former is not None:
        events.insert(0, _retired(former, channel_id))
    columns = stored.columns_of(replace(ruleset, version=version), currency) | {
        "id": id_,
        "channel_id": channel_id,
        "activated_at": work.act.recorded_at,
        "activated_by_kind": work.act.actor_kind,
        "activated_by": work.act.actor_name,
        "event_sequence": 1,
    }
    work.changes.insert("routing_rulesets", **columns)
    work.store(None, Decided(events=tuple(events)))
    return Outcome({"ruleset": id_})


@verb("routingRulesetRetire", Scope.ROUTING_WRITE)
async def retire(work: Work, input: RoutingRulesetRetireInput) -> Outcome:
    """End a ruleset; a live one leaves the built-in rules."""
    key = ids.decode("RoutingRuleset", input.id)
    found = await stored.lock(work.connection, key) if key else None
    if found is None:
        raise NotFound("RoutingRuleset", input.id, field=("id",))
    if found["mode"] == RulesetMode.RETIRED:
        raise InvalidTransition(found["mode"], "RETIRE", ())
    former = await stored.retire(work.connection, found["channel_id"], found["mode"], work.act.recorded_at)
    work.store(None, Decided(events=(_retired(former, found["channel_id"]),)))
    return Outcome({"ruleset": key})


def _retired(former: Any, channel_id: UUID) -> Event:
    return _told(
        EventType.ROUTING_RULESET_RETIRED,
        former["id"],
        channel_id,
        former["name"],
        former["version"],
        former["event_sequence"],
    )


def _told(type_: EventType, id_: UUID, channel_id: UUID, name: str, version: int, sequence: int) -> Event:
    ended = "activated" if type_ is EventType.ROUTING_RULESET_ACTIVATED else "retired"
    message = f"Version {version} of the routing rules, {name}, was {ended}."
    data = {"name": name, "version": version}
    return Event(type_, "RoutingRuleset", id_, message, data, channel_id=channel_id, sequence=sequence)


async def read_ruleset(
    connection: Any, input: RoutingRulesetInput, place: tuple[str, ...]
) -> tuple[UUID, str, Ruleset]:
    """(channel, currency, rules) of what somebody wrote, once it is sure that it can be meant. `place` is where it stands."""
    channels = await setup.channels_by_code(connection, [input.channel])
    if input.channel not in channels:
        raise NotFound("Channel", input.channel, field=(*place, "channel"))
    if input.mode is RulesetMode.RETIRED:
        raise InvalidInput("a ruleset is LIVE or SHADOW; to end one, retire it", field=(*place, "mode"))
    channel_id, currency = channels[input.channel]
    places = await stored.places_of(connection, channel_id)
    ruleset = _Reader(currency, places).ruleset(input, place)
    refuse_odd_rules(ruleset, places, place)
    return channel_id, currency, ruleset


WEIGHT = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?")
WEIGHT_LIMIT = 1_000
LISTS = {
    "location_codes": 100,
    "location_tags": 20,
    "destination_countries": 250,
    "destination_regions": 250,
    "services": 20,
}
"""How long a condition's lists may get."""


class _Reader:
    """Reads a ruleset for a channel: its amounts are in the channel's currency, its codes the channel's locations'."""

    def __init__(self, currency: str, places: dict[str, Place]) -> None:
        self.currency = currency
        self.places = places

    def ruleset(self, input: RoutingRulesetInput, at: tuple[str, ...]) -> Ruleset:
        rules = tuple(self._rule(rule, (*at, "rules", str(index))) for index, rule in enumerate(input.rules))
        given: dict[str, Any] = {
            "max_parcels": input.max_parcels,
            "allow_split": input.allow_split,
            "split_lines": input.split_lines,
            "ship_complete": input.ship_complete,
            "late_allowed": input.late_allowed,
            "wait_for_capacity": input.wait_for_capacity,
            "lateness_minor_per_day": self._minor(input.lateness_per_day, (*at, "latenessPerDay")),
            "split_minor": self._minor(input.split_penalty, (*at, "splitPenalty")),
        }
        return Ruleset(
            name=input.name.strip(),
            mode=input.mode,
            rules=rules,
            markdown_minor=self._markdowns(input.markdowns or [], at),
            weights=self._weights(input.weights, (*at, "weights")),
            **{name: value for name, value in given.items() if value is not None},
        )

    def _rule(self, rule: Any, at: tuple[str, ...]) -> Rule:
        effect = rule.effect
        surcharge = self._minor(effect.surcharge, (*at, "effect", "surcharge"), may_be_negative=True)
        return Rule(
            name=rule.name.strip(),
            where=self._where(rule.where, (*at, "where")),
            effect=Effect(
                exclude=bool(effect.exclude),
                only=bool(effect.only),
                prefer=effect.prefer,
                surcharge_minor=surcharge,
                max_share=effect.max_share,
                min_parcel_value_minor=self._minor(effect.min_parcel_value, (*at, "effect", "minParcelValue")),
            ),
        )

    def _where(self, where: RoutingRuleWhereInput, at: tuple[str, ...]) -> Where:
        for name, most in LISTS.items():
            if len(getattr(where, name) or ()) > most:
                camel = re.sub(r"_(.)", lambda found: found[1].upper(), name)
                raise InvalidInput(f"at most {most} of them", field=(*at, camel))
        return Where(
            location_kind=frozenset(where.location_kind or ()),
            location_codes=frozenset(where.location_codes or ()),
            location_tags=frozenset(where.location_tags or ()),
            within_km=where.within_km,
            beyond_km=where.beyond_km,
            same_country=where.same_country,
            same_region=where.same_region,
            destination_countries=frozenset(where.destination_countries or ()),
            destination_regions=frozenset(where.destination_regions or ()),
            services=frozenset(where.services or ()),
            line_weight_above_grams=where.line_weight_above_grams,
            line_longest_above_mm=where.line_longest_above_mm,
            hazmat=where.hazmat,
            order_value_above_minor=self._minor(where.order_value_above, (*at, "orderValueAbove")),
            order_value_below_minor=self._minor(where.order_value_below, (*at, "orderValueBelow")),
        )

    def _minor(self, given: Any, at: tuple[str, ...], *, may_be_negative: bool = False) -> int | None:
        if given is None:
            return None
        if given.currency != self.currency:
            raise CurrencyMismatch(self.currency, given.currency, field=(*at, "currency"))
        try:
            minor = parse(given.amount, given.currency).minor
        except InvalidInput as error:
            raise InvalidInput(error.reason, field=(*at, "amount")) from None
        if minor < 0 and not may_be_negative:
            raise InvalidInput("this amount is not negative", field=(*at, "amount"))
        return minor

    def _markdowns(self, markdowns: list[Any], at: tuple[str, ...]) -> dict[UUID, float]:
        if len(markdowns) > LISTS["location_codes"]:
            raise InvalidInput(f"at most {LISTS['location_codes']} of them", field=(*at, "markdowns"))
        found: dict[UUID, float] = {}
        for index, markdown in enumerate(markdowns):
            place = (*at, "markdowns", str(index))
            if markdown.location_code not in self.places:
                raise NotFound("Location", markdown.location_code, field=(*place, "locationCode"))
            key = self.places[markdown.location_code].id
            if key in found:
                raise InvalidInput(f"{markdown.location_code} is named twice", field=(*place, "locationCode"))
            found[key] = float(self._minor(markdown.amount, (*place, "amount")) or 0)
        return found

    def _weights(self, weights: Any, at: tuple[str, ...]) -> Weights:
        given = {name: getattr(weights, name, None) for name in ("cost", "lateness", "split", "stock")}
        for name, text in given.items():
            if text is not None and not (WEIGHT.fullmatch(text) and float(text) <= WEIGHT_LIMIT):
                reason = f"a weight is a plain decimal from 0 to {WEIGHT_LIMIT}, like 1.5"
                raise InvalidInput(reason, field=(*at, name))
        return Weights(**{name: float(text) for name, text in given.items() if text is not None})
