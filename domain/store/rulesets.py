"""Rulesets at rest: a channel's versions, and rules as JSON under the names that they have in `domain/routing/network.py`."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.routing.network import Effect, Rule, Ruleset, RulesetMode, Weights, Where
from domain.rulesets import Place
from domain.stock import LocationKind

PLACES = """
    select l.id, l.code, l.kind, l.tags from locations l
    join location_channels lc on lc.location_id = l.id and lc.channel_id = $1
"""

LOCK_CHANNEL = "select id from channels where id = $1 for no key update"
"""Whoever activates at the same time waits for the channel."""

LATEST = "select coalesce(max(version), 0) from routing_rulesets where channel_id = $1"

RETIRE = """
    update routing_rulesets set mode = 'RETIRED', retired_at = $3, event_sequence = event_sequence + 1
    where channel_id = $1 and mode = $2
    returning id, name, version, event_sequence
"""

CURRENT = """
    select r.id, r.channel_id, r.mode from routing_rulesets r join channels c on c.id = r.channel_id
    where r.id = $1 for no key update of c
"""


async def places_of(connection: Any, channel_id: UUID) -> dict[str, Place]:
    """The locations that serve a channel, by code."""
    rows = await connection.fetch(PLACES, channel_id)
    return {
        row["code"]: Place(row["id"], row["code"], LocationKind(row["kind"]), frozenset(row["tags"])) for row in rows
    }


async def next_version(connection: Any, channel_id: UUID) -> int:
    """The number of the ruleset to come; the channel's rules are locked."""
    await connection.fetchval(LOCK_CHANNEL, channel_id)
    latest: int = await connection.fetchval(LATEST, channel_id)
    return latest + 1


async def retire(connection: Any, channel_id: UUID, mode: str, at: datetime) -> Any | None:
    """End whatever holds in a mode; gives its id, name, version and how many events it has had."""
    return await connection.fetchrow(RETIRE, channel_id, mode, at)


async def lock(connection: Any, id_: UUID) -> Any | None:
    """A ruleset's channel and mode; the channel's rules are locked."""
    return await connection.fetchrow(CURRENT, id_)


# -- as JSON -------------------------------------------------------------------------------------------------------

LISTS = frozenset(each.name for each in fields(Where) if getattr(Where(), each.name) == frozenset())


def columns_of(ruleset: Ruleset, currency: str) -> dict[str, Any]:
    """What of a ruleset stands in columns of its row. Each part names the currency, because it is read by itself."""
    return {
        "version": ruleset.version,
        "name": ruleset.name,
        "mode": ruleset.mode.value,
        "currency": currency,
        "rules": [_rule_json(position, rule, currency) for position, rule in enumerate(ruleset.rules, start=1)],
        "max_parcels": ruleset.max_parcels,
        "allow_split": ruleset.allow_split,
        "split_lines": ruleset.split_lines,
        "ship_complete": ruleset.ship_complete,
        "late_allowed": ruleset.late_allowed,
        "wait_for_capacity": ruleset.wait_for_capacity,
        "lateness_minor_per_day": round(ruleset.lateness_minor_per_day),
        "split_minor": round(ruleset.split_minor),
        "markdowns": [
            {"location_id": str(id_), "minor": round(minor), "currency": currency}
            for id_, minor in sorted(ruleset.markdown_minor.items())
        ],
        "weights": {name: f"{weight:.10g}" for name, weight in asdict(ruleset.weights).items()},
    }


def _rule_json(position: int, rule: Rule, currency: str) -> dict[str, Any]:
    return {
        "position": position,
        "name": rule.name,
        "currency": currency,
        "conditions": _given(rule.where, Where()),
        "effect": _given(rule.effect, Effect()),
    }


def _given(values: Any, nothing: Any) -> dict[str, Any]:
    found = {each.name: getattr(values, each.name) for each in fields(values)}
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in found.items()
        if value != getattr(nothing, name)
    }


def ruleset_of(row: Mapping[str, Any]) -> Ruleset:
    """A ruleset out of its row."""
    return Ruleset(
        id=UUID(str(row["id"])),
        version=row["version"],
        name=row["name"],
        mode=RulesetMode(row["mode"]),
        rules=tuple(map(_rule, row["rules"])),
        max_parcels=row["max_parcels"],
        allow_split=row["allow_split"],
        split_lines=row["split_lines"],
        ship_complete=row["ship_complete"],
        late_allowed=row["late_allowed"],
        wait_for_capacity=row["wait_for_capacity"],
        lateness_minor_per_day=float(row["lateness_minor_per_day"]),
        split_minor=float(row["split_minor"]),
        markdown_minor={UUID(each["location_id"]): float(each["minor"]) for each in row["markdowns"]},
        weights=Weights(**{name: float(weight) for name, weight in row["weights"].items()}),
    )


def _rule(kept: Mapping[str, Any]) -> Rule:
    conditions: dict[str, Any] = {
        name: frozenset(value) if name in LISTS else value for name, value in kept["conditions"].items()
    }
    kinds = frozenset(map(LocationKind, conditions.pop("location_kind", ())))
    return Rule(kept["name"], Where(location_kind=kinds, **conditions), Effect(**kept["effect"]))
