"""What purchases, transfers and counts share: the noun locked, its SKUs known, and what arrived put on the shelf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain import purchases as rules
from domain.events import Event
from domain.model import Decided, GoodsReceipt, StockLevel
from domain.purchases import Arrived
from domain.refusals import InvalidInput, NotFound, UnknownSku, VersionConflict
from domain.stock import Ledger
from domain.store import supply as stored
from resolvers import kits
from resolvers.fulfillment import key_of
from resolvers.writing import Work


async def variants(work: Work, lines: Sequence[Any]) -> dict[str, tuple[UUID, str, str]]:
    """(id, SKU, name) of what lines name; refused where nobody knows one, or a quantity makes no sense."""
    known = await stored.variants_by_sku(work.connection, [line.sku for line in lines])
    await kits.refuse_kits(work, known)
    for index, line in enumerate(lines):
        if line.sku not in known:
            raise UnknownSku(line.sku, field=("lines", str(index), "sku"))
        if not 1 <= line.quantity <= rules.QUANTITY_LIMIT:
            place = ("lines", str(index), "quantity")
            raise InvalidInput(f"a quantity is 1 to {rules.QUANTITY_LIMIT:,}, not {line.quantity}", field=place)
    return {sku: (id_, sku, name) for sku, (id_, name) in known.items()}


async def locked(work: Work, typename: str, wanted: str, input: Any) -> Any:
    """The noun that an input names, locked; refused where the viewer may not do this with it, or it has changed."""
    found = await stored.lock(work.connection, wanted, key_of(typename, input.id, ("id",)), work.viewer)
    if found is None:
        raise NotFound(typename, input.id, field=("id",))
    expected = input.expected_version
    if expected is not None and expected != found.version:
        raise VersionConflict(expected, found.version, field=("expectedVersion",))
    return found


def arrived_of(lines: Sequence[Any]) -> list[Arrived]:
    """What arrived, by SKU."""
    return [Arrived(line.sku, line.received, line.damaged) for line in lines]


async def levels_for(
    work: Work, variant_ids: Sequence[UUID], location_id: UUID
) -> tuple[dict[UUID, StockLevel], dict[UUID, UUID]]:
    """The levels of variants at a location, locked: by id, and which one each variant has."""
    if not variant_ids:
        return {}, {}
    found = await work.levels_at([(variant, location_id) for variant in variant_ids])
    return {level.id: level for level in found.values()}, {variant: level.id for (variant, _), level in found.items()}


def keep(work: Work, before: Any, after: Any, told: Event, ledger: Ledger, levels: dict[UUID, StockLevel]) -> None:
    """Note a step of supply, and the stock that it moves."""
    work.changes.turn(before, after)
    events = (told, *ledger.events)
    work.store(None, Decided(None, tuple(ledger.levels.values()), tuple(ledger.movements), events), levels)


def put_on_record(work: Work, receipt_id: UUID, location_id: UUID, reference: str | None, **source: UUID) -> None:
    """Note the arrival that the ledger's entries name."""
    act = work.act
    receipt = GoodsReceipt(
        receipt_id, location_id, act.at, act.recorded_at, act.actor_kind, act.actor_name, reference=reference, **source
    )
    work.changes.add(receipt)
