"""Cycle counts: what a location should have by the books, what somebody found, and the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType, counted
from domain.ids import new_id
from domain.lifecycle import Lifecycle, Step
from domain.model import StockCount, StockCountLine, StockLevel, replace
from domain.refusals import InvalidInput
from domain.words import Word


class StockCountStatus(Word):
    """How far a count has come."""

    OPEN = "OPEN", "Somebody is counting; nothing is corrected yet."
    COMPLETED = "COMPLETED", "The books were corrected by what was found."
    CANCELED = "CANCELED", "Given up; nothing was corrected."


class StockCountAction(Word):
    """What can be done with a count."""

    RECORD = "RECORD", "Say how many were found of something."
    COMPLETE = "COMPLETE", "Correct the books by what was found."
    CANCEL = "CANCEL", "Give it up."


STOCK_COUNT = Lifecycle(
    "stock count",
    StockCountStatus.OPEN,
    (
        Step(StockCountStatus.OPEN, StockCountAction.RECORD, StockCountStatus.OPEN),
        Step(StockCountStatus.OPEN, StockCountAction.COMPLETE, StockCountStatus.COMPLETED),
        Step(StockCountStatus.OPEN, StockCountAction.CANCEL, StockCountStatus.CANCELED),
    ),
)


# -- decisions -----------------------------------------------------------------------------------------------------

LINES_LIMIT = 1_000
"""SKUs in one count: more is not counted in a day, and all of them are locked for a moment."""
RECORD_LIMIT = 200
UNITS_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """A level as a count begins: its SKU, and the number of the open count that has it already, if one does."""

    level: StockLevel
    sku: str
    name: str
    counted_in: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """How many of a SKU somebody found, and when."""

    sku: str
    counted: int
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a level is to have on hand, by a count."""

    level_id: UUID
    on_hand: int


def start(
    number: str, location_id: UUID, shelves: Sequence[Shelf], note: str | None, act: Act
) -> tuple[StockCount, Event]:
    """Begin to count: what the books have is put beside each SKU. Two counts of one SKU would correct it twice."""
    if not 1 <= len(shelves) <= LINES_LIMIT:
        raise InvalidInput(f"a count has 1 to {LINES_LIMIT} SKUs, not {len(shelves)}: name some", field=("skus",))
    for shelf in shelves:
        if shelf.counted_in is not None:
            raise InvalidInput(f"{shelf.sku} is being counted already, in count {shelf.counted_in}", field=("skus",))
    id_ = new_id()
    count = StockCount(
        id=id_,
        number=number,
        location_id=location_id,
        status=StockCountStatus.OPEN.value,
        started_at=act.at,
        note=note,
        lines=tuple(
            StockCountLine(
                new_id(), id_, position, one.level.id, one.level.variant_id, one.sku, one.name, one.level.on_hand
            )
            for position, one in enumerate(shelves, start=1)
        ),
    )
    return _told(count, EventType.STOCK_COUNT_STARTED, f"Count {number} of {len(shelves)} SKUs was begun.")


def lines_found(count: StockCount, found: Sequence[Found], now: datetime) -> list[StockCountLine]:
    """The lines that something was found of; refused: what is not counted here, and what cannot be."""
    STOCK_COUNT.after(StockCountStatus(count.status), StockCountAction.RECORD)
    if not 1 <= len(found) <= RECORD_LIMIT:
        raise InvalidInput(f"1 to {RECORD_LIMIT} lines at once", field=("lines",))
    if len({one.sku for one in found}) < len(found):
        raise InvalidInput("a SKU is named twice", field=("lines",))
    by_sku = {line.sku: line for line in count.lines}
    for index, one in enumerate(found):
        place = ("lines", str(index))
        if one.sku not in by_sku:
            raise InvalidInput(f"{one.sku} is not in this count", field=(*place, "sku"))
        if not 0 <= one.counted <= UNITS_LIMIT:
            raise InvalidInput(f"0 to {UNITS_LIMIT:,} units were found", field=(*place, "counted"))
        if one.counted_at is not None and not count.started_at <= one.counted_at <= now:
            raise InvalidInput("it was counted between the count's start and now", field=(*place, "countedAt"))
    return [by_sku[one.sku] for one in found]


def record(
    count: StockCount,
    found: Sequence[Found],
    levels: Mapping[UUID, StockLevel],
    since: Mapping[UUID, int],
    act: Act,
) -> tuple[StockCount, Event]:
    """Note what was found, and what the books had at that moment. `since`: what the ledger added to a level after it."""
    by_sku = {one.sku: one for one in found}

    def noted(line: StockCountLine) -> StockCountLine:
        one = by_sku.get(line.sku)
        if one is None:
            return line
        level = levels[line.stock_level_id]
        return replace(
            line,
            expected=level.on_hand - since.get(level.id, 0),
            counted=one.counted,
            counted_at=one.counted_at or act.recorded_at,
            counted_by_kind=act.actor_kind,
            counted_by=act.actor_name,
        )

    count = replace(count, lines=tuple(map(noted, count.lines)))
    return _told(count, EventType.STOCK_COUNT_RECORDED, f"{len(found)} SKUs of count {count.number} were counted.")


def corrections(
    count: StockCount, levels: Mapping[UUID, StockLevel], corrected: Mapping[UUID, int]
) -> list[Correction]:
    """What each level is to have: what it has by now, and the difference that was found.

    What came and went since the moment of the count stands; what others have corrected since (`corrected`, by level) was
    part of the difference, and is not corrected again.
    """
    found = []
    for line in count.lines:
        if line.counted is None:
            continue
        level = levels[line.stock_level_id]
        left = line.counted - line.expected - corrected.get(level.id, 0)
        if left:
            found.append(Correction(level.id, max(0, level.on_hand + left)))
    return found


def complete(count: StockCount, act: Act) -> tuple[StockCount, Event]:
    """The books are as the shelves are; what nobody counted stays as it is."""
    status = STOCK_COUNT.after(StockCountStatus(count.status), StockCountAction.COMPLETE)
    counted_lines = [line for line in count.lines if line.counted is not None]
    if not counted_lines:
        raise InvalidInput("nothing was counted: cancel it instead", field=("id",))
    count = replace(count, status=status.value, closed_at=act.at)
    off = [line for line in counted_lines if line.counted != line.expected]
    data = {"counted": len(counted_lines), "off": len(off), "uncounted": len(count.lines) - len(counted_lines)}
    told = f"Count {count.number} is complete: {len(off)} of {len(counted_lines)} SKUs were off."
    return _told(count, EventType.STOCK_COUNT_COMPLETED, told, data)


def cancel(count: StockCount, act: Act) -> tuple[StockCount, Event]:
    """Give it up: nothing is corrected."""
    status = STOCK_COUNT.after(StockCountStatus(count.status), StockCountAction.CANCEL)
    count = replace(count, status=status.value, closed_at=act.at)
    return _told(count, EventType.STOCK_COUNT_CANCELED, f"Count {count.number} was given up.")


def _told(
    count: StockCount, type_: EventType, message: str, data: dict[str, Any] | None = None
) -> tuple[StockCount, Event]:
    return counted(count, type_, message, data=data or {}, location_id=count.location_id)
