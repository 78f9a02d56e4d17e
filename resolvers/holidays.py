"""Public holidays where statements can read them: of the calendars that locations go by, this year and the next."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from domain.calendars import holidays_of
from domain.store import holidays as stored
from domain.store.jobs import Job
from resolvers.database import Database
from resolvers.jobs import Done, Kind, Outcome

Calendar = tuple[str, str | None]


async def list_holidays_of(connection: Any, settings: Mapping[str, Any]) -> None:
    """Those of the calendar that a location's settings name, if they do."""
    if settings.get("holiday_country") is not None:
        await _list(connection, [(settings["holiday_country"], settings["holiday_subdivision"])])


async def _list(connection: Any, calendars: Iterable[Calendar]) -> None:
    year = datetime.now(UTC).year
    found = [(calendar, year + ahead) for calendar in calendars for ahead in (0, 1)]
    days = await asyncio.to_thread(_days, found)  # a country's take some 50 ms
    await stored.put(connection, days)


def _days(wanted: Iterable[tuple[Calendar, int]]) -> list[tuple[str, str, date]]:
    return [
        (country, part or "", day)
        for (country, part), year in wanted
        for day in sorted(holidays_of(country, part, year))
    ]


def list_holidays(database: Database) -> Kind:
    """Every day: a new year comes, and with it the holidays of the one after."""

    async def handle(_: Job) -> Outcome:
        async with database.writes.acquire() as connection:
            await _list(connection, await stored.calendars(connection))
        return Done()

    return Kind("LIST_HOLIDAYS", handle, every_seconds=24 * 3_600)
