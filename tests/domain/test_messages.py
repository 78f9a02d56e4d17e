"""Messages: which events are told, what is too old to tell, and who is not told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.events import EventType
from domain.messages import (
    TOLD_BY,
    Announcement,
    MessageKind,
    MessageMedium,
    MessageTopic,
    announced,
    may_be_left,
    patience,
    refuse_odd_locale,
    still_news,
    unwanted,
)
from domain.model import Message
from domain.refusals import InvalidInput

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER, SUBJECT, PAYMENT = uuid4(), uuid4(), uuid4()

NOT_YET = {"FULFILLMENT_ORDER_READY_FOR_PICKUP"}
"""Events that nothing writes yet."""


def told_of(type_: str, late: timedelta = timedelta(), **data: Any) -> tuple[MessageKind, UUID] | None:
    found = announced(type_, SUBJECT, ORDER, data, (NOW - late, NOW))
    return (found.kind, found.cause_id) if found else None


@pytest.mark.parametrize(
    ("type_", "data", "kind", "cause"),
    [
        ("ORDER_CONFIRMED", {}, MessageKind.ORDER_CONFIRMED, ORDER),
        ("SHIPMENT_HANDED_OVER", {}, MessageKind.SHIPPED, SUBJECT),
        ("SHIPMENT_TRACKED", {"code": "PICKED_UP"}, MessageKind.SHIPPED, SUBJECT),
        ("SHIPMENT_TRACKED", {"code": "IN_TRANSIT"}, MessageKind.SHIPPED, SUBJECT),
        ("SHIPMENT_TRACKED", {"code": "OUT_FOR_DELIVERY"}, MessageKind.OUT_FOR_DELIVERY, SUBJECT),
        ("SHIPMENT_DELIVERED", {}, MessageKind.DELIVERED, SUBJECT),
        ("FULFILLMENT_ORDER_READY_FOR_PICKUP", {}, MessageKind.READY_FOR_PICKUP, SUBJECT),
        ("PICKUP_DECLINED", {}, MessageKind.PICKUP_DECLINED, SUBJECT),
        ("EXCEPTION_RAISED", {"kind": "PROMISE_AT_RISK"}, MessageKind.DELAYED, ORDER),
        ("RETURN_RECEIVED", {}, MessageKind.RETURN_RECEIVED, SUBJECT),
        ("PAYMENT_REFUNDED", {"paymentId": str(PAYMENT)}, MessageKind.REFUNDED, PAYMENT),
    ],
)
def test_an_event_is_told_of_what_it_is_about(type_: str, data: dict[str, Any], kind: MessageKind, cause: UUID) -> None:
    assert told_of(type_, **data) == (kind, cause)


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("ORDER_PLACED", {}),
        ("SHIPMENT_CREATED", {}),
        ("SHIPMENT_TRACKED", {"code": "INFO_RECEIVED"}),
        ("SHIPMENT_TRACKED", {"code": "ATTEMPTED"}),
        ("SHIPMENT_TRACKED", {"code": "DELIVERED"}),  # SHIPMENT_DELIVERED says it
        ("SHIPMENT_TRACKED", {}),
        ("EXCEPTION_RAISED", {"kind": "LATE_PICK"}),
        ("STOCK_MOVED", {}),
    ],
)
def test_all_else_is_not_the_customers_affair(type_: str, data: dict[str, Any]) -> None:
    assert told_of(type_, **data) is None


def test_every_event_that_is_told_is_a_word_of_the_log_or_is_to_be() -> None:
    assert {type_ for type_, _ in TOLD_BY} - set(EventType) == NOT_YET


def test_history_is_not_told() -> None:
    assert told_of("ORDER_CONFIRMED", timedelta(hours=24)) is not None
    assert told_of("ORDER_CONFIRMED", timedelta(hours=24, seconds=1)) is None


def test_what_concerns_no_order_is_not_told() -> None:
    assert announced("EXCEPTION_RAISED", SUBJECT, None, {"kind": "PROMISE_AT_RISK"}, (NOW, NOW)) is None


def kinds_kept(*kinds: str) -> list[str]:
    given = [Announcement(MessageKind(kind), SUBJECT, ORDER, NOW) for kind in kinds]
    return [each.kind.value for each in still_news(given)]


def test_nothing_is_told_twice_or_after_what_overtook_it() -> None:
    assert kinds_kept("SHIPPED", "SHIPPED", "OUT_FOR_DELIVERY", "DELIVERED") == [
        "SHIPPED",
        "OUT_FOR_DELIVERY",
        "DELIVERED",
    ]
    assert kinds_kept("OUT_FOR_DELIVERY", "SHIPPED", "DELIVERED", "OUT_FOR_DELIVERY") == [
        "OUT_FOR_DELIVERY",
        "DELIVERED",
    ]


def message(**given: Any) -> Message:
    rest: dict[str, Any] = {"medium": "EMAIL", "recipient": "ana@example.com", **given}
    return Message(uuid4(), given.pop("kind", "SHIPPED"), rest.pop("medium"), "PENDING", "Order", ORDER, ORDER, ORDER,
                   NOW, recipient=rest["recipient"])  # fmt: skip


def test_who_wants_nothing_is_told_only_what_is_owed() -> None:
    assert unwanted(message(), opted_out=False) is None
    assert unwanted(message(), opted_out=True) == "opted out"
    assert unwanted(message(kind="REFUNDED"), opted_out=True) is None
    assert unwanted(message(kind="REFUNDED", medium="SMS"), opted_out=True) == "opted out"
    assert unwanted(message(recipient=None), opted_out=False) == "no address"
    owed = [(topic, medium) for topic in MessageTopic for medium in MessageMedium if not may_be_left(topic, medium)]
    assert owed == [(MessageTopic.ORDER, MessageMedium.EMAIL)]


def test_that_it_comes_today_is_no_news_tomorrow() -> None:
    assert patience(MessageKind.OUT_FOR_DELIVERY) < timedelta(days=1) < patience(MessageKind.DELIVERED)


@pytest.mark.parametrize("text", ["pt_BR", "Portuguese", "pt-br", "p", "", "pt-BR ", "../en", "en\n"])
def test_a_locale_is_written_as_bcp_47_does(text: str) -> None:
    with pytest.raises(InvalidInput):
        refuse_odd_locale(text)
    for fine in (None, "en", "pt-BR", "zh-Hant-TW", "es-419", "fil"):
        refuse_odd_locale(fine)
