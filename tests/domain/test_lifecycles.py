"""Every noun's lifecycle as a matrix: one row per state, one column per action, a dot where it is refused."""

from enum import StrEnum
from typing import Any

import pytest

from domain.counts import STOCK_COUNT, StockCountAction
from domain.fulfillment import FULFILLMENT_ORDER, FulfillmentOrderAction
from domain.lifecycle import Lifecycle
from domain.orders import ORDER, OrderAction
from domain.purchases import PURCHASE_ORDER, PurchaseOrderAction
from domain.refusals import InvalidTransition
from domain.reservations import RESERVATION, ReservationAction
from domain.returns import RETURN, ReturnAction
from domain.shipments import SHIPMENT, ShipmentAction
from domain.transfers import TRANSFER, TransferAction
from domain.work import WORK_ITEM, WorkItemAction

ORDERS = """
                PLACE    CONFIRM    HOLD            RELEASE_HOLD    PIN             START_FULFILLMENT  COMPLETE   CANCEL    EXPIRE
DRAFT           PENDING  .          .               .               .               .                  .          CANCELED  EXPIRED
PENDING         .        CONFIRMED  PENDING         PENDING         PENDING         .                  .          CANCELED  EXPIRED
CONFIRMED       .        .          CONFIRMED       CONFIRMED       CONFIRMED       IN_FULFILLMENT     .          CANCELED  .
IN_FULFILLMENT  .        .          IN_FULFILLMENT  IN_FULFILLMENT  IN_FULFILLMENT  .                  COMPLETED  CANCELED  .
COMPLETED       .        .          .               .               .               .                  .          .         .
CANCELED        .        .          .               .               .               .                  .          .         .
EXPIRED         .        .          .               .               .               .                  .          .         .
"""

FULFILLMENT_ORDERS = """
                  RELEASE  SUSPEND    ACCEPT    PICK     PACK    SHIP     READY             HAND_OVER  REJECT    MOVE      SPLIT      MERGE     CANCEL
SCHEDULED         OPEN     .          .         .        .       .        .                 .          .         CANCELED  SCHEDULED  CANCELED  CANCELED
OPEN              .        SCHEDULED  ACCEPTED  .        .       .        .                 .          REJECTED  CANCELED  OPEN       CANCELED  CANCELED
ACCEPTED          .        .          .         PICKING  .       .        .                 .          REJECTED  CANCELED  ACCEPTED   .         CANCELED
PICKING           .        .          .         PICKING  PACKED  .        .                 .          .         .         .          .         CANCELED
PACKED            .        .          .         .        PACKED  SHIPPED  READY_FOR_PICKUP  .          .         .         .          .         CANCELED
READY_FOR_PICKUP  .        .          .         .        .       .        .                 PICKED_UP  .         .         .          .         CANCELED
SHIPPED           .        .          .         .        .       .        .                 .          .         .         .          .         .
PICKED_UP         .        .          .         .        .       .        .                 .          .         .         .          .         .
REJECTED          .        .          .         .        .       .        .                 .          .         .         .          .         .
CANCELED          .        .          .         .        .       .        .                 .          .         .         .          .         .
"""

SHIPMENTS = """
                    LABEL    HAND_OVER    TRANSPORT   TAKE_OUT          DELIVER    RETURN              LOSE  CANCEL
CREATED             LABELED  HANDED_OVER  IN_TRANSIT  OUT_FOR_DELIVERY  DELIVERED  RETURNED_TO_SENDER  .     CANCELED
LABELED             .        HANDED_OVER  IN_TRANSIT  OUT_FOR_DELIVERY  DELIVERED  RETURNED_TO_SENDER  .     CANCELED
HANDED_OVER         .        .            IN_TRANSIT  OUT_FOR_DELIVERY  DELIVERED  RETURNED_TO_SENDER  LOST  .
IN_TRANSIT          .        .            .           OUT_FOR_DELIVERY  DELIVERED  RETURNED_TO_SENDER  LOST  .
OUT_FOR_DELIVERY    .        .            .           .                 DELIVERED  RETURNED_TO_SENDER  LOST  .
DELIVERED           .        .            .           .                 .          .                   .     .
RETURNED_TO_SENDER  .        .            .           .                 .          .                   .     .
LOST                .        .            .           .                 DELIVERED  RETURNED_TO_SENDER  .     .
CANCELED            .        .            .           .                 .          .                   .     .
"""

RETURNS = """
                    APPROVE   DECLINE   CANCEL    SEND        RECEIVE_PART        RECEIVE   CLOSE   EXPIRE
REQUESTED           APPROVED  DECLINED  CANCELED  .           .                   .         .       .
APPROVED            .         .         CANCELED  IN_TRANSIT  PARTIALLY_RECEIVED  RECEIVED  .       EXPIRED
DECLINED            .         .         .         .           .                   .         .       .
IN_TRANSIT          .         .         .         .           PARTIALLY_RECEIVED  RECEIVED  .       EXPIRED
PARTIALLY_RECEIVED  .         .         .         .           PARTIALLY_RECEIVED  RECEIVED  CLOSED  .
RECEIVED            .         .         .         .           .                   .         CLOSED  .
CLOSED              .         .         .         .           .                   .         .       .
CANCELED            .         .         .         .           .                   .         .       .
EXPIRED             .         .         .         .           .                   .         .       .
"""

