"""Stock that stays where it is: counted, judged anew, kept back, or an entry of its ledger undone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from domain import ids, shelving
from domain.model import Decided, StockLevel
from domain.refusals import Forbidden, InvalidInput, NotFound, UnknownSku
from domain.shelving import Redisposition
from domain.shortfalls import Count
from domain.stock import Ledger
from domain.store import setup
from domain.store import stock as stored
from domain.viewer import Scope
from resolvers import kits
from resolvers.recounting import Recount, recounted
from resolvers.setup import ON_HAND_LIMIT, bounded, location_of
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schema.inputs.stock import (
        SafetyStockLineInput,
        SafetyStockSetInput,
        StockAdjustInput,
        StockMovementReverseInput,
        StockRedisposeInput,
    )


@verb("stockAdjust", Scope.STOCK_WRITE)
async def adjust(work: Work, input: StockAdjustInput) -> Outcome:
    """Correct what is on hand; every change is a ledger entry."""
    bounded(input.lines, "lines")
    location_id = await location_of(work, input.location_id)
    skus = [line.sku for line in input.lines]
    if len(set(skus)) < len(skus):
        raise InvalidInput("a SKU is named twice", field=("lines",))
    variants = await setup.variants_by_sku(work.connection, skus)
    await kits.refuse_kits(work, skus)
    for index, line in enumerate(input.lines):
        if line.sku not in variants:
            raise UnknownSku(line.sku, field=("lines", str(index), "sku"))
        if not 0 <= line.set_on_hand <= ON_HAND_LIMIT:
            place = ("lines", str(index), "setOnHand")
            raise InvalidInput(f"on hand is 0 to {ON_HAND_LIMIT}, not {line.set_on_hand}", field=place)

    counts = [
        Count(
            (variants[line.sku], location_id),
            line.sku,
            line.set_on_hand,
            line.expected_on_hand,
            ("lines", str(index), "setOnHand"),
        )
        for index, line in enumerate(input.lines)
    ]
    done = await recounted(work, Recount.of(counts, input.reason, ("StockAdjustment", work.act.id)))
    short = [each.id for each in done.shortfalls]
    return Outcome({"levels": list(done.levels), "shortfalls": short, "backordersFilled": []})


@verb("stockRedispose", Scope.STOCK_WRITE)
async def redispose(work: Work, input: StockRedisposeInput) -> Outcome:
    """Say anew what units on hand are good for."""
    bounded(input.lines, "lines")
    location_id = await location_of(work, input.location_id)
    variants = await variants_of(work, [line.sku for line in input.lines])
    levels = await levels_of(work, variants.values(), location_id)
    waiting = await stored.bound(work.connection, [level.id for level in levels.values()])
    ledger = Ledger(work.act, shelving.REDISPOSITION, work.act.id, levels.values())
    wanted = [Redisposition(levels[variants[line.sku]].id, line.quantity, line.from_, line.to) for line in input.lines]
    _refuse_twins(wanted)
    shelving.redispose(ledger, wanted, waiting, input.reason)
    return moved(work, ledger)


def _refuse_twins(wanted: Sequence[Redisposition]) -> None:
    """One act moves a level's units from one bucket to another once."""
    seen = set()
    for index, each in enumerate(wanted):
        way = each.level_id, shelving.buckets_of(each)
        if way in seen:
            raise InvalidInput("these units are moved this way already", field=("lines", str(index)))
        seen.add(way)


@verb("stockMovementReverse", Scope.STOCK_WRITE)
async def reverse(work: Work, input: StockMovementReverseInput) -> Outcome:
    """Undo one entry of the ledger."""
    key = ids.decode("StockMovement", input.id)
    entry = await stored.entry(work.connection, key, work.viewer) if key else None
    if entry is None:
        raise NotFound("StockMovement", input.id, field=("id",))
    levels = await work.levels([entry.stock_level_id])
    undone_by = await stored.undone_by(work.connection, entry.id)
    waiting = await stored.bound(work.connection, levels)
    ledger = Ledger(work.act, shelving.REVERSAL, work.act.id, levels.values())
    undoing = shelving.reverse(ledger, entry, undone_by, waiting, input.reason)
    moved(work, ledger)
    return Outcome({"movement": undoing.id, "level": entry.stock_level_id})


