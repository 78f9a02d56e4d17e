"""Orders and their events, written straight into the tables: what a writer leaves, without the writers."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from domain import ids
from domain.viewer import SCOPES, Role, Viewer, ViewerKind

AGENT = Viewer(ViewerKind.STAFF, Role.AGENT, "agent:ana", "Ana", SCOPES[Role.AGENT])

BEGINNING = "WyJQT1NJVElPTiIsMCwwXQ=="
"""The cursor before the first event."""

ORDER_LIVE = """
    subscription OrderLive($orderId: ID!, $after: String) {
      orderEvents(orderId: $orderId, after: $after) {
        id cursor sequence type occurredAt message order { id number status total { amount currency } }
      }
    }
"""

CHANNEL = """
    INSERT INTO channels (id, code, name, currency, time_zone, created_at)
    VALUES ($1, 'web', 'Web', 'BRL', 'America/Sao_Paulo', $2) ON CONFLICT (code) DO NOTHING
"""
CUSTOMER = """
    INSERT INTO customers (id, kind, display_name, created_at) VALUES ($1, 'REGISTERED', 'Bia', $2)
"""
ORDER = """
    INSERT INTO orders (
        id, number, channel_id, customer_id, status, payment_status, fulfillment_status, return_status, currency,
        subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, created_at, placed_at
    )
    SELECT $1, $2, channels.id, $3, 'PENDING', 'NONE', 'UNFULFILLED', 'NONE', 'BRL', 1290, 0, 0, 0, 1290, $4, $4
    FROM channels WHERE code = 'web'
"""
NEXT = "UPDATE orders SET event_sequence = event_sequence + 1 WHERE id = $1 RETURNING event_sequence"
EVENT = """
    INSERT INTO events (
        type, subject_type, subject_id, sequence, order_id, customer_id, actor_kind, actor_id, actor_name, message,
        data, occurred_at, recorded_at
    )
    SELECT $2, 'Order', $3, $4, $1, customer_id, 'STAFF', 'agent:ana', 'Ana', $5, '{}', $6, $6 FROM orders WHERE id = $1
    RETURNING id
"""


def customer(customer_id: UUID) -> Viewer:
    """Whoever is signed in as a customer."""
    subject = f"customer:{customer_id}"
    return Viewer(ViewerKind.CUSTOMER, Role.CUSTOMER, subject, "Bia", SCOPES[Role.CUSTOMER], customer_id=customer_id)


async def write_order(connection: asyncpg.Connection, customer_id: UUID | None = None) -> UUID:
    """An order without lines, and its customer if one is named."""
    now, order_id = datetime.now(UTC), ids.new_id()
    await connection.execute(CHANNEL, ids.new_id(), now)
    if customer_id is not None:
        await connection.execute(CUSTOMER, customer_id, now)
    await connection.execute(ORDER, order_id, str(order_id), customer_id, now)
    return order_id


async def write_event(
    connection: asyncpg.Connection, order_id: UUID, type_: str = "ORDER_CONFIRMED", message: str = "Confirmed."
) -> int:
    """One more event of an order: its id is drawn while the order is locked, as every writer does. Returns its id."""
    sequence = await connection.fetchval(NEXT, order_id)
    id_: int = await connection.fetchval(EVENT, order_id, type_, order_id, sequence, message, datetime.now(UTC))
    return id_


async def write_foreign_event(connection: asyncpg.Connection, order_id: UUID, sequence: int) -> int:
    """An event that concerns an order and has another subject, so that the order need not be locked."""
    now, subject = datetime.now(UTC), ids.new_id()
    id_: int = await connection.fetchval(EVENT, order_id, "SHIPMENT_TRACKED", subject, sequence, "Tracked.", now)
    return id_
