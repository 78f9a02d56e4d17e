"""What shipping costs the buyer, by channel and service; and what a reservation holds, for whoever only looks."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

PRICES = "select service, amount_minor from shipping_prices where channel_id = $1"

SET_PRICES = """
    with gone as (delete from shipping_prices where channel_id = $1 and service <> all($2::text[]))
    insert into shipping_prices (channel_id, service, currency, amount_minor)
    select $1, service, $3, amount_minor from unnest($2::text[], $4::bigint[]) as v (service, amount_minor)
    on conflict (channel_id, service) do update set amount_minor = excluded.amount_minor
"""


async def prices(connection: Any, channel_id: UUID) -> dict[str, int]:
    """What the buyer pays for each service that has a price; the others are free."""
    return {row["service"]: row["amount_minor"] for row in await connection.fetch(PRICES, channel_id)}


async def set_prices(connection: Any, channel_id: UUID, currency: str, given: Mapping[str, int]) -> None:
    """These and no others."""
    services: Sequence[str] = sorted(given)
    await connection.execute(SET_PRICES, channel_id, services, currency, [given[each] for each in services])