@verb("safetyStockSet", Scope.STOCK_WRITE)
async def keep_back(work: Work, input: SafetyStockSetInput) -> Outcome:
    """Keep units back: at a location, which sets them aside, or from a channel, which sells that much less."""
    bounded(input.lines, "lines")
    _refuse_odd_safety(input)
    if input.channel is not None:
        await _set_thresholds(work, input.channel, input.lines)
        return Outcome({"levels": []})
    assert input.location_id is not None
    location_id = await location_of(work, input.location_id)
    skus = [line.sku for line in input.lines if line.sku is not None]
    variants = await variants_of(work, skus)
    levels = await levels_of(work, variants.values(), location_id)
    ledger = Ledger(work.act, shelving.SAFETY, work.act.id, levels.values())
    for index, line in enumerate(input.lines):
        assert line.sku is not None
        shelving.keep_back(ledger, levels[variants[line.sku]], line.quantity, ("lines", str(index), "quantity"))
    return moved(work, ledger)


def _refuse_odd_safety(input: SafetyStockSetInput) -> None:
    if (input.location_id is None) == (input.channel is None):
        raise InvalidInput("a location or a channel, one of them", field=("locationId",))
    seen: set[str | None] = set()
    for index, line in enumerate(input.lines):
        place = ("lines", str(index))
        if line.sku is None and input.channel is None:
            raise InvalidInput("a location keeps back units of a SKU", field=(*place, "sku"))
        if line.sku in seen:
            raise InvalidInput("a SKU is named twice", field=(*place, "sku"))
        if not 0 <= line.quantity <= ON_HAND_LIMIT:
            raise InvalidInput(f"a quantity is 0 to {ON_HAND_LIMIT}", field=(*place, "quantity"))
        seen.add(line.sku)


async def _set_thresholds(work: Work, code: str, lines: Sequence[SafetyStockLineInput]) -> None:
    """A channel's own: whoever works at a location decides nothing for channels."""
    if not work.viewer.may(Scope.CATALOG_WRITE):
        raise Forbidden(Scope.CATALOG_WRITE.value, field=("channel",))
    channels = await setup.channels_by_code(work.connection, [code])
    if code not in channels:
        raise NotFound("Channel", code, field=("channel",))
    variants = await setup.variants_by_sku(work.connection, [line.sku for line in lines if line.sku is not None])
    await kits.refuse_kits(work, variants)
    for index, line in enumerate(lines):
        if line.sku is not None and line.sku not in variants:
            raise UnknownSku(line.sku, field=("lines", str(index), "sku"))
    units = {variants[line.sku] if line.sku is not None else None: line.quantity for line in lines}
    await stored.set_thresholds(work.connection, channels[code][0], units)


async def variants_of(work: Work, skus: Sequence[str]) -> dict[str, UUID]:
    """Variants by SKU; all of them must be there."""
    variants = await setup.variants_by_sku(work.connection, list(skus))
    await kits.refuse_kits(work, variants)
    for index, sku in enumerate(skus):
        if sku not in variants:
            raise UnknownSku(sku, field=("lines", str(index), "sku"))
    return variants


async def levels_of(work: Work, variants: Iterable[UUID], location_id: UUID) -> dict[UUID, StockLevel]:
    """The levels of variants at one location, locked, by variant."""
    found = await work.levels_at([(variant, location_id) for variant in set(variants)])
    return {variant: level for (variant, _), level in found.items()}


def moved(work: Work, ledger: Ledger) -> Outcome:
    """Store what moved; the levels are the answer."""
    decided = Decided(None, tuple(ledger.levels.values()), tuple(ledger.movements), tuple(ledger.events))
    work.store(None, decided, ledger.before)
    return Outcome({"levels": list(ledger.levels)})
