"""Suggestions: what a location should order, or be sent by another, before it runs out; each with its numbers."""

from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, Integer, Numeric, Select, case, cast, func, literal_column, select, true

from domain.demand import LONG_DAYS
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope, Viewer
from resolvers.reading.arguments import Argument, Arguments, BadInput
from resolvers.reading.mapping import Row, Rows, Values, column, inline, one
from schema.catalog import Variant
from schema.stock import Location, age_days, incoming_units, rounded, today

LIMIT = 100
DAYS_LIMIT = 365


def _days(given: int) -> int:
    if not 0 <= given <= DAYS_LIMIT:
        raise BadInput(f"Days are 0 to {DAYS_LIMIT}, not {given}.")
    return given


def _most(given: int) -> int:
    if not 0 <= given <= LIMIT:
        raise BadInput(f"Of 0 to {LIMIT} variants, not {given}.")
    return given


def _number(given: Argument, via: Any) -> ColumnElement[int]:
    return given.bind(Integer(), via)


def _wanted(viewer: Viewer, location_id: Any) -> Any:
    """What was ordered at a location of late, by variant: whatever was not needs nothing."""
    counted = t.demand_days.alias()
    units = func.sum(counted.c.units)
    return (
        select(counted.c.variant_id, counted.c.location_id, units.label("units"))
        .where(
            counted.c.location_id == location_id, counted.c.day > today() - LONG_DAYS, visibility.stock(viewer, counted)
        )
        .group_by(counted.c.variant_id, counted.c.location_id)
        .having(units > 0)
        .subquery()
    )


def _lead_days(variant_id: Any, otherwise: Any) -> ColumnElement[int]:
    """The lead time of the supplier who was asked last."""
    line, bought, supplier = t.purchase_order_lines.alias(), t.purchase_orders.alias(), t.suppliers.alias()
    last = (
        select(supplier.c.lead_time_days)
        .where(
            line.c.variant_id == variant_id,
            bought.c.id == line.c.purchase_order_id,
            supplier.c.id == bought.c.supplier_id,
            supplier.c.lead_time_days.is_not(None),
        )
        .order_by(bought.c.created_at.desc())
        .limit(literal_column("1"))
    )
    return func.coalesce(last.correlate_except(line, bought, supplier).scalar_subquery(), otherwise)


def _ceiling(per_day: Any, days: Any) -> ColumnElement[int]:
    return cast(func.ceil(per_day * days), Integer)


def _short(viewer: Viewer, arguments: Arguments) -> Any:
    """Variants of which what is free and on its way will not last until more could come."""
    wanted = _wanted(viewer, arguments["locationId"].key("Location"))
    variant, level = t.variants.alias(), t.stock_levels.alias()
    days = func.least(literal_column(str(LONG_DAYS)), age_days(variant))
    sums = (
        select(
            variant.c.id.label("variant_id"),
            variant.c.sku,
            wanted.c.location_id,
            (cast(wanted.c.units, Numeric) / days).label("per_day"),
            func.coalesce(level.c.available, literal_column("0")).label("available"),
            func.coalesce(level.c.safety_stock, literal_column("0")).label("safety_stock"),
            incoming_units(variant.c.id, wanted.c.location_id).label("incoming"),
            _lead_days(variant.c.id, _number(arguments["leadTimeDays"], _days)).label("lead_days"),
        )
        .select_from(
            wanted.join(variant, variant.c.id == wanted.c.variant_id).outerjoin(
                level, (level.c.variant_id == wanted.c.variant_id) & (level.c.location_id == wanted.c.location_id)
            )
        )
        .offset(literal_column("0"))
        .subquery()
    )
    cover = _number(arguments["coverDays"], _days)
    stands = select(
        *sums.c,
        _ceiling(sums.c.per_day, sums.c.lead_days).label("reorder_point"),
        _ceiling(sums.c.per_day, sums.c.lead_days + cover).label("order_up_to"),
    ).subquery()
    has = stands.c.available + stands.c.incoming
    return (
        select(*stands.c, (stands.c.order_up_to - has).label("needed"))
        .where(has <= stands.c.reorder_point, stands.c.order_up_to > has)
        .subquery()
    )


