"""Questions asked before an order is placed: one statement for the channel, the buyer and every offer."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - a uuid.UUID that parses six times faster

from domain.backorders import Allowance, BackorderPolicy
from domain.placing import Catalog, Offer
from domain.routing.network import Network

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
                    from stock_levels s where s.variant_id = v.id and s.available > 0
                ),
                greatest(v.length_mm, v.width_mm, v.height_mm), v.hazmat,
                case when v.backorder_policy <> 'NONE' then json_build_array(
                    v.backorder_policy, v.backorder_limit, v.releases_at,
                    exists (select from order_lines wait where wait.variant_id = v.id and wait.backordered > 0)
                ) end,
                (
                    select json_agg(json_build_array(part.sku, kit.quantity))
                    from kit_components kit join variants part on part.id = kit.component_variant_id
                    where kit.kit_variant_id = v.id
                ),
                (
                    select kept.units from channel_thresholds kept
                    where kept.channel_id = c.id and (kept.variant_id = v.id or kept.variant_id is null)
                    order by kept.variant_id limit 1
                )
            )), '[]')
            from variants v
            left join variant_prices p on p.variant_id = v.id and p.channel_id = c.id and p.currency = c.currency
            where v.sku = any($2)
        ),
        c.network_version,
        (
            select json_agg(json_build_array(d.location_id, d.day, d.parcels))
            from location_days d where d.day >= current_date - 1 and d.parcels > 0
        ),
        c.promise_model_id, c.time_zone
    )
    from channels c where c.code = $1
"""
"""Yesterday may not be over where a location is."""


OFFERS = 4
"""Where in the answer they stand."""

KNOWN = ("email", "first_name", "last_name", "phone")
"""What of a customer an order takes over, where the customer is named by id: an e-mail address alone proves nothing."""


async def catalog(
    ask: Callable[..., Awaitable[Any]],
    network_of: Callable[[UUID, int], Awaitable[Network]],
    channel: str,
    skus: Sequence[str],
    *,
    customer_id: UUID | None,
    email: str | None,
    numbered: bool,
    at: datetime,
) -> Catalog | None:
    """What `channel` offers of `skus` at a moment; None when there is no such channel.

    `numbered` draws an order number; `network_of` knows the network of a channel as of a version.
    Kits are rare: what their components have is a statement of its own.
    """
    packed = await ask(CATALOG, channel, list(skus), customer_id, email, numbered)
    if packed is None:
        return None
    id_, currency, number, customer, offers, version, days, promise_model_id, time_zone = orjson.loads(packed)
    if parts := sorted({sku for *_, components, _ in offers for sku, _ in components or ()}):
        offers = [*orjson.loads(await ask(CATALOG, channel, parts, None, None, False))[OFFERS], *offers]
    channel_id = FastUUID(id_)
    network = await network_of(channel_id, version)
    return Catalog(
        channel_id=channel_id,
        currency=currency,
        number=number,
        customer_id=FastUUID(customer[0]) if customer else None,
        known=dict(zip(KNOWN, customer[1:], strict=False)) if customer else {},
        offers={offer[1]: _offer(offer, network) for offer in offers},
        network=network,
        at=at,
        days={(FastUUID(place), date.fromisoformat(day)): parcels for place, day, parcels in days or ()},
        promise_model_id=FastUUID(promise_model_id) if promise_model_id else None,
        time_zone=time_zone,
    )


def _offer(packed: list[Any], network: Network) -> Offer:
    """A variant with its levels at locations that serve the channel."""
    id_, sku, name, weight, price, levels, longest, hazmat, allowance, components, kept_back = packed
    there = ((FastUUID(level), FastUUID(place), units) for level, place, units in levels)
    serving = tuple([level for level in there if level[1] in network.locations])
    allowed = allowance and _allowance(*allowance)
    parts = tuple((part, units) for part, units in sorted(components or ()))
    return Offer(FastUUID(id_), sku, name, weight, price, serving, longest, hazmat, allowed, parts, kept_back or 0)


def _allowance(policy: str, limit: int | None, releases_at: str | None, waited_for: bool) -> Allowance:
    moment = datetime.fromisoformat(releases_at) if releases_at else None
    return Allowance(BackorderPolicy(policy), limit, moment, waited_for)


async def code_of_channel(connection: Any, channel_id: UUID) -> str:
    """A channel's code."""
    return await connection.fetchval("select code from channels where id = $1", channel_id)  # type: ignore[no-any-return]
