"""Days on which people work: weekdays, and the public holidays of a country or a part of it."""

import re
from collections.abc import Iterable
from datetime import date, time
from functools import lru_cache

import holidays

from domain.refusals import InvalidInput
from domain.words import Word


class Weekday(Word):
    """A day of the week."""

    MONDAY = "MONDAY", "The first day of the week, as in ISO 8601."
    TUESDAY = "TUESDAY", "The second."
    WEDNESDAY = "WEDNESDAY", "The third."
    THURSDAY = "THURSDAY", "The fourth."
    FRIDAY = "FRIDAY", "The fifth."
    SATURDAY = "SATURDAY", "The sixth."
    SUNDAY = "SUNDAY", "The last."


ISO_WEEKDAYS = {day.value: number for number, day in enumerate(Weekday, start=1)}
"""Monday is 1."""

CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@lru_cache(1_000)
def holidays_of(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """The public holidays of a country, or of a part of it, in a year."""
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))


def refuse_unknown_calendar(country: str, subdivision: str | None, *place: str) -> None:
    """Refused: a country, or a part of it, whose holidays nobody has listed."""
    known = holidays.list_supported_countries()
    if country not in known:
        raise InvalidInput(f"no holidays are known for {country}", field=(*place, "country"))
    if subdivision is not None and subdivision not in known[country]:
        parts = ", ".join(known[country][:60]) or "none"
        raise InvalidInput(f"{country} has no {subdivision}; its parts: {parts}", field=(*place, "subdivision"))


def clock(text: str, *place: str) -> time:
    """A time of day as people write it, such as 14:30."""
    if not CLOCK.fullmatch(text):
        raise InvalidInput("a time of day is hours and minutes, like 14:30", field=place)
    return time.fromisoformat(text)


def in_order(days: Iterable[Weekday]) -> list[str]:
    """Weekdays once each, from Monday on."""
    given = set(days)
    return [day.value for day in Weekday if day in given]
