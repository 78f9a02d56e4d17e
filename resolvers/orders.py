"""Orders: draft, place, confirm, hold, release, cancel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import ids, ordering, placing
from domain.ids import new_id
from domain.messages import refuse_odd_locale
from domain.model import Customer, Decided, Order, Payment
from domain.money import Money, parse
from domain.options import Quote, honoured
from domain.orders import ORDER, OrderAction, OrderStatus
from domain.payments import PaymentKind, RefundDestination, RefundReason, Tender, owed, refunds, voids
from domain.placing import Buyer, Catalog, Placement, Routed, Wanted
from domain.refusals import Forbidden, InvalidInput, InvalidTransition, NotFound, TotalChanged
from domain.stock import Ledger
from domain.store.catalog import code_of_channel
from domain.viewer import SCOPES, Role, Scope, Viewer, ViewerKind
from resolvers import carts, options
from resolvers.backorders import let_wait
from resolvers.capacity import filled_since, with_days_locked
from resolvers.deciding import patiently
from resolvers.fulfillment import LIMIT
from resolvers.network import offered_by
from resolvers.payments import asking, currencies_agree, record_of, settle
from resolvers.setup import refuse_off_the_globe
from resolvers.work import with_put_backs
from resolvers.writing import Outcome, Overtaken, Work, World, verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schema.inputs.orders import (
        OrderCancelInput,
        OrderConfirmInput,
        OrderDraftInput,
        OrderHoldInput,
        OrderHoldReleaseInput,
        OrderPlaceInput,
    )

GUEST_SECONDS = 30 * 24 * 3600


async def _after_placing(world: World, viewer: Viewer, input: OrderPlaceInput, outcome: Outcome) -> Outcome:
    """Have the payment authorized, and let a shopper follow the one order they placed."""
    outcome = await settle(world, viewer, input, outcome)
    if viewer.role is Role.SHOPPER and outcome.order_id and world.sign:
        access = guest_access(world, outcome.order_id)
        outcome = replace(outcome, values={**outcome.values, "guest_access": access})
    return outcome


def guest_access(world: World, order_id: UUID) -> GuestAccess:
    """A token that opens one order."""
    assert world.sign is not None
    guest = Viewer(ViewerKind.GUEST, Role.GUEST, f"guest:{order_id}", "Guest", SCOPES[Role.GUEST], order_id=order_id)
    return GuestAccess(world.sign(guest, GUEST_SECONDS), world.now() + timedelta(seconds=GUEST_SECONDS))


@dataclass(frozen=True, slots=True)
class GuestAccess:
    """What a guest needs to come back to their order."""

    access_token: str
    expires_at: datetime


@verb("orderPlace", Scope.ORDERS_PLACE, finish=_after_placing, asks_first=True)
async def place(work: Work, input: OrderPlaceInput) -> Outcome:
    """Place an order, or a draft: priced, routed, allocated, and its payment asked for, in one transaction."""
    quote = await options.quote_of(work, input.fulfillment_option_id)
    draft = await _draft(work, input) if input.draft_id is not None else None
    cart = await carts.locked(work, input.reservation_id)
    placement = options.agreed(_placement(work, input, draft), quote, input.reservation_id)
    offered = await _catalog(work, placement, await _channel_of(work, input, draft), input, draft)
    currencies_agree(work, offered.currency)
    held, offered = carts.held_for(cart, offered)
    begun, customer = _with_customer(work, placing.begin(placement, offered, work.act, draft), offered)
    begun = options.bound(begun, quote)
    _check_total(input, begun)
    begun = placing.taken_apart(begun, offered)

    routed, levels = await routed_and_locked(work, begun, placement, offered, customer, held, quote)
    decided = placing.place(routed, placement.tenders, levels, work.act, held)
    decided = carts.consumed(work, cart, decided)
    if work.begin is None:
        work.store(draft, decided, levels)
    else:
        work.store_and_take(decided)
    return _placed(decided)


async def routed_and_locked(
    work: Work,
    order: Order,
    placement: Placement,
    offered: Catalog,
    customer: Customer | None,
    held: Mapping[UUID, int],
    quote: Quote | None = None,
) -> tuple[Routed, Any]:
    """Route on what was read and lock what was chosen; where somebody was faster, lock all that is offered, and route then.

    Levels are locked once, in order: whoever locked more of them later might wait for somebody who waits for them. What is
    `held` for the order's cart is locked with them, and counts as available. What was quoted ships as quoted, if it can.
    What a channel keeps back is told by all that there is, so there it is locked at once.
    Where no transaction is begun and none is needed, nothing is locked yet, and the levels are as they were read.
    """
    pins = _pins(order, placement)
    if not work.is_again and not any(offer.kept_back for offer in offered.offers.values()):
        routed = await patiently(lambda each: _routed(order, pins, each, customer, quote), offered)
        if work.begin is not None and (read := placing.as_read(routed, offered)) is not None:
            return routed, read
        levels = await work.levels((*routed.needed, *held))
        there = all(levels[id_].available + held.get(id_, 0) >= units for id_, units in routed.needed.items())
        if there and not await filled_since(work, routed.decision, offered):
            return await let_wait(work, routed, offered), levels
        raise Overtaken
    levels = await work.levels((*placing.level_of(offered).values(), *held))
    offered = placing.with_units(placing.sellable(placing.corrected(offered, levels.values())), held)
    offered = await with_days_locked(work, offered)
    routed = await patiently(lambda each: _routed(order, pins, each, customer, quote), offered)
    return await let_wait(work, routed, offered), levels


def _routed(
    order: Order,
    pins: Mapping[UUID, str | None],
    offered: Catalog,
    customer: Customer | None,
    quote: Quote | None,
) -> Routed:
    if quote is None:
        return placing.routed(order, pins, offered, customer)
    return honoured(order, quote, offered, customer)


def _pins(order: Order, placement: Placement) -> dict[UUID, str | None]:
    if all(line.location_code is None for line in placement.lines):
        return {}
    wanted = placing.merged(placement.lines)
    return {line.id: one.location_code for line, one in zip(order.lines, wanted, strict=False)}  # components follow


async def _draft(work: Work, input: OrderPlaceInput) -> Order:
    await work.claimed()
    draft = await work.order(
        "DraftToPlace", input.draft_id or "", expected_version=input.expected_version, field=("draftId",)
    )
    ORDER.after(OrderStatus(draft.status), OrderAction.PLACE)
    return draft


async def _channel_of(work: Work, input: OrderPlaceInput | OrderDraftInput, draft: Order | None) -> str:
    if draft is not None:
        return await code_of_channel(work.connection, draft.channel_id)
    if input.channel is None:
        raise InvalidInput("a channel is needed", field=("channel",))
    return input.channel


async def _catalog(
    work: Work, placement: Placement, channel: str, input: OrderPlaceInput | OrderDraftInput, draft: Order | None
) -> Catalog:
    customer_id = _customer_id(work.viewer, input) or (draft.customer_id if draft else None)
    found = await catalog_for(work, placement, channel, customer_id, numbered=draft is None)
    if customer_id and found.customer_id is None:
        raise NotFound("Customer", ids.encode("Customer", customer_id), field=("customerId",))
    return found


async def catalog_for(
    work: Work, placement: Placement, channel: str, customer_id: UUID | None = None, *, numbered: bool = False
) -> Catalog:
    """What a channel may sell of what is wanted, to this buyer."""
    skus = {line.sku for line in placement.lines}
    email = None if customer_id else placement.buyer.email
    found = await offered_by(work, channel, skus, customer_id=customer_id, email=email, numbered=numbered)
    if found is None or (work.viewer.role is Role.SHOPPER and found.channel_id not in work.viewer.channel_ids):
        raise NotFound("Channel", channel, field=("channel",))
    return placing.sellable(found)


def _customer_id(viewer: Viewer, input: Any) -> UUID | None:
    """A customer orders for themselves; staff may name any customer."""
    if viewer.role is Role.CUSTOMER:
        return viewer.customer_id
    given = getattr(input, "customer_id", None)
    if given is None:
        return None
    if not viewer.may(Scope.ORDERS_READ):
        raise Forbidden(Scope.ORDERS_READ.value, field=("customerId",))
    found = ids.decode("Customer", given)
    if found is None:
        raise NotFound("Customer", given, field=("customerId",))
    return found


def _with_customer(work: Work, order: Order, offered: Catalog) -> tuple[Order, Customer | None]:
    """A buyer whom nobody knows by e-mail becomes a guest."""
    if offered.customer_id is not None or order.email is None:
        return order, None
    name = " ".join(filter(None, (order.first_name, order.last_name))) or order.email
    guest = Customer(
        id=new_id(),
        kind="GUEST",
        display_name=name,
        created_at=work.act.at,
        email=order.email,
        first_name=order.first_name,
        last_name=order.last_name,
        phone=order.phone,
    )
    return placing.bought_by(order, guest.id), guest


def _placement(work: Work, input: OrderPlaceInput | OrderDraftInput, draft: Order | None) -> Placement:
    """The command out of the input; what only history may tell wants its scope."""
    if draft is not None:
        if input.lines is not None:
            raise InvalidInput("a draft is placed with the lines it holds", field=("lines",))
        lines = tuple(Wanted(line.sku, line.quantity, line.unit_price_minor) for line in draft.lines)
    else:
        lines = tuple(_wanted(work, line, index) for index, line in enumerate(input.lines or ()))
    promised = input.promised_delivery
    shipping = _minor(work, input.shipping_price, ("shippingPrice",))
    if promised is not None:
        _history(work, ("promisedDelivery",))
    return Placement(
        lines=lines,
        buyer=_buyer(input, draft),
        external_reference=input.external_reference or (draft.external_reference if draft else None),
        note=input.note or (draft.note if draft else None),
        shipping_minor=shipping or (draft.shipping_minor if draft else 0),
        promised_earliest=promised.earliest if promised else None,
        promised_latest=promised.latest if promised else None,
        tenders=_tenders(work, input),
    )


def _wanted(work: Work, line: Any, index: int) -> Wanted:
    place = ("lines", str(index))
    price = _minor(work, line.unit_price, (*place, "unitPrice"))
    if line.location_code is not None and not work.viewer.may(Scope.ROUTING_WRITE):
        _history(work, (*place, "locationCode"))
    return Wanted(line.sku, line.quantity, price, line.location_code)


def _minor(work: Work, given: Any, place: tuple[str, ...]) -> int | None:
    """A price that the caller names: history's to tell."""
    if given is None:
        return None
    _history(work, place)
    amount = parse(given.amount, given.currency)
    if amount.minor < 0:
        raise InvalidInput("a price is not negative", field=place)
    work.currencies.append((given.currency, place))
    return amount.minor


