"""Supply that is moved: transfers from one location of ours to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType, counted
from domain.ids import new_id
from domain.lifecycle import Lifecycle, Step, steps
from domain.model import StockMovement, Transfer, TransferLine, replace
from domain.purchases import Arrived, named_once
from domain.refusals import InsufficientStock, InvalidInput, QuantityExceeds
from domain.stock import Bucket, Ledger, MovementKind
from domain.words import Word


class TransferStatus(Word):
    """How far a transfer has come."""

    DRAFT = "DRAFT", "Planned: the units still lie at the sender, free for orders."
    IN_TRANSIT = "IN_TRANSIT", "On its way: the units lie nowhere, and count as incoming at the receiver."
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED", "Something arrived, and something is still on its way."
    RECEIVED = "RECEIVED", "Nothing more is to come: every unit arrived, was damaged or is missing."
    CANCELED = "CANCELED", "Called off; what was on its way is back at the sender."


class TransferAction(Word):
    """What can be done with a transfer."""

    SHIP = "SHIP", "Send the units on their way."
    RESCHEDULE = "RESCHEDULE", "Expect it at another moment."
    RECEIVE = "RECEIVE", "Record what arrived, and wait for the rest."
    COMPLETE = "COMPLETE", "Record what arrived; nothing more is to come."
    CANCEL = "CANCEL", "Call it off, or turn it back while nothing has arrived."


_DRAFT, _AWAY, _PART = TransferStatus.DRAFT, TransferStatus.IN_TRANSIT, TransferStatus.PARTIALLY_RECEIVED

TRANSFER = Lifecycle(
    "transfer",
    _DRAFT,
    (
        Step(_DRAFT, TransferAction.SHIP, _AWAY),
        *(Step(status, TransferAction.RESCHEDULE, status) for status in (_DRAFT, _AWAY, _PART)),
        *steps((_AWAY, _PART), TransferAction.RECEIVE, _PART),
        *steps((_AWAY, _PART), TransferAction.COMPLETE, TransferStatus.RECEIVED),
        *steps((_DRAFT, _AWAY), TransferAction.CANCEL, TransferStatus.CANCELED),
    ),
)

AWAITED = (_AWAY, _PART)
"""States in which units are on their way."""


# -- decisions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """One SKU to move."""

    variant_id: UUID
    sku: str
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Terms:
    """From where, where to, and until when."""

    number: str
    from_location_id: UUID
    to_location_id: UUID
    expected_at: datetime
    note: str | None


def create(terms: Terms, wanted: Sequence[Wanted], act: Act) -> tuple[Transfer, Event]:
    """A plan: it holds nothing."""
    if terms.from_location_id == terms.to_location_id:
        raise InvalidInput("a transfer goes from one location to another", field=("toLocationId",))
    id_ = new_id()
    transfer = Transfer(
        id=id_,
        number=terms.number,
        from_location_id=terms.from_location_id,
        to_location_id=terms.to_location_id,
        status=TransferStatus.DRAFT.value,
        expected_at=terms.expected_at,
        created_at=act.at,
        note=terms.note,
        lines=tuple(
            TransferLine(new_id(), id_, position, one.variant_id, one.sku, one.name, one.quantity)
            for position, one in enumerate(wanted, start=1)
        ),
    )
    told = f"Transfer {transfer.number} was planned."
    return counted(transfer, EventType.TRANSFER_CREATED, told, location_id=transfer.from_location_id)


def leaving(transfer: Transfer, sent: Sequence[tuple[str, int]] | None) -> dict[str, int]:
    """Units that leave, by SKU: all that were planned, or fewer; refused: more, nothing, or what was not planned."""
    TRANSFER.after(TransferStatus(transfer.status), TransferAction.SHIP)
    planned = {line.sku: line.quantity for line in transfer.lines}
    if sent is None:
        return planned
    named_once([sku for sku, _ in sent])
    for index, (sku, quantity) in enumerate(sent):
        if sku not in planned:
            raise InvalidInput(f"{sku} is not in this transfer", field=("lines", str(index), "sku"))
        if not 0 < quantity <= planned[sku]:
            raise QuantityExceeds(planned[sku], field=("lines", str(index), "quantity"))
    return dict(sent)


def ship(
    transfer: Transfer, sent: Mapping[str, int], level_of: Mapping[UUID, UUID], ledger: Ledger
) -> tuple[Transfer, Event]:
    """The units leave the sender's shelf; refused where fewer are free there. `level_of`: variant → level."""
    status = TRANSFER.after(TransferStatus(transfer.status), TransferAction.SHIP)
    for index, line in enumerate(transfer.lines):
        available, units = ledger.levels[level_of[line.variant_id]].available, sent.get(line.sku, 0)
        if units > available:
            raise InsufficientStock(line.sku, units, available, field=("lines", str(index)))
    for line in transfer.lines:
        if units := sent.get(line.sku, 0):
            level = level_of[line.variant_id]
            ledger.move(level, MovementKind.TRANSFER_OUT, units, Bucket.AVAILABLE, None, line_id=line.id)
    lines = tuple(replace(line, shipped=sent.get(line.sku, 0)) for line in transfer.lines)
    transfer = replace(transfer, status=status.value, shipped_at=ledger.act.at, lines=lines)
    told = f"{sum(sent.values())} units of transfer {transfer.number} are on their way."
    return counted(transfer, EventType.TRANSFER_SHIPPED, told, location_id=transfer.to_location_id)


