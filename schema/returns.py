"""Returns: goods coming back. What was announced, what arrived, what became of it, and the money."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlalchemy import ColumnElement, case, func, null, select

from domain.returns import (
    RETURN,
    Condition,
    Disposition,
    NotReturnableReason,
    ReturnAction,
    ReturnMethod,
    ReturnReason,
    ReturnStatus,
)
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope, Viewer
from resolvers.reading.actions import available_actions
from resolvers.reading.mapping import Row, Values, by_viewer, column, inline, many, one
from schema.common import Money, Node, entity, id_of, money, optional_money, words
from schema.payments import Refund
from schema.stock import Location

words(Condition)
words(Disposition)
words(NotReturnableReason)
words(ReturnAction)
words(ReturnMethod)
words(ReturnReason)
words(ReturnStatus)


@strawberry.type(description="Whether units of an order line may come back, until when, or why not.")
class Returnability:
    """The return rules applied to a line, now."""

    returnable: bool = column("returnable", "Whether anything may come back.")
    quantity: int = column("quantity", "How many units may come back.")
    reason: NotReturnableReason | None = column("reason", "Why nothing may; null where something may.")
    deadline: datetime | None = column("deadline", "The last moment to ask; null until it was delivered.")
    fee: Money | None = optional_money(lambda _: null(), lambda _: null(), "What it costs the buyer; null: nothing.")


def returnability_of(line: Row) -> Values:
    """`domain.returns.returnability` as SQL: the two are kept in step by a test."""
    o, channel = t.orders.alias(), t.channels.alias()
    days = select(channel.c.return_window_days).join_from(o, channel, channel.c.id == o.c.channel_id)
    window = days.where(o.c.id == line.c.order_id).correlate_except(o, channel).scalar_subquery()
    deadline = line.c.delivered_at + func.make_interval(0, 0, 0, window)
    left = line.c.delivered - line.c.returned - line.c.in_open_returns
    reason = case(
        (line.c.kit_line_id.is_not(None), NotReturnableReason.PART_OF_A_KIT.value),
        (line.c.delivered <= 0, NotReturnableReason.NOT_DELIVERED.value),
        (left <= 0, NotReturnableReason.ALREADY_RETURNED.value),
        (func.now() > deadline, NotReturnableReason.WINDOW_CLOSED.value),
    )
    return Values(
        returnable=reason.is_(None),
        quantity=case((reason.is_(None), left), else_=0),
        reason=reason,
        deadline=deadline,
    )


@strawberry.type(description="What was found when returned units were looked at.")
@entity(t.return_inspections, visibility.return_inspections)
class ReturnInspection:
    """One finding; units of a line may differ."""

    quantity: int = column("quantity", "How many units.")
    condition: Condition = column("condition", "The state they were in.")
    disposition: Disposition = column("disposition", "What becomes of them.")
    inspected_at: datetime = column("inspected_at", "When.")


@strawberry.type(description="Units of one order line that come back.")
@entity(t.return_lines, visibility.return_lines)
class ReturnLine(Node):
    """A line of a return."""

    id: strawberry.ID = id_of("ReturnLine")
    order_line: Annotated["OrderLine", strawberry.lazy("schema.orders")] = one(
        lambda row, line: line.c.id == row.c.order_line_id, "The line that was bought."
    )
    quantity: int = column("quantity", "Units announced.")
    received_quantity: int = column("received_quantity", "Units that arrived.")
    reason: ReturnReason = column("reason", "Why they come back.")
    comment: str | None = column("comment", "What the customer said.")
    inspections: list[ReturnInspection] = many(
        lambda row, found: found.c.return_line_id == row.c.id,
        lambda found: [found.c.inspected_at, found.c.id],
        "What was found; at most 20.",
        limit=20,
    )


@strawberry.type(description="A label to send goods back with.")
@entity(t.return_labels, visibility.through(t.returns, "return_id", visibility.returns))
class ReturnLabel:
    """A return label."""

    carrier: str = column("carrier", "The carrier's short name.")
    tracking_number: str | None = column("tracking_number", "The carrier's number.")
    url: str | None = column("url", "The label to print.")


def _refunded(row: Row) -> ColumnElement[int]:
    paid = t.payments.alias()
    total = select(func.coalesce(func.sum(paid.c.amount_minor), 0)).where(
        paid.c.return_id == row.c.id, paid.c.kind == "REFUND", paid.c.status == "SUCCEEDED"
    )
    return total.correlate_except(paid).scalar_subquery()


RETURN_SCOPES = {
    ReturnAction.APPROVE: Scope.RETURNS_WRITE,
    ReturnAction.DECLINE: Scope.RETURNS_WRITE,
    ReturnAction.RECEIVE: Scope.RETURNS_RECEIVE,
    ReturnAction.CLOSE: Scope.RETURNS_RECEIVE,
}


def _actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    return available_actions(RETURN, RETURN_SCOPES, row, viewer, {})


@strawberry.type(description="Goods coming back. Receipt, inspection and refund are separate facts.")
@entity(t.returns, visibility.returns)
class Return(Node):
    """A return."""

    id: strawberry.ID = id_of("Return")
    number: str = column("number", "The number that people use.")
    status: ReturnStatus = column("status", "How far it has come.")
    method: ReturnMethod = column("method", "How the goods come back.")
    requested_at: datetime = column("requested_at", "When it was asked for.")
    approved_at: datetime | None = column("approved_at", "When it was approved.")
    received_at: datetime | None = column("received_at", "When the last announced unit arrived.")
    closed_at: datetime | None = column("closed_at", "When it was settled.")
    expires_at: datetime | None = column("expires_at", "When it lapses if nothing arrives.")
    decline_reason: str | None = column("decline_reason", "Why it was declined.")
    receipt_url: str | None = column("receipt_url", "A receipt to print; null where none was made.")
    estimated_refund: Money = money("estimated_refund_minor", "What the announced units were bought for.")
    refund_total: Money = inline(
        lambda row: Values(minor=_refunded(row), currency=row.c.currency), "What has gone back so far."
    )
    version: int = column("version", "Grows with every change.")
    order: Annotated["Order", strawberry.lazy("schema.orders")] = one(
        lambda row, order: order.c.id == row.c.order_id, "The order it comes from."
    )
    location: Location | None = one(
        lambda row, place: place.c.id == row.c.location_id, "Where it arrives; null until it is known."
    )
    lines: list[ReturnLine] = many(
        lambda row, line: line.c.return_id == row.c.id,
        lambda line: [line.c.id],
        "What comes back; at most 100.",
        limit=100,
    )
    labels: list[ReturnLabel] = many(
        lambda row, label: label.c.return_id == row.c.id,
        lambda label: [label.c.id],
        "Labels to send it with; at most 20.",
        limit=20,
    )
    refunds: list[Refund] = many(
        lambda row, refund: (
            (refund.c.return_id == row.c.id) & (refund.c.kind == "REFUND") & refund.c.request_id.is_(None)
        ),
        lambda refund: [refund.c.occurred_at, refund.c.id],
        "Money that went back for it; at most 20.",
        limit=20,
    )
    available_actions: list[ReturnAction] = by_viewer(_actions, "What you may do next; at most 10.")
