"""Backorders: units promised before there is stock for them. They wait on the order line until supply arrives.

A backorder touches no stock level. How many units of a variant may wait at once is its policy's limit, over all orders;
whoever adds to them holds the variant's row, so that two cannot both take the last of the room.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import kits
from domain.acts import Act
from domain.events import Event, EventType, about
from domain.ids import new_id
from domain.model import Backorder, BackorderFill, Order, OrderLine, replace
from domain.refusals import InsufficientStock
from domain.words import Word

WAITING = "{units} units of order {number} wait for supply."
FILLED = "{units} units that order {number} waited for have arrived."


class BackorderPolicy(Word):
    """What a variant may be sold beyond what is in stock."""

    NONE = "NONE", "Nothing: only what is in stock is sold."
    BACKORDER = "BACKORDER", "What is short waits for supply, up to the limit."
    PREORDER = "PREORDER", "Sold ahead of its release, up to the limit; from then on, only what is in stock is sold."


@dataclass(frozen=True, slots=True)
class Allowance:
    """A variant's policy, where it has one."""

    policy: BackorderPolicy
    limit: int | None
    """Units that may wait at once, over all orders; None: as many as are wanted."""
    releases_at: datetime | None
    waited_for: bool
    """Whether units wait already."""

    def ahead(self, now: datetime) -> bool:
        """Whether nothing is given out of stock yet: before the release, and until those who waited for it have theirs."""
        if self.policy is not BackorderPolicy.PREORDER:
            return False
        assert self.releases_at is not None
        return now < self.releases_at or self.waited_for

    def lets_wait(self, now: datetime) -> bool:
        """Whether units may wait that no location has."""
        return self.policy is BackorderPolicy.BACKORDER or self.ahead(now)


def begin(
    order: Order,
    short: Mapping[UUID, int],
    allowances: Mapping[UUID, Allowance],
    waiting: Mapping[UUID, int],
    act: Act,
) -> tuple[Order, tuple[Backorder, ...], Event]:
    """Let open units wait (`short`: by line); refused beyond a variant's limit. `waiting`: by variant, over all orders."""
    after, records = dict(waiting), []
    for line in order.lines:
        units = short.get(line.id, 0)
        if not units:
            continue
        allowance, before = allowances[line.variant_id], after.get(line.variant_id, 0)
        room = units if allowance.limit is None else max(0, allowance.limit - before)
        if units > room:
            raise InsufficientStock(line.sku, line.quantity, line.quantity - units + room, field=("lines",))
        after[line.variant_id] = before + units
        records.append(_record(line, units, allowance, before + units, act))
    lines = tuple(_waits(line, short.get(line.id, 0), order, act) for line in order.lines)
    order = replace(order, lines=lines)
    return order, tuple(records), _told(order, EventType.ORDER_BACKORDERED, WAITING, short)


def _record(line: OrderLine, units: int, allowance: Allowance, waiting_after: int, act: Act) -> Backorder:
    return Backorder(
        id=new_id(),
        order_line_id=line.id,
        order_id=line.order_id,
        variant_id=line.variant_id,
        quantity=units,
        policy=allowance.policy.value,
        limit_units=allowance.limit,
        waiting_after=waiting_after,
        recorded_at=act.recorded_at,
    )


def _waits(line: OrderLine, units: int, order: Order, act: Act) -> OrderLine:
    """Who was placed first is served first, whenever it was found out that there is no stock."""
    if not units:
        return line
    since = line.backordered_at or min(order.placed_at, act.at)
    return replace(line, open=line.open - units, backordered=line.backordered + units, backordered_at=since)


def offer(order: Order, at_hand: Mapping[UUID, int], *, whole: bool = False) -> tuple[Order, dict[UUID, int]]:
    """Open the waiting units that there is stock for (`at_hand`: by variant), to be routed; and how many, by line.

    None where the order ships as a `whole` and there is not enough for that.
    """
    left, opened, lines = dict(at_hand), {}, []
    for line in order.lines:
        units = min(line.backordered, left.get(line.variant_id, 0))
        if units:
            left[line.variant_id] -= units
            opened[line.id] = units
            line = replace(line, open=line.open + units, backordered=line.backordered - units)  # noqa: PLW2901
        lines.append(line)
    if whole and any(line.backordered for line in kits.physical(lines)):
        return order, {}
    return replace(order, lines=tuple(lines)), opened


def settle(
    before: Order, routed: Order, opened: Mapping[UUID, int], decision_id: UUID, act: Act
) -> tuple[Order, tuple[BackorderFill, ...], Event | None]:
    """After the routing: what no location took goes on waiting, the rest is filled. `before` is the order as it waited."""
    was_open = {line.id: line.open for line in before.lines}
    filled, lines = {}, []
    for line in routed.lines:
        left = min(opened.get(line.id, 0), max(0, line.open - was_open.get(line.id, 0)))
        if units := opened.get(line.id, 0) - left:
            filled[line.id] = units
        lines.append(replace(line, open=line.open - left, backordered=line.backordered + left) if left else line)
    order = replace(routed, lines=tuple(lines))
    fills = tuple(
        BackorderFill(new_id(), line.id, order.id, line.variant_id, filled[line.id], decision_id, act.recorded_at)
        for line in order.lines
        if line.id in filled
    )
    told = _told(order, EventType.ORDER_BACKORDER_FILLED, FILLED, filled) if filled else None
    return order, fills, told


def _told(order: Order, type_: EventType, message: str, units: Mapping[UUID, int]) -> Event:
    lines = [{"orderLineId": str(id_), "quantity": quantity} for id_, quantity in units.items() if quantity]
    message = message.format(units=sum(units.values()), number=order.number)
    return about(order, type_, message, data={"lines": lines})
