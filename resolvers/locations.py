"""What routing knows of a location: its calendar, its capacity and its costs, out of `locationSet`."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any

from strawberry import UNSET

from domain.calendars import Weekday, clock, in_order, refuse_unknown_calendar
from domain.money import parse
from domain.refusals import CurrencyMismatch, InvalidInput

if TYPE_CHECKING:
    from schema.inputs.setup import LocationSetInput

TAGS_LIMIT = 50
TAG_LENGTH = 100
CLOSURES_LIMIT = 366
COSTS_LIMIT = 20
HANDLING_LIMIT = 60
CAPACITY_LIMIT = 1_000_000


def settings_of(input: LocationSetInput) -> dict[str, Any]:
    """The columns that the input sets: those it names, emptied ones as a new location has them."""
    found: dict[str, Any] = {}
    if input.tags is not UNSET:
        found["tags"] = _tags(input.tags or [])
    if input.time_zone is not UNSET:
        found["time_zone"] = _time_zone(input.time_zone)
    if input.working_days is not UNSET:
        found["working_days"] = _working_days(input.working_days)
    if input.cutoff is not UNSET:
        found["cutoff"] = None if input.cutoff is None else clock(input.cutoff, "cutoff")
    if input.handling_days is not UNSET:
        found["handling_days"] = _handling_days(input.handling_days)
    if input.holiday_calendar is not UNSET:
        found |= _holiday_calendar(input.holiday_calendar)
    if input.closures is not UNSET:
        found["closures"] = _closures(input.closures or [])
    if input.daily_capacity is not UNSET:
        found["daily_capacity"] = _capacity(input.daily_capacity)
    return found


def _tags(tags: list[str]) -> list[str]:
    given = sorted({tag.strip() for tag in tags})
    if len(given) > TAGS_LIMIT or not all(0 < len(tag) <= TAG_LENGTH for tag in given):
        raise InvalidInput(f"at most {TAGS_LIMIT} tags of 1 to {TAG_LENGTH} characters", field=("tags",))
    return given


def _time_zone(name: str | None) -> str | None:
    if name is not None and name not in zoneinfo.available_timezones():
        raise InvalidInput(f"no time zone is called {name}", field=("timeZone",))
    return name


def _working_days(days: list[Weekday] | None) -> list[str]:
    if days is not None and not days:
        reason = "a location works on some days; to have it ship nothing, let it serve no channel"
        raise InvalidInput(reason, field=("workingDays",))
    return in_order(days or Weekday)


def _handling_days(days: int | None) -> int:
    if days is not None and not 0 <= days <= HANDLING_LIMIT:
        raise InvalidInput(f"handling takes 0 to {HANDLING_LIMIT} working days", field=("handlingDays",))
    return 1 if days is None else days


def _holiday_calendar(calendar: Any) -> dict[str, str | None]:
    if calendar is None:
        return {"holiday_country": None, "holiday_subdivision": None}
    refuse_unknown_calendar(calendar.country, calendar.subdivision, "holidayCalendar")
    return {"holiday_country": calendar.country, "holiday_subdivision": calendar.subdivision}


def _closures(days: list[Any]) -> list[Any]:
    given = sorted(set(days))
    if len(given) > CLOSURES_LIMIT:
        raise InvalidInput(f"at most {CLOSURES_LIMIT} days", field=("closures",))
    return given


def _capacity(parcels: int | None) -> int | None:
    if parcels is not None and not 0 <= parcels <= CAPACITY_LIMIT:
        raise InvalidInput(f"a day has 0 to {CAPACITY_LIMIT} parcels", field=("dailyCapacity",))
    return parcels


def costs_of(input: LocationSetInput) -> list[tuple[str, int, int]] | None:
    """(currency, packing, handling) of all that is given; None where the input leaves costs as they are."""
    if input.costs is UNSET:
        return None
    given = input.costs or []
    if len(given) > COSTS_LIMIT:
        raise InvalidInput(f"at most {COSTS_LIMIT} currencies", field=("costs",))
    found: dict[str, tuple[str, int, int]] = {}
    for index, cost in enumerate(given):
        place = ("costs", str(index))
        currency = cost.packing.currency
        if currency in found:
            raise InvalidInput(f"the costs in {currency} are named twice", field=place)
        if cost.handling.currency != currency:
            raise CurrencyMismatch(currency, cost.handling.currency, field=(*place, "handling", "currency"))
        found[currency] = (
            currency,
            _amount(cost.packing, *place, "packing"),
            _amount(cost.handling, *place, "handling"),
        )
    return list(found.values())


def _amount(given: Any, *place: str) -> int:
    minor = parse(given.amount, given.currency).minor
    if minor < 0:
        raise InvalidInput("a cost is not negative", field=(*place, "amount"))
    return minor
