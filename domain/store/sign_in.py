"""What a token is bound to, found by the names that people know: a code, an e-mail address."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

CHANNELS_BY_CODE = "SELECT id, code FROM channels WHERE code = ANY($1::text[])"
LOCATIONS_BY_CODE = "SELECT id, code FROM locations WHERE code = ANY($1::text[])"
CUSTOMER_BY_EMAIL = """
    SELECT id, display_name FROM customers
    WHERE lower(email) = lower($1) AND kind IN ('REGISTERED', 'GUEST')
    LIMIT 1
"""


async def channels_by_code(connection: asyncpg.Connection, codes: Sequence[str]) -> dict[str, UUID]:
    """The channels that exist among `codes`."""
    return {row["code"]: row["id"] for row in await connection.fetch(CHANNELS_BY_CODE, list(codes))}


async def locations_by_code(connection: asyncpg.Connection, codes: Sequence[str]) -> dict[str, UUID]:
    """The locations that exist among `codes`."""
    return {row["code"]: row["id"] for row in await connection.fetch(LOCATIONS_BY_CODE, list(codes))}


async def customer_by_email(connection: asyncpg.Connection, email: str) -> tuple[UUID, str] | None:
    """The id and name of whoever has that address; the letters' case does not matter."""
    row = await connection.fetchrow(CUSTOMER_BY_EMAIL, email)
    return (row["id"], row["display_name"]) if row else None


async def order_by_number(connection: asyncpg.Connection, number: str) -> UUID | None:
    """The id of the order that people call `number`."""
    found: UUID | None = await connection.fetchval("SELECT id FROM orders WHERE number = $1", number)
    return found


@dataclass(frozen=True, slots=True)
class Examples:
    """One of each thing that a token can be bound to, for a first look; nothing in an empty database."""

    channel: str | None
    store: str | None
    warehouse: str | None
    customer_email: str | None
    order_number: str | None
    sku: str | None
    """Something that the channel sells and has plenty of."""


# Among the latest thousand orders whoever has a password and bought most: they have the most to look at.
EXAMPLES = """
    WITH channel AS (SELECT id, code FROM channels ORDER BY created_at, id LIMIT 1),
    recent AS (SELECT customer_id FROM orders ORDER BY placed_at DESC NULLS LAST LIMIT 1000)
    SELECT (SELECT code FROM channel),
           (SELECT code FROM locations WHERE kind = 'STORE' ORDER BY code LIMIT 1),
           (SELECT code FROM locations WHERE kind = 'WAREHOUSE' ORDER BY code LIMIT 1),
           (SELECT customers.email FROM recent JOIN customers ON customers.id = recent.customer_id
            WHERE customers.kind IN ('REGISTERED', 'GUEST') AND customers.email IS NOT NULL
            GROUP BY customers.id ORDER BY customers.kind = 'REGISTERED' DESC, count(*) DESC, customers.id LIMIT 1),
           (SELECT number FROM orders ORDER BY placed_at DESC NULLS LAST, id DESC LIMIT 1),
           (SELECT variants.sku FROM variants
            JOIN variant_prices ON variant_prices.variant_id = variants.id
            JOIN channel ON channel.id = variant_prices.channel_id
            WHERE EXISTS (
                SELECT FROM stock_levels JOIN location_channels USING (location_id)
                WHERE stock_levels.variant_id = variants.id AND location_channels.channel_id = channel.id
                AND stock_levels.available > 10
            ) ORDER BY variants.sku LIMIT 1)
"""


async def examples(connection: asyncpg.Connection) -> Examples:
    """What a newcomer can sign in with."""
    (row,) = await connection.fetch(EXAMPLES)
    return Examples(*row)
