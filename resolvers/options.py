"""Fulfillment options: worked out and quoted under a seal, and honoured when the order is placed. Nothing is stored."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from domain import ids, options, placing
from domain.model import Order, Reservation
from domain.money import parse
from domain.options import LASTS, Option, Quote, Wish
from domain.placing import Buyer, Catalog, Placement
from domain.refusals import CurrencyMismatch, InvalidInput, NotFound, QuoteExpired
from domain.reservations import ReservationStatus
from domain.store import options as stored
from domain.store import reservations as carts
from domain.store import setup
from domain.viewer import Role, Scope, Viewer
from resolvers.deciding import patiently
from resolvers.network import offered_by
from resolvers.setup import refuse_off_the_globe
from resolvers.writing import Outcome, Work, World, act_of, verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schema.inputs.options import FulfillmentOptionsInput, ShippingPricesSetInput

PLACE = ("fulfillmentOptionId",)
PREFIX = "opt_"
CLAIM = "quote"
"""What is sealed for other ends has no such claim."""
PRICES_LIMIT = 100


# -- offering ----------------------------------------------------------------------------------------------------------


async def offer(world: World, viewer: Viewer, *, input: FulfillmentOptionsInput) -> list[dict[str, Any]]:
    """The answer to `fulfillmentOptions`."""
    to = input.destination
    refuse_off_the_globe(to.latitude, to.longitude, "destination")
    at = world.now()
    async with world.database.writes.transaction() as connection:
        work = Work(world, connection, viewer, act_of(viewer, input, at))
        order, offered, cart = await _begun(work, input)
        prices = await stored.prices(connection, offered.channel_id)
    ways = await _ways(order, offered, prices)
    expires_at = at + LASTS
    return [_told(world, viewer, each, order, expires_at, cart) for each in ways]


async def _ways(order: Order, offered: Catalog, prices: Mapping[str, int]) -> list[Option]:
    """What there is; refused where nothing is. Nothing can be promised of what has to wait for supply."""
    if not options.is_in_stock(order, offered):
        return []
    found = []
    for wish in options.wishes(offered.network):
        found.append(await patiently(partial(_delivery, order, wish, prices), offered))
        await asyncio.sleep(0)  # each asks the router once more: others get their turn in between
    ways = options.labelled(each for each in found if each is not None)
    ways += options.pickups(order, offered, prices)
    if not ways:
        await patiently(lambda each: placing.routed(order, {}, each, None), offered)
    return ways


def _delivery(order: Order, wish: Wish, prices: Mapping[str, int], offered: Catalog) -> Option | None:
    return options.delivery(order, wish, offered, prices)


async def _begun(work: Work, input: FulfillmentOptionsInput) -> tuple[Order, Catalog, Reservation | None]:
    """The order as it would begin, and what there is for it: what its cart holds counts as available."""
    place = {name: value for name, value in vars(input.destination).items() if value not in (None, "")}
    lines = options.wanted(input.lines)
    if any(each.unit_price is not None or each.location_code is not None for each in input.lines):
        raise InvalidInput("a quote has its own price and place", field=("lines",))
    placement = Placement(lines, Buyer(**place))
    cart = await _cart(work, input.reservation_id)
    offered = await offered_by(work, input.channel, {line.sku for line in lines})
    if offered is None or (work.viewer.role is Role.SHOPPER and offered.channel_id not in work.viewer.channel_ids):
        raise NotFound("Channel", input.channel, field=("channel",))
    offered = placing.sellable(offered)
    if cart is not None:
        if cart.channel_id != offered.channel_id:
            raise InvalidInput("the reservation is another channel's", field=("reservationId",))
        offered = placing.with_held(offered, cart.lines)
    return placing.taken_apart(placing.begin(placement, offered, work.act), offered), offered, cart


async def _cart(work: Work, id_: str | None) -> Reservation | None:
    if id_ is None:
        return None
    key = ids.decode("Reservation", id_)
    cart = await carts.lock(work.connection, key, work.viewer) if key else None
    if cart is None:
        raise NotFound("Reservation", id_, field=("reservationId",))
    return cart if cart.status == ReservationStatus.ACTIVE else None


def _told(
    world: World, viewer: Viewer, option: Option, order: Order, expires_at: datetime, cart: Reservation | None
) -> dict[str, Any]:
    """An option as the statement reads it."""
    assert world.seal is not None
    quote = options.quoted(option, order, expires_at, cart.id if cart else None)
    promise, shows_cost = option.promise, viewer.may(Scope.ROUTING_READ)
    priced = any(parcel.carrier for parcel in option.decision.chosen)
    return {
        "id": PREFIX + world.seal({CLAIM: options.written(quote)}),
        "labels": " ".join(option.labels),
        "kind": option.kind.value,
        "currency": order.currency,
        "price_minor": option.price_minor,
        "cost_minor": option.cost_minor if shows_cost and priced else None,
        "earliest": promise and promise.earliest.isoformat(),
        "latest": promise and promise.latest.isoformat(),
        "confidence": promise and promise.confidence,
        "expires_at": expires_at.isoformat(),
        "parcels": [
            {
                "location_id": str(parcel.location_id),
                "lines": [{"sku": part.sku, "quantity": part.quantity} for part in parcel.lines],
                "service": parcel.service,
                "ship_by": parcel.ship_at and parcel.ship_at.isoformat(),
            }
            for parcel in option.decision.chosen
        ],
    }


# -- honouring ---------------------------------------------------------------------------------------------------------


async def quote_of(work: Work, id_: str | None) -> Quote | None:
    """The quote that an order names; refused where it was not made by us, or is over. A twin is told before."""
    if id_ is None:
        return None
    await work.claimed()
    unseal = work.world.unseal
    claims = unseal(id_.removeprefix(PREFIX)) if unseal and id_.startswith(PREFIX) else None
    text = (claims or {}).get(CLAIM)
    if text is None:
        raise NotFound("FulfillmentOption", id_[:100], field=PLACE)
    quote = options.read(text)
    if quote.expires_at < work.act.recorded_at:
        raise QuoteExpired(quote.expires_at, field=PLACE)
    return quote


def agreed(placement: Placement, quote: Quote | None, reservation_id: str | None) -> Placement:
    """The command at the quote's price: also where the cart it was made for has run out since, and holds nothing."""
    cart_id = ids.decode("Reservation", reservation_id) if reservation_id else None
    return placement if quote is None else options.agreed(placement, quote, cart_id)


