"""What a channel can sell of a variant, as SQL: now, ahead of supply, and with what comes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, cast, func, literal_column, or_, select

from domain.store import tables as t
from resolvers.reading.mapping import Row
from schema.arrivals import this_minute

# -- what is there ---------------------------------------------------------------------------------------------------


def _available(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units of a variant that lie free where the channel ships from."""
    level, serves = t.stock_levels.alias(), t.location_channels.alias()
    units = select(func.coalesce(func.sum(level.c.available), 0)).where(
        level.c.variant_id == variant_id,
        serves.c.location_id == level.c.location_id,
        serves.c.channel_id == channel_id,
    )
    return units.correlate_except(level, serves).scalar_subquery()


def _threshold(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units that the channel does not sell: the variant's own threshold, or that of all others."""
    kept = t.channel_thresholds.alias()
    units = (
        select(kept.c.units)
        .where(kept.c.channel_id == channel_id, or_(kept.c.variant_id == variant_id, kept.c.variant_id.is_(None)))
        .order_by(kept.c.variant_id.is_(None))
        .limit(literal_column("1"))
    )
    return func.coalesce(units.correlate_except(kept).scalar_subquery(), literal_column("0"))


def _is_ahead(variant: Row) -> ColumnElement[bool]:
    """Whether nothing is given out of stock yet: before the release, and until those who waited for it have theirs."""
    early = or_(variant.c.releases_at > func.now(), _waiting(variant.c.id) > 0)
    return and_(variant.c.backorder_policy == "PREORDER", early)


def _free(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units of one variant that a channel can promise, taken by itself."""
    variant = t.variants.alias()
    ahead = select(variant.c.id).where(variant.c.id == variant_id, _is_ahead(variant)).correlate_except(variant)
    left = _available(variant_id, channel_id) - _threshold(variant_id, channel_id)
    free: ColumnElement[int] = case(
        (ahead.exists(), literal_column("0")), else_=func.greatest(literal_column("0"), left)
    )
    return free


def _by_components(kit_id: Any, of_one: Callable[[Row], Any], *, together: Callable[..., Any]) -> ColumnElement[Any]:
    """What the components of a kit come to together; null of a variant that is none."""
    part = t.kit_components.alias()
    found = select(together(of_one(part))).where(part.c.kit_variant_id == kit_id)
    return found.correlate_except(part).scalar_subquery()


def sellable(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units that a channel can promise now; of a kit, as many as its scarcest component is enough for."""

    def kits(part: Row) -> ColumnElement[int]:
        return func.div(_free(part.c.component_variant_id, channel_id), part.c.quantity)

    return cast(
        func.coalesce(_by_components(variant_id, kits, together=func.min), _free(variant_id, channel_id)), Integer
    )


def _waiting(variant_id: Any) -> ColumnElement[int]:
    """Units that orders of any channel wait for: whatever comes is theirs first."""
    line = t.order_lines.alias()
    units = select(func.coalesce(func.sum(line.c.backordered), 0)).where(
        line.c.variant_id == variant_id, line.c.backordered > 0
    )
    return units.correlate_except(line).scalar_subquery()


def backorderable(variant: Row) -> ColumnElement[int | None]:
    """Units that may be sold ahead of supply: what the limit leaves, all that anybody wants (null), or none."""
    ahead = or_(variant.c.backorder_policy == "BACKORDER", _is_ahead(variant))
    left = case(
        (
            variant.c.backorder_limit.is_not(None),
            func.greatest(literal_column("0"), variant.c.backorder_limit - _waiting(variant.c.id)),
        ),
    )
    return case((ahead, cast(left, Integer)), else_=literal_column("0"))


# -- what comes ------------------------------------------------------------------------------------------------------


def _left(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units that are free now once orders have what they wait for and the threshold is off: often less than nothing."""
    left: ColumnElement[int] = (
        _available(variant_id, channel_id) - _threshold(variant_id, channel_id) - _waiting(variant_id)
    )
    return left


def _arriving(variant_id: Any, channel_id: Any) -> Any:
    """Supply on its way to where the channel ships from, with all that has arrived by then."""
    supply, serves = t.incoming.alias(), t.location_channels.alias()
    sums = func.sum(supply.c.quantity).over(order_by=[supply.c.expected_at, supply.c.id])
    found = select(supply.c.expected_at, supply.c.id, sums.label("units")).where(
        supply.c.variant_id == variant_id,
        serves.c.location_id == supply.c.location_id,
        serves.c.channel_id == channel_id,
    )
    return found.correlate_except(supply, serves).subquery()


def _there_at(variant_id: Any, channel_id: Any, needed: Any) -> ColumnElement[datetime]:
    """When so many units can be sold: now, after the first arrival that is enough, or at the release; null if never."""
    comes = _arriving(variant_id, channel_id)
    first = (
        select(comes.c.expected_at)
        .where(comes.c.units + _left(variant_id, channel_id) >= needed)
        .order_by(comes.c.expected_at, comes.c.id)
        .limit(literal_column("1"))
    )
    later = first.correlate_except(comes).scalar_subquery()
    at = case((_left(variant_id, channel_id) >= needed, this_minute()), else_=func.greatest(later, this_minute()))
    early = t.variants.alias()
    release = select(early.c.releases_at).where(early.c.id == variant_id, early.c.backorder_policy == "PREORDER")
    known = or_(_left(variant_id, channel_id) >= needed, later.is_not(None))
    return case((known, func.greatest(at, release.correlate_except(early).scalar_subquery())))


def _by_then(variant_id: Any, channel_id: Any, at: Any) -> ColumnElement[int]:
    """Units that are free when all is there that is expected by a moment."""
    comes = _arriving(variant_id, channel_id)
    units = select(func.coalesce(func.max(comes.c.units), literal_column("0"))).where(comes.c.expected_at <= at)
    free: ColumnElement[int] = _left(variant_id, channel_id) + units.correlate_except(comes).scalar_subquery()
    return free


def next_sellable(variant: Row, channel: Row) -> ColumnElement[Any]:
    """The first moment at which one can be sold, and how many can then; a kit waits for the last of its components."""

    def part_at(part: Row) -> ColumnElement[Any]:
        return _there_at(part.c.component_variant_id, channel.c.id, part.c.quantity)

    def all_or_none(at: Any) -> ColumnElement[Any]:
        return case((func.count() == func.count(at), func.max(at)))

    part = t.kit_components.alias()
    is_kit = select(part.c.kit_variant_id).where(part.c.kit_variant_id == variant.c.id).correlate_except(part).exists()
    alone = _there_at(variant.c.id, channel.c.id, literal_column("1"))
    of_kit = _by_components(variant.c.id, part_at, together=all_or_none)
    # OFFSET 0: worked out once, not wherever it is used
    when = select(case((is_kit, of_kit), else_=alone).label("at"), is_kit.label("is_kit")).offset(literal_column("0"))
    then = when.correlate(variant, channel).subquery()

    def kits(component: Row) -> ColumnElement[int]:
        free = _by_then(component.c.component_variant_id, channel.c.id, then.c.at)
        return func.div(free, component.c.quantity)

    quantity = case(
        (then.c.is_kit, _by_components(variant.c.id, kits, together=func.min)),
        else_=_by_then(variant.c.id, channel.c.id, then.c.at),
    )
    found = select(func.json_build_object("at", then.c.at, "quantity", quantity)).where(then.c.at.is_not(None))
    return found.correlate_except(then).scalar_subquery()
