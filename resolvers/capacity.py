"""Daily capacity: what was read without a lock is looked at again under one, before a parcel is promised of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from domain.model import replace
from domain.placing import Catalog
from domain.routing.calendar import ship_day
from domain.routing.model import Decision
from domain.sourcing import scarce_days
from domain.store.capacity import lock_days

if TYPE_CHECKING:
    from resolvers.writing import Work


async def filled_since(work: Work, decision: Decision, offered: Catalog) -> Catalog | None:
    """The catalog with the days as they are now, where others were given so much that the decision may be another.

    None where the decision stands: what it takes of a day is locked. A decision on locked days alone always stands.
    """
    wanted = scarce_days(decision, offered.network)
    if not wanted:
        return None
    counted = await lock_days(work.connection, wanted)
    days = {**offered.days, **counted}
    capacity = {day: offered.network.locations[day[0]].daily_capacity or 0 for day in counted}
    changed = any(parcels != offered.days.get(day, 0) and parcels >= capacity[day] for day, parcels in counted.items())
    return replace(offered, days=days) if changed else None


async def with_days_locked(work: Work, offered: Catalog) -> Catalog:
    """The same with the days of every limited location locked: for decisions that are taken once, under all locks."""
    days = [day for place in offered.network.locations for day in _days_to_fill(offered, place)]
    return replace(offered, days={**offered.days, **await lock_days(work.connection, days)}) if days else offered


def _days_to_fill(offered: Catalog, place: UUID) -> list[tuple[UUID, date]]:
    """From the day on which an order of now leaves to the first after all that anything was given for."""
    location = offered.network.locations[place]
    first = ship_day(location.calendar, offered.at)
    if location.daily_capacity is None or offered.is_history or first is None:
        return []
    last = max((day for at, day in offered.days if at == place), default=first)
    return [(place, first + timedelta(days=number)) for number in range(max(0, (last - first).days) + 2)]
