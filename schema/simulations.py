"""What if: the production router over past orders, with other rules; and what rules in shadow would have done."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, Numeric, Uuid, any_, case, cast, func
from sqlalchemy import column as named

from domain.routing.simulation import SimulationStatus
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import Elements, Row, Values, asks, column, inline, many, one, reads
from schema.catalog import Channel
from schema.common import Actor, First, Money, Node, actor, as_float, entity, id_of, optional_money, words
from schema.fulfillment import CHOSEN, UNFILLED, RoutingChoice, RoutingGap
from schema.orders import Order
from schema.routing import RoutingRuleset
from schema.stock import Location

words(SimulationStatus, name="RoutingSimulationStatus")

LOCATIONS_LIMIT = 100


def _of(name: str, type_: Any, description: str) -> Any:
    """A leaf out of the row's document."""
    return column(lambda row: cast(row.c.doc[name].astext, type_), description)


def _float(name: str, description: str) -> Any:
    return column(lambda row: as_float(row.c.doc[name].astext), description)


def _minor(name: str) -> Any:
    return lambda row: cast(row.c.doc[name].astext, BigInteger)


@strawberry.type(description="What one set of rules comes to over many orders.")
class RoutingFigures:
    """One side of a comparison."""

    cost: Money | None = optional_money(
        _minor("cost_minor"),
        lambda row: row.c.currency,
        "Carriers, packing and handling of all parcels; no penalty, nothing weighed. Null where nobody said what carriers "
        "charge.",
    )
    parcels: int = _of("parcels", Integer(), "Parcels.")
    split_rate: float | None = _float("split_rate", "Orders in several parcels by orders that ship; 0 to 1.")
    on_time_rate: float | None = _float(
        "on_time_rate",
        "Orders that arrive whole and by the moment promised to their buyers, by orders with a promise; 0 to 1. "
        "Null where none had one, or nobody said how long carriers take.",
    )
    average_distance_km: float | None = _float(
        "average_distance_km", "How far a parcel goes on average, as the crow flies; null where not known."
    )
    unfilled_units: int = _of("unfilled_units", Integer(), "Units that no location could take: they cost nothing here.")


def _figures(side: str, description: str) -> Any:
    return inline(lambda row: Values(doc=row.c.doc[side], currency=row.c.doc["currency"].astext), description)


def _among(side: str) -> Any:
    return lambda change, location: location.c.id == any_(getattr(change.c, side))


@strawberry.type(description="An order that would ship otherwise.")
class RoutingChange:
    """An element of a simulation's changes."""

    order: Order | None = one(
        lambda change, order: order.c.id == change.c.order_id, "The order.", follows=visibility.NOBODY
    )
    from_: list[Location] = many(
        _among("ships_from"), lambda location: [location.c.code],
        "From where it ships by the current rules; at most 100.", limit=LOCATIONS_LIMIT, name="from",
    )  # fmt: skip
    to: list[Location] = many(
        _among("ships_to"), lambda location: [location.c.code],
        "From where it would ship by the others; at most 100.", limit=LOCATIONS_LIMIT,
    )  # fmt: skip
    cost_delta: Money | None = optional_money(
        lambda change: change.c.delta_minor,
        lambda change: change.c.currency,
        "What it would cost more; less, where negative. Null where nobody said what carriers charge.",
    )


_CHANGED = Elements(
    lambda row: func.jsonb_to_recordset(row.c.doc["changed"]).table_valued(
        named("order_id", Uuid()),
        named("ships_from", ARRAY(Uuid())),
        named("ships_to", ARRAY(Uuid())),
        named("delta_minor", BigInteger()),
        named("currency", t.orders.c.currency.type),
    )
)


