"""Cycle counts: begin, say what was found, correct the books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import counts as rules
from domain.counts import Found
from domain.model import StockCount, StockLevel
from domain.refusals import InvalidInput, UnknownSku
from domain.shortfalls import Count
from domain.stock import AdjustReason, MovementKind
from domain.store import setup
from domain.store import supply as stored
from domain.viewer import Scope
from resolvers import kits
from resolvers.recounting import Recount, recounted
from resolvers.setup import location_of
from resolvers.supply import locked
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.supply import (
        StockCountCancelInput,
        StockCountCompleteInput,
        StockCountRecordInput,
        StockCountStartInput,
    )

CORRECTIONS = (MovementKind.COUNT.value, MovementKind.ADJUST.value)
"""Entries that put the books right: what one of them found missing is not found missing again."""


@verb("stockCountStart", Scope.STOCK_WRITE)
async def start(work: Work, input: StockCountStartInput) -> Outcome:
    """Begin to count what a location has: the SKUs that are named, or all of them."""
    location_id = await location_of(work, input.location_id)
    if input.skus is None:
        level_ids = await stored.levels_there(work.connection, location_id)
    else:
        level_ids = await _levels_of(work, location_id, input.skus)
    if len(level_ids) <= rules.LINES_LIMIT:
        await work.levels(level_ids)
    shelves = await stored.shelves(work.connection, level_ids)
    number = await stored.next_number(work.connection, "stock_count_number")
    count, told = rules.start(number, location_id, shelves, input.note, work.act)
    work.changes.add(count)
    work.changes.log(work.act, [told])
    return Outcome({"stockCount": count.id})


async def _levels_of(work: Work, location_id: UUID, skus: list[str]) -> list[UUID]:
    """The levels of SKUs; one that the location never had is begun empty, for somebody may find some."""
    if len(set(skus)) < len(skus):
        raise InvalidInput("a SKU is named twice", field=("skus",))
    if not 1 <= len(skus) <= rules.LINES_LIMIT:
        raise InvalidInput(f"1 to {rules.LINES_LIMIT} SKUs at once", field=("skus",))
    known = await setup.variants_by_sku(work.connection, skus)
    await kits.refuse_kits(work, known, "skus")
    for index, sku in enumerate(skus):
        if sku not in known:
            raise UnknownSku(sku, field=("skus", str(index)))
    found = await work.levels_at([(known[sku], location_id) for sku in skus])
    return [level.id for level in found.values()]


@verb("stockCountRecord", Scope.STOCK_WRITE)
async def record(work: Work, input: StockCountRecordInput) -> Outcome:
    """Say how many were found; a second time, the later word counts."""
    before = await _locked(work, input)
    found = [Found(line.sku, line.counted, line.counted_at) for line in input.lines]
    lines = {line.sku: line for line in rules.lines_found(before, found, work.act.recorded_at)}
    levels = await work.levels([line.stock_level_id for line in lines.values()])
    earlier = [(lines[one.sku].stock_level_id, one.counted_at) for one in found if one.counted_at is not None]
    since = await stored.added_since(work.connection, earlier)
    after, told = rules.record(before, found, levels, since, work.act)
    work.changes.turn(before, after)
    work.changes.log(work.act, [told])
    return Outcome({"stockCount": before.id})


@verb("stockCountComplete", Scope.STOCK_WRITE)
async def complete(work: Work, input: StockCountCompleteInput) -> Outcome:
    """Correct the books by what was found, as `stockAdjust` would."""
    before = await _locked(work, input)
    after, told = rules.complete(before, work.act)
    done = [(line.stock_level_id, line.counted_at) for line in before.lines if line.counted_at is not None]
    places = {(line.variant_id, before.location_id): line.sku for line in before.lines if line.counted is not None}

    async def counts(levels: Mapping[UUID, StockLevel]) -> list[Count]:
        corrected = await stored.added_since(work.connection, done, CORRECTIONS)
        found = rules.corrections(before, levels, corrected)
        return [_count(levels[one.level_id], one.on_hand, places) for one in found]

    made = await recounted(work, Recount(places, AdjustReason.CYCLE_COUNT, ("StockCount", before.id), counts))
    work.changes.turn(before, after)
    work.changes.log(work.act, [told])
    short = [each.id for each in made.shortfalls]
    return Outcome({"stockCount": before.id, "shortfalls": short, "backordersFilled": []})


def _count(level: StockLevel, on_hand: int, skus: Mapping[tuple[UUID, UUID], str]) -> Count:
    place = level.variant_id, level.location_id
    return Count(place, skus[place], on_hand, None, ("id",))


@verb("stockCountCancel", Scope.STOCK_WRITE)
async def cancel(work: Work, input: StockCountCancelInput) -> Outcome:
    """Give it up."""
    before = await _locked(work, input)
    after, told = rules.cancel(before, work.act)
    work.changes.turn(before, after)
    work.changes.log(work.act, [told])
    return Outcome({"stockCount": before.id})


async def _locked(work: Work, input: Any) -> StockCount:
    found: StockCount = await locked(work, "StockCount", "StockCount", input)
    return found
