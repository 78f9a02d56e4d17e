"""The floor: a bare ASGI endpoint for each measured operation, with one hand-written statement behind it.

It does no authentication, no validation and no GraphQL; it is what somebody would write who needs just these answers.
"""

from typing import Any
from uuid import UUID

import asyncpg
import orjson

ORDER = """
    select json_build_object('data', json_build_object('order', (
        select json_build_object(
            'id', 'ord_' || o.id, 'number', o.number, 'status', o.status, 'paymentStatus', o.payment_status,
            'fulfillmentStatus', o.fulfillment_status, 'placedAt', o.placed_at,
            'total', json_build_object('amount', (o.total_minor * 0.01)::text, 'currency', o.currency),
            'customer', (select json_build_object('id', 'cus_' || c.id, 'displayName', c.display_name)
                from customers c where c.id = o.customer_id),
            'lines', coalesce((select json_agg(json_build_object(
                    'id', 'lin_' || l.id, 'sku', l.sku, 'name', l.name, 'quantity', l.quantity,
                    'unitPrice', json_build_object('amount', (l.unit_price_minor * 0.01)::text, 'currency', l.currency))
                    order by l.position)
                from order_lines l where l.order_id = o.id), '[]'),
            'shipments', coalesce((select json_agg(json_build_object(
                    'id', 'shp_' || s.id, 'status', s.status, 'carrier', s.carrier, 'deliveredAt', s.delivered_at)
                    order by s.created_at, s.id)
                from shipments s where s.order_id = o.id), '[]'))
        from orders o where o.id = $1)))
"""

CUSTOMER = """
    select json_build_object('data', json_build_object('customer', (
        select json_build_object(
            'id', 'cus_' || c.id, 'displayName', c.display_name, 'email', c.email,
            'orders', json_build_object('edges', coalesce((
                select json_agg(json_build_object('node', json_build_object(
                    'id', 'ord_' || o.id, 'number', o.number, 'status', o.status, 'paymentStatus', o.payment_status,
                    'placedAt', o.placed_at,
                    'total', json_build_object('amount', (o.total_minor * 0.01)::text, 'currency', o.currency),
                    'lines', coalesce((select json_agg(json_build_object(
                            'id', 'lin_' || l.id, 'sku', l.sku, 'name', l.name, 'quantity', l.quantity,
                            'unitPrice', json_build_object(
                                'amount', (l.unit_price_minor * 0.01)::text, 'currency', l.currency))
                            order by l.position)
                        from order_lines l where l.order_id = o.id), '[]'),
                    'shipments', coalesce((select json_agg(json_build_object(
                            'id', 'shp_' || s.id, 'status', s.status, 'carrier', s.carrier) order by s.created_at, s.id)
                        from shipments s where s.order_id = o.id), '[]'))))
                from (select * from orders where customer_id = c.id order by placed_at desc, id desc limit 10) o), '[]')))
        from customers c where c.id = $1)))
"""

ORDERS = """
    select json_build_object('data', json_build_object('orders', json_build_object('edges', coalesce((
        select json_agg(json_build_object('node', json_build_object(
            'id', 'ord_' || o.id, 'number', o.number, 'status', o.status, 'paymentStatus', o.payment_status,
            'fulfillmentStatus', o.fulfillment_status, 'placedAt', o.placed_at,
            'total', json_build_object('amount', (o.total_minor * 0.01)::text, 'currency', o.currency),
            'subtotal', json_build_object('amount', (o.subtotal_minor * 0.01)::text, 'currency', o.currency),
            'customer', (select json_build_object('id', 'cus_' || c.id, 'displayName', c.display_name)
                from customers c where c.id = o.customer_id))))
        from (select * from orders order by placed_at desc, id desc limit 50) o), '[]'))))
"""

SKU = """
    select json_build_object('data', json_build_object('variant', (
        select json_build_object(
            'id', 'var_' || v.id, 'sku', v.sku, 'name', v.name,
            'inventory', json_build_object(
                'total', (select json_build_object(
                        'onHand', coalesce(sum(on_hand), 0), 'available', coalesce(sum(available), 0),
                        'reserved', coalesce(sum(reserved), 0), 'allocated', coalesce(sum(allocated), 0))
                    from stock_levels where variant_id = v.id),
                'levels', json_build_object('nodes', coalesce((
                    select json_agg(json_build_object(
                        'id', 'stk_' || s.id,
                        'location', json_build_object('id', 'loc_' || l.id, 'code', l.code, 'name', l.name),
                        'onHand', s.on_hand, 'available', s.available, 'reserved', s.reserved,
                        'allocated', s.allocated, 'safetyStock', s.safety_stock, 'damaged', s.damaged))
                    from (select * from stock_levels where variant_id = v.id order by id limit 10) s
                    join locations l on l.id = s.location_id), '[]'))))
        from variants v where v.sku = $1)))
"""

HEAD = [(b"content-type", b"application/json")]


class Floor:
    """POST /order, /customer, /orders, /sku, /place."""

    def __init__(self, url: str, reads: int, writes: int) -> None:
        self.url = url
        self.sizes = reads, writes
        self.reads: Any = None
        self.writes: Any = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One exchange."""
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = await getattr(self, scope["path"][1:])(orjson.loads(body))
        length = (b"content-length", str(len(answer)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*HEAD, length]})
        await send({"type": "http.response.body", "body": answer})

    async def live(self, receive: Any, send: Any) -> None:
        """Open and close the pools."""
        await receive()
        settings = {"TimeZone": "UTC", "jit": "off", "plan_cache_mode": "force_generic_plan"}

        async def no_reset(_connection: Any) -> None: ...

        async def as_bytes(connection: asyncpg.Connection) -> None:
            await connection.set_type_codec(
                "json", schema="pg_catalog", format="binary", encoder=bytes, decoder=lambda value: value
            )

        common: dict[str, Any] = {"server_settings": settings, "reset": no_reset, "init": as_bytes}
        self.reads = await asyncpg.create_pool(self.url, min_size=1, max_size=self.sizes[0], **common)
        self.writes = await asyncpg.create_pool(self.url, min_size=1, max_size=self.sizes[1], **common)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.reads.close()
        await self.writes.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def order(self, given: dict[str, Any]) -> bytes:
        """An order's status."""
        return await self.reads.fetchval(ORDER, UUID(given["id"][4:]))  # type: ignore[no-any-return]

    async def customer(self, given: dict[str, Any]) -> bytes:
        """A customer with ten orders."""
        return await self.reads.fetchval(CUSTOMER, UUID(given["id"][4:]))  # type: ignore[no-any-return]

    async def orders(self, _given: dict[str, Any]) -> bytes:
        """The fifty newest orders."""
        return await self.reads.fetchval(ORDERS)  # type: ignore[no-any-return]

    async def sku(self, given: dict[str, Any]) -> bytes:
        """A SKU's stock at ten locations."""
        return await self.reads.fetchval(SKU, given["sku"])  # type: ignore[no-any-return]

    async def place(self, given: dict[str, Any]) -> bytes:
        """Place an order through the stored procedure."""
        text = orjson.dumps(given).decode()
        async with self.writes.acquire() as connection:
            return await connection.fetchval("select floor_place_order($1::jsonb)", text)  # type: ignore[no-any-return]