def _history(work: Work, place: tuple[str, ...]) -> None:
    if not work.viewer.may(Scope.HISTORY_WRITE):
        raise Forbidden(Scope.HISTORY_WRITE.value, field=place)


def _buyer(input: OrderPlaceInput | OrderDraftInput, draft: Order | None) -> Buyer:
    kept = {name: getattr(draft, name) for name in placing.BUYER_FIELDS} if draft else {}
    given: dict[str, Any] = {}
    if input.shipping_address is not None:
        refuse_off_the_globe(input.shipping_address.latitude, input.shipping_address.longitude, "shippingAddress")
    for part in (input.customer, input.shipping_address):
        if part is not None:
            said = {name: value.strip() if isinstance(value, str) else value for name, value in vars(part).items()}
            given |= {name: value for name, value in said.items() if value not in (None, "")}
    refuse_odd_locale(given.get("locale"), "customer", "locale")
    return Buyer(**(kept | given))


def _tenders(work: Work, input: OrderPlaceInput | OrderDraftInput) -> tuple[Tender, ...]:
    """Payments made elsewhere want `payments:record`; a token is the buyer's to give."""
    tenders = []
    for index, record in enumerate(getattr(input, "payments", None) or ()):
        place = ("payments", str(index))
        if not work.viewer.may(Scope.PAYMENTS_RECORD):
            raise Forbidden(Scope.PAYMENTS_RECORD.value, field=place)
        tenders.append(record_of(work, record, place))
    method = getattr(input, "payment_method", None)
    if method is not None:
        if method.provider not in work.world.providers or method.provider == "manual":
            raise InvalidInput(
                f"no payment provider {method.provider} takes tokens", field=("paymentMethod", "provider")
            )
        tenders.append(Tender(PaymentKind.AUTHORIZATION, method.provider, token=method.token))
    return tuple(tenders)


