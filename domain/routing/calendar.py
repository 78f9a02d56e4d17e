"""When a location ships: its working days, holidays, cutoff and handling days, in its own time zone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.routing.network import Calendar

DAY = timedelta(days=1)
LONGEST_WAIT_DAYS = 366
"""A calendar that has no working day within a year has none."""


def ship_day(calendar: Calendar, at: datetime, days_behind: int = 0) -> date | None:
    """The day on which an order of that moment leaves; None where the location never works.

    A location that is so many `days_behind` with its parcels needs as many working days more.
    """
    local = at.astimezone(ZoneInfo(calendar.time_zone))
    missed = calendar.cutoff is not None and local.time() > calendar.cutoff
    day = _working_day_from(calendar, local.date() + DAY if missed else local.date())
    for _ in range(calendar.handling_days + days_behind):
        day = day and _working_day_from(calendar, day + DAY)
    return day


def ends_at(calendar: Calendar, day: date) -> datetime:
    """The last second of a day where the location is."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(calendar.time_zone))


def starts_at(calendar: Calendar, day: date) -> datetime:
    """The first second of a day where the location is."""
    return datetime.combine(day, time(), ZoneInfo(calendar.time_zone))


def days_after(calendar: Calendar, deadline: datetime, day: date) -> int:
    """How many days a day is later than a deadline's, as the location counts days; at least 0."""
    return max(0, (day - deadline.astimezone(ZoneInfo(calendar.time_zone)).date()).days)


def _working_day_from(calendar: Calendar, day: date) -> date | None:
    """That day, or the first working day after it."""
    for _ in range(LONGEST_WAIT_DAYS):
        if day.isoweekday() in calendar.working_days and day not in calendar.holidays:
            return day
        day += DAY
    return None
