"""Questions about what carriers charge."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

LOCATIONS = "select code, id from locations where code = any($1)"
FORGET = "delete from carrier_rates where carrier = $1 and currency = $2"
LOCK = "select pg_advisory_xact_lock(hashtextextended('carrier_rates ' || $1 || ' ' || $2, 0))"
"""Two who replace a table at once do it one after the other: rows that are not there yet cannot be locked."""


async def locations_by_code(connection: Any, codes: Sequence[str]) -> dict[str, UUID]:
    """Ids of locations by their codes."""
    if not codes:
        return {}
    return {row["code"]: row["id"] for row in await connection.fetch(LOCATIONS, list(codes))}


async def replace_rates(connection: Any, carrier: str, currency: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put these rows in the place of the carrier's rates in a currency."""
    await connection.execute(LOCK, carrier, currency)
    await connection.execute(FORGET, carrier, currency)
    if rows:
        names = list(rows[0])
        await connection.copy_records_to_table(
            "carrier_rates", columns=names, records=[tuple(row[name] for name in names) for row in rows]
        )
