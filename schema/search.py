"""Search: customers and orders by whatever is said on the phone or written on a receipt.

Each way of being known has a branch of its own, answered by its own index, and only what fits a branch reaches it: no
postal code is looked for as a name. A branch that may find many stops at `FOUND_AT_MOST`, so that a search costs as
much among a million orders as among ten thousand; the ids of all branches are united.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Text,
    any_,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
)

from domain.store import search as store
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.arguments import Argument, BadInput

FOUND_AT_MOST = 100
QUERY_LIMIT = 200
"""Characters: no name or number is longer."""


def said(query: str) -> str | None:
    """What was said; None where it was nothing."""
    if len(query) > QUERY_LIMIT:
        raise BadInput(f"A search has at most {QUERY_LIMIT} characters; {len(query)} were given.")
    return query.strip() or None


def _spellings(query: str) -> list[str]:
    """A number as it was said and in capitals, without the sign that people put before it."""
    asked = (said(query) or "").lstrip("#")
    return [asked, asked.upper()] if asked else []


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, once for each way to understand it; null where it cannot be understood that way."""

    text: BindParameter[str]
    numbers: BindParameter[list[str]]
    words: BindParameter[str]
    digits: BindParameter[str]
    postal_code: BindParameter[str]

    @classmethod
    def of(cls, query: Argument) -> "Said":
        """The parameters of one search."""
        return cls(
            text=query.bind(Text(), said),
            numbers=query.bind(ARRAY(Text), _spellings),
            words=query.bind(Text(), lambda each: store.words_asked(said(each) or "")),
            digits=query.bind(Text(), lambda each: store.digits_asked(said(each) or "")),
            postal_code=query.bind(Text(), lambda each: store.postal_code_asked(said(each) or "")),
        )


def orders_found(order: FromClause, query: Argument) -> ColumnElement[bool]:
    """Orders by what is known of them, or of their customer."""
    asked = Said.of(query)
    in_hand = [*_orders_by_number(asked), *_orders_by_contact(asked), _orders_of(_customers_by_contact(asked))]
    looked_for = [_orders_going_to(asked), _orders_with_sku(asked), _orders_of([_customers_named(asked)])]
    return _among(order, [*in_hand, *map(_as_far_as_seen, looked_for)])


def customers_found(customer: FromClause, query: Argument) -> ColumnElement[bool]:
    """Customers by what is known of them, or of one of their orders."""
    asked = Said.of(query)
    ordered = union(*_orders_by_number(asked), *_orders_by_contact(asked), _orders_going_to(asked))
    o = t.orders.alias()
    buyers = select(o.c.customer_id).where(o.c.id == _any_of(ordered))
    known = [*_customers_by_contact(asked), _customers_named(asked), _customers_living_at(asked)]
    return _among(customer, [*known, buyers])


def _among(row: FromClause, branches: Iterable[Select[Any]]) -> ColumnElement[bool]:
    return row.c.id == _any_of(union(*branches))


def _any_of(ids: Select[Any] | CompoundSelect[Any]) -> ColumnElement[Any]:
    """An array and no join: it is made once, and then rows are fetched by their keys, whatever else is asked."""
    return any_(func.array(ids.scalar_subquery()))


def _newest(row: FromClause, *conditions: ColumnElement[bool], key: str = "id") -> Select[Any]:
    """A bounded branch. Ids are drawn in the order of time, and follow the key in each of these indexes."""
    return select(row.c[key].label("id")).where(*conditions).order_by(row.c[key].desc()).limit(_bound())


def _bound() -> ColumnElement[int]:
    return literal_column(str(FOUND_AT_MOST))


# -- customers ---------------------------------------------------------------------------------------------------------


def _customers_by_contact(asked: Said) -> list[Select[Any]]:
    by_email, by_phone = t.customers.alias(), t.customers.alias()
    return [
        select(by_email.c.id).where(
            func.lower(by_email.c.email) == func.lower(asked.text),
            by_email.c.kind.in_((literal_column("'REGISTERED'"), literal_column("'GUEST'"))),
        ),
        _newest(by_phone, *_has_phone(by_phone, asked)),
    ]


def _customers_named(asked: Said) -> Select[Any]:
    customer = t.customers.alias()
    wanted = func.to_tsquery(literal_column("'simple'"), asked.words)
    return select(customer.c.id).where(store.words_of(customer.c.display_name).op("@@")(wanted)).limit(_bound())


def _customers_living_at(asked: Said) -> Select[Any]:
    place = t.customer_addresses.alias()
    return _newest(place, store.letters_and_digits_of(place.c.postal_code) == asked.postal_code, key="customer_id")


def _has_phone(row: FromClause, asked: Said) -> tuple[ColumnElement[bool], ...]:
    """The last digits agree, and so do those before them as far as both have any."""
    digits = store.digits_of(row.c.phone)
    return (
        store.last_digits_of(row.c.phone) == store.last_digits_of(asked.digits),
        or_(
            func.right(digits, func.length(asked.digits)) == asked.digits,
            func.right(asked.digits, func.length(digits)) == digits,
        ),
    )


# -- orders ------------------------------------------------------------------------------------------------------------


def _orders_by_number(asked: Said) -> list[Select[Any]]:
    """By number, reference and tracking number."""
    by_number, by_reference = t.orders.alias(), t.orders.alias()
    package, work = t.packages.alias(), t.fulfillment_orders.alias()
    parcels = select(package.c.fulfillment_order_id).where(package.c.tracking_number == any_(asked.numbers))
    return [
        select(by_number.c.id).where(by_number.c.number == any_(asked.numbers)),
        select(by_reference.c.id).where(by_reference.c.external_reference == asked.text).limit(_bound()),
        select(work.c.order_id).where(work.c.id == _any_of(parcels.limit(_bound()))),
    ]


def _orders_by_contact(asked: Said) -> list[Select[Any]]:
    by_email, by_phone = t.orders.alias(), t.orders.alias()
    return [
        _newest(by_email, func.lower(by_email.c.email) == func.lower(asked.text)),
        _newest(by_phone, *_has_phone(by_phone, asked)),
    ]


def _orders_going_to(asked: Said) -> Select[Any]:
    order = t.orders.alias()
    return _newest(order, store.letters_and_digits_of(order.c.postal_code) == asked.postal_code)


def _orders_with_sku(asked: Said) -> Select[Any]:
    variant, line = t.variants.alias(), t.order_lines.alias()
    newest = _newest(line, line.c.variant_id == variant.c.id, key="order_id").correlate(variant).lateral()
    return select(newest.c.id).select_from(variant).join(newest, true()).where(variant.c.sku == any_(asked.numbers))


def _orders_of(customers: list[Select[Any]]) -> Select[Any]:
    """The newest orders of each customer, until there are enough."""
    found, o = union(*customers).subquery(), t.orders.alias()
    placed = select(o.c.id).where(o.c.customer_id == found.c.id).order_by(o.c.placed_at.desc(), o.c.id.desc())
    newest = placed.limit(_bound()).correlate(found).lateral()
    return select(newest.c.id).select_from(found).join(newest, true()).limit(_bound())


def _as_far_as_seen(orders: Select[Any]) -> Select[Any]:
    found = orders.subquery()
    return select(found.c.id).where(visibility.not_brought_to_a_counter(found))
