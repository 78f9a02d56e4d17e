"""Customers: what staff note about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import customers, ids
from domain.refusals import NotFound
from domain.store import customers as stored
from domain.viewer import Scope
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.customers import CustomerNoteAddInput


@verb("customerNoteAdd", Scope.CUSTOMERS_WRITE)
async def add_note(work: Work, input: CustomerNoteAddInput) -> Outcome:
    """Note something about a customer."""
    key = ids.decode("Customer", input.customer_id)
    customer_id = await stored.keep(work.connection, key, work.viewer) if key else None
    if customer_id is None:
        raise NotFound("Customer", input.customer_id, field=("customerId",))

    decided = customers.noted(customer_id, input.body, work.act, pinned=input.pinned)

    work.store(None, decided)
    return Outcome({"note": decided.records[0].id})
