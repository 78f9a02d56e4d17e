"""Demand: what is wanted of what, and how long that goes on with what there is."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from domain.stock import Bucket, MovementKind

SHORT_DAYS, LONG_DAYS = 7, 30
"""The windows that demand is told for, today (UTC) included; units a day are those of the long one."""
KEPT_DAYS = 400
"""How long a day's count is kept: nobody asks for more than the long window, people compare with a year ago."""


@dataclass(frozen=True, slots=True)
class Given:
    """Units of an order that were given to a location, or (less than nothing) taken back from it."""

    order_id: UUID
    variant_id: UUID
    location_id: UUID
    units: int


def given(
    data: Mapping[str, Any], order_id: UUID | None, variant_id: UUID | None, location_id: UUID | None
) -> Given | None:
    """What a stock movement of the log says about demand; None where it says nothing.

    Shipping takes units out of ALLOCATED and is no less demand for it; whatever else does gives them back.
    """
    if order_id is None or variant_id is None or location_id is None:
        return None
    if data.get("to") == Bucket.ALLOCATED:
        return Given(order_id, variant_id, location_id, data["quantity"])
    if data.get("from") == Bucket.ALLOCATED and data["kind"] != MovementKind.SHIP:
        return Given(order_id, variant_id, location_id, -data["quantity"])
    return None


def by_day(all_given: Iterable[Given], days: Mapping[UUID, date]) -> dict[tuple[UUID, UUID, date], int]:
    """Units by variant, location and the day on which the order was placed."""
    counted: Counter[tuple[UUID, UUID, date]] = Counter()
    for each in all_given:
        if each.order_id in days:
            counted[each.variant_id, each.location_id, days[each.order_id]] += each.units
    return {cell: units for cell, units in sorted(counted.items()) if units}
