"""Refusals: a closed family that carries data, and says it in words."""

from datetime import UTC, datetime
from typing import get_type_hints

import pytest

from domain import refusals
from domain.money import Money
from domain.refusals import REFUSALS, Refused

DEADLINE = datetime(2026, 1, 31, tzinfo=UTC)

MESSAGES = [
    (refusals.NotFound("order", "o-1"), "NOT_FOUND", "No order o-1 is visible to you."),
    (refusals.Forbidden("stock:write"), "FORBIDDEN", "This needs the scope stock:write."),
    (
        refusals.InvalidTransition(state="COMPLETED", action="CANCEL", allowed=()),
        "INVALID_TRANSITION",
        "CANCEL is not possible while COMPLETED; possible now: nothing.",
    ),
    (
        refusals.InvalidTransition(state="DRAFT", action="CONFIRM", allowed=("PLACE", "EXPIRE")),
        "INVALID_TRANSITION",
        "CONFIRM is not possible while DRAFT; possible now: PLACE, EXPIRE.",
    ),
    (
        refusals.InsufficientStock("SKU-1", requested=3, sellable=1),
        "INSUFFICIENT_STOCK",
        "3 of SKU-1 requested, 1 can be sold.",
    ),
    (
        refusals.IdempotencyKeyReused(),
        "IDEMPOTENCY_KEY_REUSED",
        "This idempotency key was used before with another input.",
    ),
    (
        refusals.VersionConflict(expected=3, actual=4),
        "VERSION_CONFLICT",
        "Version 3 was expected, but it is 4 by now.",
    ),
    (refusals.InvalidInput("lines are missing"), "INVALID_INPUT", "The input cannot be accepted: lines are missing."),
    (refusals.UnknownSku("SKU-9"), "UNKNOWN_SKU", "No variant has the SKU SKU-9."),
    (
        refusals.CurrencyMismatch(expected="BRL", actual="USD"),
        "CURRENCY_MISMATCH",
        "An amount in BRL is needed, USD was given.",
    ),
    (
        refusals.DuplicateReference("cart-7"),
        "DUPLICATE_REFERENCE",
        "The channel already has an order with the reference cart-7.",
    ),
    (refusals.PaymentDeclined("no funds"), "PAYMENT_DECLINED", "The payment was declined: no funds."),
    (
        refusals.PaymentUnresolved("timed out"),
        "PAYMENT_UNRESOLVED",
        "The payment provider has not answered, so the outcome is not known yet: timed out.",
    ),
    (refusals.PaymentRequired(Money(1000, "BRL")), "PAYMENT_REQUIRED", "10.00 BRL must be paid first."),
    (
        refusals.RefundExceedsBalance(Money(5, "BRL")),
        "REFUND_EXCEEDS_BALANCE",
        "At most 0.05 BRL can be refunded.",
    ),
    (
        refusals.AmountExceeds(Money(1200, "JPY")),
        "AMOUNT_EXCEEDS",
        "At most 1200 JPY of the authorization is left.",
    ),
    (
        refusals.NotReturnable("line-1", "WINDOW_CLOSED", returnable_quantity=0, deadline=DEADLINE),
        "NOT_RETURNABLE",
        "Of order line line-1, 0 can be returned: WINDOW_CLOSED.",
    ),
    (refusals.QuantityExceeds(2), "QUANTITY_EXCEEDS", "At most 2 are left to act on."),
    (
        refusals.NotReversible("mov_1", reason="mov_2 undid it"),
        "NOT_REVERSIBLE",
        "Entry mov_1 cannot be undone: mov_2 undid it.",
    ),
    (
        refusals.StockChanged("SKU-1", expected_on_hand=42, actual_on_hand=40),
        "STOCK_CHANGED",
        "42 of SKU-1 were expected on hand, but there are 40.",
    ),
    (
        refusals.TotalChanged(expected_total=Money(100, "BRL"), actual_total=Money(120, "BRL")),
        "TOTAL_CHANGED",
        "The total was expected to be 1.00 BRL, but it is 1.20 BRL by now.",
    ),
    (refusals.OnHold(("FRAUD", "ADDRESS")), "ON_HOLD", "The order is on hold: FRAUD, ADDRESS."),
    (
        refusals.Unroutable("SKU-1", requested=2, reason="NO_STOCK"),
        "UNROUTABLE",
        "No location can ship 2 of SKU-1: NO_STOCK.",
    ),
    (
        refusals.UnitsCommitted("SKU-1", committed=3, picked=1, reserved=2, set_aside=0),
        "UNITS_COMMITTED",
        "No fewer than 3 of SKU-1 can be on hand: 1 are picked, 2 in carts, 0 set aside.",
    ),
    (
        refusals.LocationNotInChannel("SAO1", channel="web"),
        "LOCATION_NOT_IN_CHANNEL",
        "The location SAO1 does not ship for the channel web.",
    ),
    (
        refusals.TooManyOrders(5_000, instead="routingSimulationStart"),
        "TOO_MANY_ORDERS",
        "These are more than 5000 orders: nobody waits for that long; routingSimulationStart has them looked at by a worker.",
    ),
    (
        refusals.QuoteExpired(datetime(2018, 5, 1, 12, tzinfo=UTC)),
        "QUOTE_EXPIRED",
        "The quote was good until 2018-05-01 12:00:00+00:00; ask for the options again.",
    ),
    (
        refusals.QuoteMismatch("other lines"),
        "QUOTE_MISMATCH",
        "The quote is for other lines, and not for what is ordered now.",
    ),
    (
        refusals.QuoteNotAvailable("no location has everything in time"),
        "QUOTE_NOT_AVAILABLE",
        "What was quoted is gone, and nothing else keeps its promise: no location has everything in time.",
    ),
    (
        refusals.WorkItemNotLeased("LEASED", leased_by="Wim"),
        "WORK_ITEM_NOT_LEASED",
        "You do not hold the lease of this work item, which is LEASED; its holder: Wim.",
    ),
]


@pytest.mark.parametrize(("refusal", "code", "message"), MESSAGES, ids=lambda value: getattr(value, "code", ""))
def test_a_refusal_has_a_code_for_programs_and_a_message_for_people(refusal: Refused, code: str, message: str) -> None:
    assert refusal.code == code
    assert refusal.message == message
    assert str(refusal) == message


def test_the_family_is_closed_and_listed() -> None:
    assert set(REFUSALS) == set(Refused.__subclasses__())
    assert set(REFUSALS) == {type(refusal) for refusal, _, _ in MESSAGES}
    assert len({refusal.code for refusal in REFUSALS}) == len(REFUSALS)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_types_of_a_refusals_data_can_be_read(refusal: type[Refused]) -> None:
    assert get_type_hints(refusal)["field"] == tuple[str, ...]


def test_a_refusal_names_the_input_at_fault_where_there_is_one() -> None:
    assert refusals.UnknownSku("SKU-9").field == ()
    assert refusals.UnknownSku("SKU-9", field=("input", "lines", "0", "sku")).field == ("input", "lines", "0", "sku")


def test_two_refusals_with_the_same_data_stay_two() -> None:
    assert refusals.QuantityExceeds(2) != refusals.QuantityExceeds(2)


def test_what_is_not_known_reads_as_none() -> None:
    assert refusals.spoken(None) == "none"