def bound(order: Order, quote: Quote | None) -> Order:
    """The order with the quote's promise."""
    return order if quote is None else options.bound(order, quote)


# -- what shipping costs the buyer -------------------------------------------------------------------------------------


@verb("shippingPricesSet", Scope.CATALOG_WRITE)
async def set_prices(work: Work, input: ShippingPricesSetInput) -> Outcome:
    """Say what each service costs the buyer in a channel."""
    channels = await setup.channels_by_code(work.connection, [input.channel])
    if input.channel not in channels:
        raise NotFound("Channel", input.channel, field=("channel",))
    channel_id, currency = channels[input.channel]
    if len(input.prices) > PRICES_LIMIT:
        raise InvalidInput(f"a channel has at most {PRICES_LIMIT} shipping prices", field=("prices",))
    given: dict[str, int] = {}
    for index, each in enumerate(input.prices):
        place = ("prices", str(index))
        service, amount = each.service.strip(), parse(each.price.amount, each.price.currency)
        if not service or service in given:
            raise InvalidInput("each service is named once", field=(*place, "service"))
        if amount.currency != currency:
            raise CurrencyMismatch(currency, amount.currency, field=(*place, "price", "currency"))
        if amount.minor < 0:
            raise InvalidInput("a price is not negative", field=(*place, "price"))
        given[service] = amount.minor
    await stored.set_prices(work.connection, channel_id, currency, given)
    return Outcome({"channel": channel_id})