def reschedule(transfer: Transfer, expected_at: datetime) -> tuple[Transfer, Event]:
    """It will be earlier, or late."""
    TRANSFER.after(TransferStatus(transfer.status), TransferAction.RESCHEDULE)
    data = {"was": transfer.expected_at.isoformat(), "expectedAt": expected_at.isoformat()}
    transfer = replace(transfer, expected_at=expected_at)
    told = f"Transfer {transfer.number} is expected at another moment."
    where = transfer.to_location_id
    return counted(transfer, EventType.TRANSFER_RESCHEDULED, told, data=data, location_id=where)


def arriving(transfer: Transfer, arrived: Sequence[Arrived], *, close_short: bool) -> list[TransferLine]:
    """The lines that something arrived of; refused: more than is on its way."""
    TRANSFER.after(TransferStatus(transfer.status), TransferAction.RECEIVE)
    by_sku = {line.sku: line for line in transfer.lines}
    named_once([one.sku for one in arrived], needed=not close_short)
    for index, one in enumerate(arrived):
        place = ("lines", str(index))
        if one.sku not in by_sku:
            raise InvalidInput(f"{one.sku} is not in this transfer", field=(*place, "sku"))
        most = by_sku[one.sku].in_transit
        if min(one.received, one.damaged) < 0 or not 0 < one.received + one.damaged <= most:
            raise QuantityExceeds(most, field=(*place, "received"))
    return [by_sku[one.sku] for one in arrived]


def receive(
    transfer: Transfer, arrived: Sequence[Arrived], level_of: Mapping[UUID, UUID], ledger: Ledger, *, close_short: bool
) -> tuple[Transfer, Event]:
    """Put on the receiver's shelf what arrived; closed short, what did not is missing. `level_of`: variant → level."""
    found = {one.sku: one for one in arrived}
    for line in transfer.lines:
        one = found.get(line.sku)
        for units, bucket in ((one.received, Bucket.AVAILABLE), (one.damaged, Bucket.DAMAGED)) if one else ():
            if units:
                level = level_of[line.variant_id]
                ledger.move(level, MovementKind.TRANSFER_IN, units, None, bucket, line_id=line.id)
    lines = tuple(_received(line, found.get(line.sku), close_short) for line in transfer.lines)
    ends = not any(line.in_transit for line in lines)
    action = TransferAction.COMPLETE if ends else TransferAction.RECEIVE
    status = TRANSFER.after(TransferStatus(transfer.status), action)
    transfer = replace(transfer, status=status.value, closed_at=ledger.act.at if ends else None, lines=lines)
    data = {
        "received": sum(one.received for one in arrived),
        "damaged": sum(one.damaged for one in arrived),
        "missing": sum(line.missing for line in lines),
    }
    told = f"{data['received'] + data['damaged']} units of transfer {transfer.number} arrived."
    where = transfer.from_location_id
    return counted(transfer, EventType.TRANSFER_RECEIVED, told, data=data, location_id=where)


def _received(line: TransferLine, one: Arrived | None, close_short: bool) -> TransferLine:
    if one is not None:
        line = replace(line, received=line.received + one.received, damaged=line.damaged + one.damaged)
    return replace(line, missing=line.missing + line.in_transit) if close_short else line


def cancel(transfer: Transfer, left: Sequence[StockMovement], ledger: Ledger) -> tuple[Transfer, Event]:
    """Call it off; what is on its way turns back: the entries by which it left are undone."""
    status = TRANSFER.after(TransferStatus(transfer.status), TransferAction.CANCEL)
    for entry in left:
        ledger.undo(entry)
    lines = tuple(replace(line, shipped=0) for line in transfer.lines)
    transfer = replace(transfer, status=status.value, closed_at=ledger.act.at, lines=lines)
    told = f"Transfer {transfer.number} was {'turned back' if left else 'called off'}."
    return counted(transfer, EventType.TRANSFER_CANCELED, told, location_id=transfer.to_location_id)