def _donor(short: Row, cover: Any) -> Any:
    """The location with most beyond what it needs itself for as long, if there is one."""
    other, counted, variant = t.stock_levels.alias(), t.demand_days.alias(), t.variants.alias()
    units = select(func.coalesce(func.sum(counted.c.units), 0)).where(
        counted.c.variant_id == other.c.variant_id,
        counted.c.location_id == other.c.location_id,
        counted.c.day > today() - LONG_DAYS,
    )
    days = func.least(literal_column(str(LONG_DAYS)), age_days(variant))
    per_day = cast(units.correlate_except(counted).scalar_subquery(), Numeric) / days
    others = (
        select(other.c.location_id, other.c.available, per_day.label("per_day"))
        .where(
            other.c.variant_id == short.c.variant_id,
            other.c.location_id != short.c.location_id,
            other.c.available > 0,
            variant.c.id == other.c.variant_id,
        )
        .correlate_except(other, variant)
        .offset(literal_column("0"))
        .subquery()
    )
    excess = others.c.available - _ceiling(others.c.per_day, short.c.lead_days + cover)
    return (
        select(
            others.c.location_id.label("donor_id"),
            others.c.available.label("donor_available"),
            others.c.per_day.label("donor_per_day"),
            excess.label("excess"),
        )
        .where(excess > 0)
        .order_by(excess.desc(), others.c.location_id)
        .limit(literal_column("1"))
        .lateral()
    )


def _suggestions(_row: Row, viewer: Viewer, arguments: Arguments) -> Select[Any]:
    short = _short(viewer, arguments)
    donor = _donor(short, _number(arguments["coverDays"], _days))
    spared = func.least(donor.c.excess, short.c.needed)
    sent = case((donor.c.donor_id.is_not(None), spared), else_=literal_column("0"))
    return (
        select(*short.c, *donor.c, sent.label("sent"), (short.c.needed - sent).label("quantity"))
        .select_from(short.outerjoin(donor, true()))
        .order_by((short.c.available + short.c.incoming) / short.c.per_day, short.c.sku)
        .limit(arguments["first"].bind(Integer(), _most))
    )


@strawberry.type(description="Units that another location has beyond what it needs itself.")
class TransferSuggestion:
    """Where from, how many, and why they can be spared."""

    from_location: Location = one(lambda row, place: place.c.id == row.c.donor_id, "Who has them.")
    quantity: int = column("sent", "Units to send.")
    available: int = column("donor_available", "Units that are free there.")
    per_day: float = column(lambda row: rounded(row.c.donor_per_day, 3), "Units a day that are ordered there.")


@strawberry.type(
    description="A variant that will run out at a location before more could come: reorderPoint = perDay × leadTimeDays, "
    "orderUpTo = perDay × (leadTimeDays + coverDays), both rounded up; available and incoming together are no more than "
    "the first and are filled up to the second. Safety stock stands beside: it is set aside already."
)
class StockSuggestion:
    """What to order or to move, with the numbers that say so."""

    variant: Variant = one(lambda row, variant: variant.c.id == row.c.variant_id, "What runs out.")
    location: Location = one(lambda row, place: place.c.id == row.c.location_id, "Where.")
    quantity: int = column("quantity", "Units to order from a supplier, besides those that can be sent from elsewhere.")
    transfer: TransferSuggestion | None = inline(
        lambda row: Values(
            **{each: getattr(row.c, each) for each in ("donor_id", "donor_available", "donor_per_day", "sent")}
        ),
        "Units to have sent by the location with most to spare; null where none has.",
        present=lambda row: row.c.donor_id,
    )
    available: int = column("available", "Units that are free here.")
    incoming: int = column("incoming", "Units on their way here.")
    safety_stock: int = column("safety_stock", "Units set aside here.")
    per_day: float = column(lambda row: rounded(row.c.per_day, 3), "Units a day that are ordered here.")
    lead_time_days: int = column(
        "lead_days", "Days until more can come: of the supplier who was asked last, or as given."
    )
    reorder_point: int = column("reorder_point", "With this many or fewer it is time.")
    order_up_to: int = column("order_up_to", "As many as there should be then.")
    days_of_cover: float = column(
        lambda row: rounded((row.c.available + row.c.incoming) / row.c.per_day, 1),
        "For how many days what is free and on its way will do.",
    )


SUGGESTIONS = Rows(_suggestions, LIMIT, Scope.STOCK_READ)

Days = Annotated[
    int, strawberry.argument(description="For how many days beyond the lead time there should be enough: 0 to 365.")
]
LeadDays = Annotated[int, strawberry.argument(description="Days until more can come where no supplier says: 0 to 365.")]
Most = Annotated[int, strawberry.argument(description="How many variants: 0 to 100.")]