def _check_total(input: OrderPlaceInput, order: Order) -> None:
    """A client that showed a total gets that total or a refusal."""
    if input.expected_total is None:
        return
    expected = parse(input.expected_total.amount, input.expected_total.currency)
    actual = Money(order.total_minor, order.currency)
    if expected != actual:
        raise TotalChanged(expected, actual, field=("expectedTotal",))


def _placed(decided: Decided) -> Outcome:
    order = decided.order
    assert order is not None
    asked = tuple(entry.id for entry in order.payments if entry.status == "REQUESTED")
    return Outcome({"order": order.id}, asks=asked, order_id=order.id, order=order)


@verb("orderDraft", Scope.ORDERS_PLACE, asks_first=True)
async def draft(work: Work, input: OrderDraftInput) -> Outcome:
    """Begin a draft: priced, on record, holding nothing."""
    placement = _placement(work, input, None)
    offered = await _catalog(work, placement, await _channel_of(work, input, None), input, None)
    currencies_agree(work, offered.currency)
    begun, customer = _with_customer(work, placing.begin(placement, offered, work.act), offered)
    decided = placing.drafted(begun, customer, work.act)
    work.store(None, decided)
    return Outcome({"order": begun.id}, order_id=begun.id)


@verb("orderConfirm", Scope.ORDERS_WRITE)
async def confirm(work: Work, input: OrderConfirmInput) -> Outcome:
    """Accept an order."""
    order = await work.order("Order", input.id, expected_version=input.expected_version)
    tenders = [record_of(work, record, ("payments", str(index))) for index, record in enumerate(input.payments or ())]
    if tenders and not work.viewer.may(Scope.PAYMENTS_RECORD):
        raise Forbidden(Scope.PAYMENTS_RECORD.value, field=("payments",))
    currencies_agree(work, order.currency)
    work.store(order, ordering.confirm(order, work.act, tenders))
    return Outcome({"order": order.id})


