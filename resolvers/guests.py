"""Guests: whoever knows an order's number and e-mail address may see that one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.refusals import NotFound
from domain.store import orders as stored
from domain.viewer import Scope, Viewer
from resolvers.orders import guest_access
from resolvers.writing import Outcome, Work, World, verb

if TYPE_CHECKING:
    from schema.inputs.returns import GuestOrderAccessInput


async def _with_token(world: World, _viewer: Viewer, _input: GuestOrderAccessInput, outcome: Outcome) -> Outcome:
    assert outcome.order_id is not None
    access = guest_access(world, outcome.order_id)
    values = {"access_token": access.access_token, "expires_at": access.expires_at}
    return Outcome(outcome.subjects, values, order_id=outcome.order_id)


@verb("guestOrderAccess", Scope.ORDERS_PLACE, finish=_with_token)
async def access(work: Work, input: GuestOrderAccessInput) -> Outcome:
    """Number and address must both be right; whichever is wrong, the answer is the same."""
    found = await stored.order_by_number_and_email(work.connection, input.number.strip(), input.email.strip())
    if found is None:
        raise NotFound("Order", input.number, field=("number",))
    return Outcome({"order": found}, order_id=found)
