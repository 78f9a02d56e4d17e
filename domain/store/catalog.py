"""Questions asked before an order is placed: one statement for the channel, the buyer and every offer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - a uuid.UUID that parses six times faster

from domain.placing import Catalog, Offer, Shelf
from domain.stock import LocationKind

CATALOG = """
    select json_build_array(
        c.id, c.currency,
        case when $5 then nextval('order_number')::text end,
        coalesce(
            (
                select json_build_array(u.id, u.email, u.first_name, u.last_name, u.phone)
                from customers u where u.id = $3::uuid and u.kind in ('REGISTERED', 'GUEST')
            ),
            (
                select json_build_array(u.id)
                from customers u where lower(u.email) = lower($4) and u.kind in ('REGISTERED', 'GUEST')
            )
        ),
        (
            select coalesce(json_agg(json_build_array(
                v.id, v.sku, v.name, v.weight_grams, p.amount_minor,
                (
                    select coalesce(json_agg(json_build_array(s.id, s.location_id, s.available)), '[]')
                    from stock_levels s
                    join location_channels lc on lc.location_id = s.location_id and lc.channel_id = c.id
                    where s.variant_id = v.id and s.available > 0
                ),
                (
                    select json_agg(json_build_array(part.sku, kit.quantity))
                    from kit_components kit join variants part on part.id = kit.component_variant_id
                    where kit.kit_variant_id = v.id
                )
            )), '[]')
            from variants v
            left join variant_prices p on p.variant_id = v.id and p.channel_id = c.id and p.currency = c.currency
            where v.sku = any($2)
        ),
        (
            select coalesce(json_agg(json_build_array(l.id, l.code, l.kind, l.latitude, l.longitude)), '[]')
            from locations l
            where l.id in (
                select s.location_id from stock_levels s
                join variants v on v.id = s.variant_id
                join location_channels lc on lc.location_id = s.location_id and lc.channel_id = c.id
                where v.sku = any($2) and s.available > 0
            )
        )
    )
    from channels c where c.code = $1
"""


KNOWN = ("email", "first_name", "last_name", "phone")
"""What of a customer an order takes over, where the customer is named by id: an e-mail address alone proves nothing."""


async def catalog(
    ask: Callable[..., Awaitable[Any]],
    channel: str,
    skus: Sequence[str],
    *,
    customer_id: UUID | None,
    email: str | None,
    numbered: bool,
) -> Catalog | None:
    """What `channel` offers of `skus`; None when there is no such channel. `numbered` draws an order number.

    Kits are rare: what their components have is a statement of its own.
    """
    packed = await ask(CATALOG, channel, list(skus), customer_id, email, numbered)
    if packed is None:
        return None
    channel_id, currency, number, customer, offers, shelves = orjson.loads(packed)
    if parts := sorted({sku for *_, components in offers for sku, _ in components or ()}):
        *_, offered, places = orjson.loads(await ask(CATALOG, channel, parts, None, None, False))
        offers, shelves = [*offered, *offers], [*shelves, *places]
    return Catalog(
        channel_id=FastUUID(channel_id),
        currency=currency,
        number=number,
        customer_id=FastUUID(customer[0]) if customer else None,
        known=dict(zip(KNOWN, customer[1:], strict=False)) if customer else {},
        offers={offer.sku: offer for offer in map(_offer, offers)},
        shelves={shelf.id: shelf for shelf in map(_shelf, shelves)},
    )


def _offer(packed: list[Any]) -> Offer:
    id_, sku, name, weight, price, levels, components = packed
    places = tuple((FastUUID(a), FastUUID(b), units) for a, b, units in levels)
    return Offer(FastUUID(id_), sku, name, weight, price, places, tuple((part, n) for part, n in sorted(components or ())))


def _shelf(packed: list[Any]) -> Shelf:
    id_, code, kind, latitude, longitude = packed
    return Shelf(FastUUID(id_), code, LocationKind(kind), latitude, longitude)


async def code_of_channel(connection: Any, channel_id: UUID) -> str:
    """A channel's code."""
    return await connection.fetchval("select code from channels where id = $1", channel_id)  # type: ignore[no-any-return]