@verb("orderHold", Scope.ORDERS_WRITE)
async def hold(work: Work, input: OrderHoldInput) -> Outcome:
    """Put an order on hold."""
    order = await work.order("Order", input.id, expected_version=input.expected_version)
    work.store(order, ordering.hold(order, input.kind, input.reason, work.act, input.expires_at))
    return Outcome({"order": order.id})


@verb("orderHoldRelease", Scope.ORDERS_WRITE)
async def release(work: Work, input: OrderHoldReleaseInput) -> Outcome:
    """Take a hold off."""
    order = await work.order("Order", input.order_id, expected_version=input.expected_version, field=("orderId",))
    hold_id = ids.decode("OrderHold", input.hold_id)
    if hold_id is None:
        raise NotFound("OrderHold", input.hold_id, field=("holdId",))
    work.store(order, ordering.release(order, hold_id, work.act))
    return Outcome({"order": order.id})


@verb("orderCancel", Scope.ORDERS_CANCEL, finish=settle)
async def cancel(work: Work, input: OrderCancelInput) -> Outcome:
    """Cancel an order or some of its units; give back what is not owed any more."""
    order = await work.order("Order", input.id, expected_version=input.expected_version)
    if work.viewer.role in (Role.CUSTOMER, Role.GUEST) and order.status == OrderStatus.IN_FULFILLMENT:
        raise InvalidTransition(order.status, "CANCEL", ())
    wanted = ordering.units_to_cancel(order, _lines(input))
    levels = await work.levels(ordering.held_by(order))
    ledger = Ledger(work.act, "OrderCancellation", work.act.id, levels.values())
    decided = ordering.cancel(order, wanted, input.reason, ledger, work.act)
    decided = await with_put_backs(work, order, decided, ledger)
    decided, asks = _money_back(work, input, decided)
    work.store(order, decided, levels)
    return Outcome({"order": order.id}, asks=asks, order_id=order.id, order=decided.order)


def _lines(input: OrderCancelInput) -> list[tuple[UUID, int]] | None:
    if input.lines is None:
        return None
    if not 1 <= len(input.lines) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} lines at once", field=("lines",))
    found = []
    for index, line in enumerate(input.lines):
        key = ids.decode("OrderLine", line.order_line_id)
        if key is None:
            raise NotFound("OrderLine", line.order_line_id, field=("lines", str(index), "orderLineId"))
        found.append((key, line.quantity))
    return found


def _money_back(work: Work, input: OrderCancelInput, decided: Decided) -> tuple[Decided, tuple[UUID, ...]]:
    """Release authorizations of an order that is no more; refund what a buyer, or staff who ask for it, overpaid."""
    order = decided.order
    assert order is not None
    entries: list[Payment] = voids(order, work.act) if order.status == OrderStatus.CANCELED else []
    due = -owed(order)
    if due > 0 and (input.refund is not None or not work.viewer.may(Scope.ORDERS_WRITE)):
        destination = input.refund.destination if input.refund else RefundDestination.ORIGINAL_PAYMENT
        entries += refunds(order, due, RefundReason.CANCELLATION, work.act, destination=destination.value)
    return asking(decided, entries)
