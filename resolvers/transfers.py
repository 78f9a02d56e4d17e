"""Supply that is moved from one location of ours to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import ids, purchases
from domain import transfers as rules
from domain.ids import new_id
from domain.model import Transfer
from domain.refusals import NotFound
from domain.stock import Ledger
from domain.store import setup
from domain.store import supply as stored
from domain.store.visibility import AT_LOCATIONS
from domain.transfers import Terms, Wanted
from domain.viewer import Scope
from resolvers.supply import arrived_of, keep, levels_for, locked, put_on_record, variants
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.supply import (
        TransferCancelInput,
        TransferCreateInput,
        TransferReceiveInput,
        TransferRescheduleInput,
        TransferShipInput,
    )


@verb("transferCreate", Scope.STOCK_WRITE)
async def create(work: Work, input: TransferCreateInput) -> Outcome:
    """Plan a transfer; whoever works at either end may."""
    sender = await _end(work, input.from_location_id, "fromLocationId")
    receiver = await _end(work, input.to_location_id, "toLocationId")
    viewer = work.viewer
    if viewer.role in AT_LOCATIONS and not {sender, receiver} & set(viewer.location_ids):
        raise NotFound("Location", input.from_location_id, field=("fromLocationId",))
    purchases.named_once([line.sku for line in input.lines])
    known = await variants(work, input.lines)
    wanted = [Wanted(*known[line.sku], line.quantity) for line in input.lines]
    number = await stored.next_number(work.connection, "transfer_number")
    terms = Terms(number, sender, receiver, input.expected_at, input.note)
    transfer, told = rules.create(terms, wanted, work.act)
    work.changes.add(transfer)
    work.changes.log(work.act, [told])
    return Outcome({"transfer": transfer.id})


async def _end(work: Work, id_: str, place: str) -> UUID:
    found = ids.decode("Location", id_)
    if found is None or not await setup.location_exists(work.connection, found):
        raise NotFound("Location", id_, field=(place,))
    return found


@verb("transferShip", Scope.STOCK_WRITE)
async def ship(work: Work, input: TransferShipInput) -> Outcome:
    """Send the units on their way; the sender's to do."""
    before = await _locked(work, "TransferToShip", input)
    given = input.lines
    sent = rules.leaving(before, [(line.sku, line.quantity) for line in given] if given is not None else None)
    variant_ids = [line.variant_id for line in before.lines]
    levels, level_of = await levels_for(work, variant_ids, before.from_location_id)
    ledger = Ledger(work.act, "Transfer", before.id, levels.values())
    after, told = rules.ship(before, sent, level_of, ledger)
    keep(work, before, after, told, ledger, levels)
    return Outcome({"transfer": before.id})


@verb("transferReschedule", Scope.STOCK_WRITE)
async def reschedule(work: Work, input: TransferRescheduleInput) -> Outcome:
    """Expect it at another moment."""
    before = await _locked(work, "TransferToPlan", input)
    after, told = rules.reschedule(before, input.expected_at)
    work.changes.turn(before, after)
    work.changes.log(work.act, [told])
    return Outcome({"transfer": before.id})


@verb("transferReceive", Scope.STOCK_WRITE)
async def receive(work: Work, input: TransferReceiveInput) -> Outcome:
    """Put on the receiver's shelf what arrived, and give it to whoever waits for it."""
    before = await _locked(work, "TransferToReceive", input)
    arrived = arrived_of(input.lines or ())
    lines = rules.arriving(before, arrived, close_short=input.close_short)
    levels, level_of = await levels_for(work, [line.variant_id for line in lines], before.to_location_id)
    receipt_id = new_id()
    ledger = Ledger(work.act, "GoodsReceipt", receipt_id, levels.values())
    after, told = rules.receive(before, arrived, level_of, ledger, close_short=input.close_short)
    keep(work, before, after, told, ledger, levels)
    put_on_record(work, receipt_id, before.to_location_id, input.reference, transfer_id=before.id)
    return Outcome({"transfer": before.id, "backordersFilled": []})


@verb("transferCancel", Scope.STOCK_WRITE)
async def cancel(work: Work, input: TransferCancelInput) -> Outcome:
    """Call it off; what is on its way is the sender's again."""
    before = await _locked(work, "TransferToShip", input)
    left = await stored.entries_that_left(work.connection, before.id)
    levels = await work.levels({entry.stock_level_id for entry in left})
    ledger = Ledger(work.act, "Transfer", before.id, levels.values())
    after, told = rules.cancel(before, left, ledger)
    keep(work, before, after, told, ledger, levels)
    return Outcome({"transfer": before.id})


async def _locked(work: Work, wanted: str, input: Any) -> Transfer:
    found: Transfer = await locked(work, "Transfer", wanted, input)
    return found