@strawberry.type(description="What other rules would have made of past orders, on the stock of today.")
class RoutingSimulation:
    """A simulation's result: one JSON document."""

    orders: int = _of("orders", Integer(), "The orders that were looked at.")
    current: RoutingFigures = _figures("current", "What the rules come to that decide today.")
    proposed: RoutingFigures = _figures("proposed", "What the other rules come to.")
    changed_count: int = _of("changed_count", Integer(), "The orders that would ship otherwise.")

    @asks(
        _CHANGED,
        "The orders that would ship otherwise: those whose costs differ most come first; at most 100.",
    )
    def changed(self, first: First = None) -> list[RoutingChange]:
        """The changes."""


@strawberry.type(description="A simulation that is too large to be waited for.")
@entity(t.routing_simulations, visibility.routing_setup)
class RoutingSimulationJob(Node):
    """A row of the simulations."""

    id: strawberry.ID = id_of("RoutingSimulationJob")
    status: SimulationStatus = column("status", "How far it is.")
    progress: float = column(
        lambda row: as_float(func.round(cast(row.c.processed, Numeric) / func.greatest(row.c.total, 1), 4)),
        "How much is done, 0 to 1.",
    )
    processed: int = column("processed", "Orders that were looked at so far.")
    total: int = column("total", "Orders to look at.")
    channel: Channel = one(lambda row, channel: channel.c.id == row.c.channel_id, "The channel.")
    ruleset_name: str = column("ruleset_name", "What the proposed rules are called.")
    placed_from: datetime = column("placed_from", "The orders' first moment.")
    placed_to: datetime = column("placed_to", "The moment before which they were placed.")
    requested_at: datetime = column("requested_at", "When it was asked for.")
    requested_by: Actor = actor("requested_by_kind", "requested_by", "Who asked for it.")
    finished_at: datetime | None = column("finished_at", "When it ended; null while it has not.")
    error: str | None = column("error", "Why it failed; null where it did not.")
    simulation: RoutingSimulation | None = inline(
        lambda row: Values(doc=row.c.result), "What came of it; null while it runs.", present=lambda row: row.c.result
    )


# -- rules in shadow -----------------------------------------------------------------------------------------------


def _delta(row: Row) -> ColumnElement[Any]:
    """Null where the first parcel has no carrier: then nobody said what they charge."""
    live, shadow = (cast(side["cost_minor"].astext, BigInteger) for side in (row.c.live, row.c.shadow))
    return case((row.c.chosen[0]["carrier"].astext.is_not(None), shadow - live))


@strawberry.type(description="What the rules in shadow would have decided: nothing came of it.")
@entity(t.routing_shadows, visibility.routing)
class RoutingShadow:
    """A decision beside the one that holds."""

    ruleset: RoutingRuleset = one(lambda row, ruleset: ruleset.c.id == row.c.ruleset_id, "The rules.")
    strategy: str = column("strategy", "The rule that decided, such as LEAST_COST.")
    changed: bool = column("changed", "Whether anything would have shipped from elsewhere.")
    cost_delta: Money | None = optional_money(
        _delta,
        lambda row: row.c.currency,
        "What the parcels would have cost more; less, where negative. Null where there would have been none, or nobody said "
        "what carriers charge.",
    )
    chosen: list[RoutingChoice] = reads(Elements(CHOSEN), "The locations that would have shipped; at most 100.")
    unfilled: list[RoutingGap] = reads(Elements(UNFILLED), "Units that no location could have taken; at most 100.")


@strawberry.type(description="What rules in shadow would have saved over a time.")
class RoutingShadowReport:
    """A report: one JSON document."""

    decisions: int = _of("decisions", Integer(), "The decisions that they were asked about.")
    orders: int = _of("orders", Integer(), "The orders that these decisions are about.")
    changed_count: int = _of("changed_count", Integer(), "The decisions that would have been others.")
    waiting: int = _of("waiting", Integer(), "The decisions that they are still to be asked about: not in the figures.")
    current: RoutingFigures = _figures("current", "What was decided.")
    shadow: RoutingFigures = _figures("shadow", "What they would have decided.")
    saved: Money | None = optional_money(
        _minor("saved_minor"),
        lambda row: row.c.doc["currency"].astext,
        "What the parcels would have cost less; negative where they would have cost more. Null where nobody said what "
        "carriers charge.",
    )
