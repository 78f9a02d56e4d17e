"""A customer's figures, read off their orders. Amounts are whole minor units all the way; no float ever holds one."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
)

from domain.orders import OrderReturnStatus, OrderStatus
from domain.payments import EntryStatus, PaymentKind
from domain.returns import ReturnStatus
from domain.store import tables as t
from resolvers.reading.mapping import Row

CURRENCIES = 10
"""Of how many currencies a customer's amounts are told at most."""

NOT_PLACED = (OrderStatus.DRAFT, OrderStatus.EXPIRED)
CAME_TO_NOTHING = (ReturnStatus.DECLINED, ReturnStatus.CANCELED, ReturnStatus.EXPIRED)


def _placed(order: FromClause, customer: Row) -> tuple[ColumnElement[bool], ...]:
    return order.c.customer_id == customer.c.id, order.c.status.not_in(NOT_PLACED)


def _figure(found: Select[Any], own: FromClause) -> ColumnElement[Any]:
    return found.correlate_except(own).scalar_subquery()


def order_count(customer: Row) -> ColumnElement[int]:
    """Placed orders."""
    o = t.orders.alias()
    return _figure(select(func.count()).select_from(o).where(*_placed(o, customer)), o)


def return_count(customer: Row) -> ColumnElement[int]:
    """Returns that came, or may still come, to something."""
    r = t.returns.alias()
    standing = r.c.status.not_in(CAME_TO_NOTHING)
    return _figure(select(func.count()).select_from(r).where(r.c.customer_id == customer.c.id, standing), r)


def return_rate(customer: Row) -> ColumnElement[Any]:
    """Orders with a return by orders. A whole number has its `.0`, as floats are written."""
    o = t.orders.alias()
    returned = func.count().filter(o.c.return_status != OrderReturnStatus.NONE.value)
    exact = cast(returned, Numeric) / func.nullif(func.count(), literal_column("0"))
    rates = select(func.round(exact, literal_column("4"), type_=Numeric).label("rate")).where(*_placed(o, customer))
    rate = rates.correlate_except(o).subquery()
    whole = rate.c.rate == func.trunc(rate.c.rate)
    written = case((whole, func.round(rate.c.rate, literal_column("1"))), else_=func.trim_scale(rate.c.rate))
    return select(written).scalar_subquery()


def first_order_at(customer: Row) -> ColumnElement[Any]:
    """The first placed order's moment."""
    o = t.orders.alias()
    return _figure(select(func.min(o.c.placed_at, type_=DateTime(timezone=True))).where(*_placed(o, customer)), o)


def last_order_at(customer: Row) -> ColumnElement[Any]:
    """The last placed order's moment."""
    o = t.orders.alias()
    return _figure(select(func.max(o.c.placed_at, type_=DateTime(timezone=True))).where(*_placed(o, customer)), o)


def lifetime_value(customer: Row) -> Any:
    """Captured − refunded − charged back, by currency."""
    o, entry = t.orders.alias(), t.payments.alias()
    amount = entry.c.amount_minor
    signed = case((entry.c.kind == PaymentKind.CAPTURE.value, amount), else_=-amount)
    moved = (PaymentKind.CAPTURE, PaymentKind.REFUND, PaymentKind.CHARGEBACK)
    kept = (
        select(entry.c.currency, func.sum(signed).label("minor"))
        .join_from(o, entry, entry.c.order_id == o.c.id)
        .where(o.c.customer_id == customer.c.id)
        .where(entry.c.status == EntryStatus.SUCCEEDED.value, entry.c.kind.in_(moved))
    )
    return _amounts(kept.group_by(entry.c.currency).order_by(entry.c.currency), o, entry)


def average_order_value(customer: Row) -> Any:
    """Totals of placed orders by their number, by currency: (2 × sum + n) div 2n rounds halves up and loses nothing."""
    o = t.orders.alias()
    two = literal_column("2", Integer)
    average = func.div(two * func.sum(o.c.total_minor) + func.count(), two * func.count())
    lasting = (*_placed(o, customer), o.c.status != OrderStatus.CANCELED.value)
    averages = select(o.c.currency, average.label("minor")).where(*lasting)
    return _amounts(averages.group_by(o.c.currency).order_by(o.c.currency), o)


def _amounts(by_currency: Select[Any], *own: FromClause) -> Any:
    """Rows of (currency, minor) as a table."""
    each = by_currency.limit(literal_column(str(CURRENCIES))).correlate_except(*own).subquery()
    listed = select(func.json_agg(func.json_build_object("currency", each.c.currency, "minor", each.c.minor)))
    parts = column("currency", Text()), column("minor", BigInteger())
    return func.json_to_recordset(listed.scalar_subquery()).table_valued(*parts)
