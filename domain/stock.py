"""Stock: where it lies (locations, buckets) and how it moves (the ledger's kinds)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType
from domain.ids import new_id
from domain.model import Order, StockLevel, StockMovement, replace
from domain.words import Word


class Bucket(Word):
    """What a unit on hand is good for. No bucket (null) is outside: not on hand before, or not any more."""

    AVAILABLE = "AVAILABLE", "Free to be promised to the next order."
    RESERVED = "RESERVED", "Held for a cart until its reservation expires."
    ALLOCATED = "ALLOCATED", "Firmly given to an order line, picked or not, until it ships."
    SAFETY_STOCK = "SAFETY_STOCK", "Kept back on purpose, against miscounts and walk-in customers."
    QUALITY_CONTROL = "QUALITY_CONTROL", "On hand but not to be sold before somebody has looked at it."
    DAMAGED = "DAMAGED", "On hand and not fit for sale."


class MovementKind(Word):
    """Why units went from a bucket to a bucket."""

    RECEIVE = "RECEIVE", "Supply arrived against a purchase order."
    ADJUST = "ADJUST", "Somebody corrected the record and said why."
    COUNT = "COUNT", "A count found more or less than the record said."
    RESERVE = "RESERVE", "A cart was given time to check out."
    RELEASE = "RELEASE", "A reservation was given back or ran out."
    ALLOCATE = "ALLOCATE", "Units were given to an order line."
    DEALLOCATE = "DEALLOCATE", "An order line's units became free again: canceled, rejected or re-routed."
    SHIP = "SHIP", "Allocated units left with a carrier or a customer."
    RETURN_RECEIVE = "RETURN_RECEIVE", "A customer's returned units arrived."
    REDISPOSE = "REDISPOSE", "Inspection decided anew what units on hand are good for."
    TRANSFER_OUT = "TRANSFER_OUT", "Units left for another location of ours."
    TRANSFER_IN = "TRANSFER_IN", "Units from another location of ours arrived."
    REVERSAL = "REVERSAL", "Undoes exactly one earlier entry, which it names."


class LocationKind(Word):
    """Whose roof stock lies under."""

    WAREHOUSE = "WAREHOUSE", "Built to ship: picks and packs all day."
    STORE = "STORE", "Sells over the counter; ships, hands out pickups and takes returns besides."
    SUPPLIER = "SUPPLIER", "A vendor or seller who ships to our customers directly."
    THIRD_PARTY = "THIRD_PARTY", "A logistics provider who stores and ships for us."


class Ledger:
    """The stock side of one decision: levels as they become, and an entry for every step on the way.

    Every entry names its cause: the type and id of the decision, shipment or return that moved the units. Levels must
    be locked. A bucket never goes below zero here, and the database holds the same.
    """

    def __init__(self, act: Act, cause_type: str, cause_id: UUID, levels: Iterable[StockLevel]) -> None:
        self.act = act
        self.cause_type = cause_type
        self.cause_id = cause_id
        self.before = {level.id: level for level in levels}
        self.levels = dict(self.before)
        self.movements: list[StockMovement] = []
        self.events: list[Event] = []

    def move(
        self,
        level_id: UUID,
        kind: MovementKind,
        quantity: int,
        source: Bucket | None,
        target: Bucket | None,
        *,
        line_id: UUID | None = None,
        reason: str | None = None,
        order: Order | None = None,
        reverses_id: UUID | None = None,
    ) -> None:
        """Take `quantity` units from one bucket to another; None is outside. A reversal names what it undoes."""
        level = self._moved(self.levels[level_id], quantity, source, target)
        self.levels[level_id] = level
        entry = self._entry(level, kind, quantity, source, target, line_id, reason)
        self.movements.append(replace(entry, reverses_id=reverses_id) if reverses_id else entry)
        self.events.append(self._event(level, kind, quantity, (source, target), order))

    def retell(self, level_id: UUID) -> None:
        """Tell how a level stands though nothing moved: it was not as its entries say, and now it is."""
        level = replace(self.levels[level_id], version=self.levels[level_id].version + 1)
        self.levels[level_id] = level
        self.events.append(self._event(level, MovementKind.ADJUST, 0, (None, None), None))

    def undo(self, entry: StockMovement) -> None:
        """Undo an earlier entry, once: the database holds that nobody does it twice."""
        source, target = (Bucket(each) if each else None for each in (entry.to_bucket, entry.from_bucket))
        self.move(entry.stock_level_id, MovementKind.REVERSAL, entry.quantity, source, target, line_id=entry.line_id)
        self.movements[-1] = replace(self.movements[-1], reverses_id=entry.id)

    def _moved(self, level: StockLevel, quantity: int, source: Bucket | None, target: Bucket | None) -> StockLevel:
        changes: dict[str, Any] = {"version": level.version + 1}
        if source:
            changes[source.lower()] = getattr(level, source.lower()) - quantity
        if target:
            changes[target.lower()] = getattr(level, target.lower()) + quantity
        assert min(changes.values()) >= 0, f"{level.id}: {quantity} from {source} to {target} leaves less than nothing"
        return replace(level, **changes)

    def _entry(
        self,
        level: StockLevel,
        kind: MovementKind,
        quantity: int,
        source: Bucket | None,
        target: Bucket | None,
        line_id: UUID | None,
        reason: str | None,
    ) -> StockMovement:
        return StockMovement(
            id=new_id(),
            stock_level_id=level.id,
            variant_id=level.variant_id,
            location_id=level.location_id,
            kind=kind.value,
            quantity=quantity,
            from_bucket=source and source.value,
            from_balance_after=getattr(level, source.lower()) if source else None,
            to_bucket=target and target.value,
            to_balance_after=getattr(level, target.lower()) if target else None,
            act_type=self.cause_type,
            act_id=self.cause_id,
            line_id=line_id,
            reason=reason,
            actor_kind=self.act.actor_kind,
            actor_name=self.act.actor_name,
            occurred_at=self.act.at,
            recorded_at=self.act.recorded_at,
        )

    def _event(
        self,
        level: StockLevel,
        kind: MovementKind,
        quantity: int,
        way: tuple[Bucket | None, Bucket | None],
        order: Order | None,
    ) -> Event:
        return Event(
            EventType.STOCK_MOVED,
            "StockLevel",
            level.id,
            f"{kind.value}: {quantity}",
            data={
                "kind": kind.value,
                "quantity": quantity,
                "from": way[0] and way[0].value,
                "to": way[1] and way[1].value,
                "available": level.available,
                "onHand": level.on_hand,
            },
            customer_id=order.customer_id if order else None,
            order_id=order.id if order else None,
            location_id=level.location_id,
            channel_id=order.channel_id if order else None,
            variant_id=level.variant_id,
            sequence=level.version,
        )


class AdjustReason(Word):
    """Why a record of stock is corrected."""

    CYCLE_COUNT = "CYCLE_COUNT", "Somebody counted."
    RECEIVED = "RECEIVED", "Goods arrived without a purchase order, or before we kept records."
    FOUND = "FOUND", "Units turned up."
    LOST = "LOST", "Units are gone: stolen, or nobody knows."
    DAMAGED = "DAMAGED", "Units broke and were thrown away."
    CORRECTION = "CORRECTION", "The record was wrong."


KIND_OF = {AdjustReason.CYCLE_COUNT: MovementKind.COUNT, AdjustReason.RECEIVED: MovementKind.RECEIVE}
"""The ledger's kind for a reason; ADJUST for the rest."""


def kind_of(reason: AdjustReason, *, gain: bool) -> MovementKind:
    """The ledger's kind for a reason. Nothing is received that goes."""
    kind = KIND_OF.get(reason, MovementKind.ADJUST)
    return kind if gain or kind is not MovementKind.RECEIVE else MovementKind.ADJUST
