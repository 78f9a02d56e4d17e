"""Public holidays by calendar, as far as locations go by them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

CALENDARS = """
    select distinct holiday_country, holiday_subdivision from locations where holiday_country is not null limit 1000
"""

PUT = """
    insert into public_holidays (country, subdivision, day)
    select * from unnest($1::text[], $2::text[], $3::date[]) on conflict do nothing
"""


async def calendars(connection: Any) -> list[tuple[str, str | None]]:
    """The calendars that locations go by."""
    return [tuple(row) for row in await connection.fetch(CALENDARS)]


async def put(connection: Any, days: Sequence[tuple[str, str, date]]) -> None:
    """Have these days listed: (country, its part or '', day)."""
    if days:
        await connection.execute(PUT, *map(list, zip(*days, strict=True)))
