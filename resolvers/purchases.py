"""Supply that is bought: suppliers and purchase orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import purchases as rules
from domain.events import Event
from domain.ids import new_id
from domain.model import PurchaseOrder
from domain.money import parse
from domain.purchases import Terms, Wanted
from domain.refusals import CurrencyMismatch, InvalidInput, NotFound
from domain.stock import Ledger
from domain.store import supply as stored
from domain.viewer import Scope
from resolvers.fulfillment import key_of
from resolvers.setup import location_of
from resolvers.supply import arrived_of, keep, levels_for, locked, put_on_record, variants
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.supply import (
        PurchaseOrderCancelInput,
        PurchaseOrderCreateInput,
        PurchaseOrderOrderInput,
        PurchaseOrderReceiveInput,
        PurchaseOrderRescheduleInput,
        SupplierSetInput,
    )

CODE_LIMIT = 100


@verb("supplierSet", Scope.CATALOG_WRITE)
async def set_supplier(work: Work, input: SupplierSetInput) -> Outcome:
    """Create or change a supplier."""
    code, name = input.code.strip(), input.name.strip()
    for text, place in ((code, "code"), (name, "name")):
        if not 0 < len(text) <= CODE_LIMIT:
            raise InvalidInput(f"a {place} has 1 to {CODE_LIMIT} characters", field=(place,))
    days = input.lead_time_days
    if days is not None and not 0 <= days <= rules.LEAD_TIME_LIMIT:
        raise InvalidInput(f"a lead time is 0 to {rules.LEAD_TIME_LIMIT:,} days", field=("leadTimeDays",))
    id_ = await stored.set_supplier(work.connection, work.act.at, code, name, input.email, input.phone, days)
    return Outcome({"supplier": id_})


@verb("purchaseOrderCreate", Scope.SUPPLY_WRITE)
async def create(work: Work, input: PurchaseOrderCreateInput) -> Outcome:
    """Write a purchase order, and tell the supplier at once unless it is to be a draft."""
    supplier_id, lead_days = await _supplier(work, input.supplier_id)
    location_id = await location_of(work, input.location_id)
    wanted, currency = await _wanted(work, input.lines)
    expected_at = input.expected_at
    if expected_at is None:
        if lead_days is None:
            raise InvalidInput("the supplier has no lead time: say when it is expected", field=("expectedAt",))
        expected_at = work.act.at + timedelta(days=lead_days)
    number = await stored.next_number(work.connection, "purchase_order_number")
    terms = Terms(number, supplier_id, location_id, currency, expected_at, input.reference, input.note)
    bought, told = rules.create(terms, wanted, work.act, order=not input.draft)
    work.changes.add(bought)
    work.changes.log(work.act, told)
    return Outcome({"purchaseOrder": bought.id})


async def _supplier(work: Work, id_: str) -> tuple[UUID, int | None]:
    found = await stored.lead_time_of(work.connection, key_of("Supplier", id_, ("supplierId",)))
    if found is None:
        raise NotFound("Supplier", id_, field=("supplierId",))
    return found


async def _wanted(work: Work, lines: Sequence[Any]) -> tuple[list[Wanted], str]:
    """What is bought, and in which currency: one for all lines."""
    rules.named_once([line.sku for line in lines])
    known = await variants(work, lines)
    wanted, currency = [], lines[0].unit_cost.currency
    for index, line in enumerate(lines):
        cost = parse(line.unit_cost.amount, line.unit_cost.currency)
        place = ("lines", str(index), "unitCost")
        if cost.currency != currency:
            raise CurrencyMismatch(currency, cost.currency, field=place)
        if cost.minor < 0:
            raise InvalidInput("a cost is not negative", field=place)
        wanted.append(Wanted(*known[line.sku], line.quantity, cost.minor))
    return wanted, currency


@verb("purchaseOrderOrder", Scope.SUPPLY_WRITE)
async def order(work: Work, input: PurchaseOrderOrderInput) -> Outcome:
    """Tell the supplier."""
    before = await _locked(work, input)
    return _turned(work, before, *rules.submit(before, work.act))


@verb("purchaseOrderReschedule", Scope.STOCK_WRITE)
async def reschedule(work: Work, input: PurchaseOrderRescheduleInput) -> Outcome:
    """Expect it at another moment."""
    before = await _locked(work, input)
    return _turned(work, before, *rules.reschedule(before, input.expected_at))


@verb("purchaseOrderCancel", Scope.SUPPLY_WRITE)
async def cancel(work: Work, input: PurchaseOrderCancelInput) -> Outcome:
    """Call it off."""
    before = await _locked(work, input)
    return _turned(work, before, *rules.cancel(before, work.act))


@verb("purchaseOrderReceive", Scope.STOCK_WRITE)
async def receive(work: Work, input: PurchaseOrderReceiveInput) -> Outcome:
    """Put on the shelf what arrived, and give it to whoever waits for it."""
    before = await _locked(work, input)
    arrived = arrived_of(input.lines or ())
    lines = rules.arriving(before, arrived, close_short=input.close_short)
    levels, level_of = await levels_for(work, [line.variant_id for line in lines], before.location_id)
    receipt_id = new_id()
    ledger = Ledger(work.act, "GoodsReceipt", receipt_id, levels.values())
    after, told = rules.receive(before, arrived, level_of, ledger, close_short=input.close_short)
    keep(work, before, after, told, ledger, levels)
    put_on_record(work, receipt_id, before.location_id, input.reference, purchase_order_id=before.id)
    return Outcome({"purchaseOrder": before.id, "backordersFilled": []})


async def _locked(work: Work, input: Any) -> PurchaseOrder:
    found: PurchaseOrder = await locked(work, "PurchaseOrder", "PurchaseOrder", input)
    return found


def _turned(work: Work, before: PurchaseOrder, after: PurchaseOrder, told: Event) -> Outcome:
    work.changes.turn(before, after)
    work.changes.log(work.act, [told])
    return Outcome({"purchaseOrder": after.id})