WORK_ITEMS = """
        CLAIM   EXTEND  COMPLETE  FAIL    GIVE_UP  RETURN  REASSIGN  RETRY
READY   LEASED  .       .         .       .        .       READY     .
LEASED  .       LEASED  DONE      FAILED  DEAD     READY   READY     .
DONE    .       .       .         .       .        .       .         .
FAILED  .       .       .         .       .        READY   READY     .
DEAD    .       .       .         .       .        .       .         READY
"""

PURCHASE_ORDERS = """
                    ORDER    RESCHEDULE          RECEIVE             COMPLETE  CANCEL
DRAFT               ORDERED  DRAFT               .                   .         CANCELED
ORDERED             .        ORDERED             PARTIALLY_RECEIVED  RECEIVED  CANCELED
PARTIALLY_RECEIVED  .        PARTIALLY_RECEIVED  PARTIALLY_RECEIVED  RECEIVED  .
RECEIVED            .        .                   .                   .         .
CANCELED            .        .                   .                   .         .
"""

TRANSFERS = """
                    SHIP        RESCHEDULE          RECEIVE             COMPLETE  CANCEL
DRAFT               IN_TRANSIT  DRAFT               .                   .         CANCELED
IN_TRANSIT          .           IN_TRANSIT          PARTIALLY_RECEIVED  RECEIVED  CANCELED
PARTIALLY_RECEIVED  .           PARTIALLY_RECEIVED  PARTIALLY_RECEIVED  RECEIVED  .
RECEIVED            .           .                   .                   .         .
CANCELED            .           .                   .                   .         .
"""

STOCK_COUNTS = """
           RECORD  COMPLETE   CANCEL
OPEN       OPEN    COMPLETED  CANCELED
COMPLETED  .       .          .
CANCELED   .       .          .
"""

RESERVATIONS = """
          CHANGE  EXTEND  CONSUME   RELEASE   EXPIRE
ACTIVE    ACTIVE  ACTIVE  CONSUMED  RELEASED  EXPIRED
CONSUMED  .       .       .         .         .
RELEASED  .       .       .         .         .
EXPIRED   .       .       .         .         .
"""

NOUNS: tuple[tuple[Lifecycle[Any, Any], type[StrEnum], str], ...] = (
    (ORDER, OrderAction, ORDERS),
    (FULFILLMENT_ORDER, FulfillmentOrderAction, FULFILLMENT_ORDERS),
    (SHIPMENT, ShipmentAction, SHIPMENTS),
    (RETURN, ReturnAction, RETURNS),
    (WORK_ITEM, WorkItemAction, WORK_ITEMS),
    (PURCHASE_ORDER, PurchaseOrderAction, PURCHASE_ORDERS),
    (TRANSFER, TransferAction, TRANSFERS),
    (STOCK_COUNT, StockCountAction, STOCK_COUNTS),
    (RESERVATION, ReservationAction, RESERVATIONS),
)


def cells(matrix: str) -> dict[tuple[str, str], str]:
    """A matrix's cells by state and action."""
    head, *rows = [row.split() for row in matrix.strip().splitlines()]
    return {(row[0], action): cell for row in rows for action, cell in zip(head, row[1:], strict=True)}


CASES = [
    pytest.param(lifecycle, state, action, expected, id=f"{lifecycle.noun}-{state}-{action}")
    for lifecycle, _, matrix in NOUNS
    for (state, action), expected in cells(matrix).items()
]


@pytest.mark.parametrize(("lifecycle", "actions", "matrix"), NOUNS, ids=lambda value: getattr(value, "noun", ""))
def test_the_matrix_names_every_state_and_every_action(
    lifecycle: Lifecycle[Any, Any], actions: type[StrEnum], matrix: str
) -> None:
    assert set(cells(matrix)) == {(state, action) for state in lifecycle.states for action in actions}


@pytest.mark.parametrize(("lifecycle", "state", "action", "expected"), CASES)
def test_an_action_leads_where_the_matrix_says_or_is_refused(
    lifecycle: Lifecycle[Any, Any], state: str, action: str, expected: str
) -> None:
    if expected != ".":
        assert lifecycle.after(state, action) == expected
        return
    with pytest.raises(InvalidTransition) as refused:
        lifecycle.after(state, action)
    assert action not in refused.value.allowed


@pytest.mark.parametrize(("lifecycle", "actions", "matrix"), NOUNS, ids=lambda value: getattr(value, "noun", ""))
def test_no_action_is_without_a_use(lifecycle: Lifecycle[Any, Any], actions: type[StrEnum], matrix: str) -> None:
    assert all(lifecycle.sources(action) for action in actions)
    assert matrix
