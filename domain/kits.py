"""Kits: sold as one line with one price, stocked and shipped as their components, which are lines of their own.

A component's line names its kit's line and costs nothing. Whatever happens, happens to components; what a kit's line
says of its units follows from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ids import new_id
from domain.model import Order, OrderLine, replace
from domain.refusals import InvalidInput

COMPONENTS_LIMIT = 20
LINES_LIMIT = 300
"""How many lines an order has at most when its kits are taken apart."""


def has_kits(lines: Iterable[OrderLine]) -> bool:
    """Whether any line is part of a kit."""
    return any(line.kit_line_id for line in lines)


def physical(lines: Sequence[OrderLine]) -> Sequence[OrderLine]:
    """The lines that are stocked and shipped: all but the kits themselves."""
    kits = {line.kit_line_id for line in lines if line.kit_line_id}
    return [line for line in lines if line.id not in kits] if kits else lines


def parts_of(lines: Iterable[OrderLine]) -> dict[UUID, list[OrderLine]]:
    """The lines of components by their kit's line."""
    parts: dict[UUID, list[OrderLine]] = {}
    for line in lines:
        if line.kit_line_id:
            parts.setdefault(line.kit_line_id, []).append(line)
    return parts


def per_kit(kit: OrderLine, part: OrderLine) -> int:
    """Units of a component in one kit."""
    return part.quantity // kit.quantity


Component = tuple[UUID, str, str, int]
"""(variant, SKU, name, units in one kit)."""


def taken_apart(order: Order, components: Mapping[str, Sequence[Component]]) -> Order:
    """The order with the lines of its kits' components. `components` are by the kit's SKU."""
    kits = [line for line in order.lines if components.get(line.sku)]
    if not kits:
        return order
    lines = list(order.lines)
    for kit in kits:
        for variant_id, sku, name, units in components[kit.sku]:
            lines.append(_part(kit, len(lines) + 1, variant_id, sku, name, kit.quantity * units))
    if len(lines) > LINES_LIMIT:
        raise InvalidInput(f"with its kits taken apart, the order has more than {LINES_LIMIT} lines", field=("lines",))
    return replace(order, lines=tuple(lines))


def _part(kit: OrderLine, position: int, variant_id: UUID, sku: str, name: str, quantity: int) -> OrderLine:
    return OrderLine(
        id=new_id(),
        order_id=kit.order_id,
        position=position,
        variant_id=variant_id,
        sku=sku,
        name=name,
        quantity=quantity,
        currency=kit.currency,
        unit_price_minor=0,
        total_minor=0,
        open=quantity,
        kit_line_id=kit.id,
    )


# -- what follows from components ------------------------------------------------------------------------------------

STAGES = ("shipped", "picked", "allocated", "backordered", "open")
"""Where units are, the farthest first."""


def with_kits(order: Order) -> Order:
    """The order with its kits' lines as their components have it: a kit is as far as its last component."""
    if not has_kits(order.lines):
        return order
    parts = parts_of(order.lines)
    lines = tuple(_kit(line, parts[line.id]) if line.id in parts else line for line in order.lines)
    return replace(order, lines=lines)


def _kit(kit: OrderLine, parts: Sequence[OrderLine]) -> OrderLine:
    """A kit one of whose components was called off is called off; of the rest, as many are as far as every component."""
    each = [(part, per_kit(kit, part)) for part in parts]
    canceled = max(-(-part.canceled // units) for part, units in each)
    left, so_far = kit.quantity - canceled, 0
    found: dict[str, Any] = {}
    for number, stage in enumerate(STAGES, start=1):
        reached = min(sum(getattr(part, name) for name in STAGES[:number]) // units for part, units in each)
        reached = left if stage == "open" else min(left, reached)
        found[stage], so_far = reached - so_far, reached
    delivered = min(found["shipped"], *(part.delivered // units for part, units in each))
    delivered_at = _last([part.delivered_at for part in parts] if delivered else [kit.delivered_at])
    since = _last([part.backordered_at for part in parts] if found["backordered"] else [kit.backordered_at])
    found |= {"delivered": delivered, "delivered_at": delivered_at, "backordered_at": since}
    after = replace(kit, canceled=canceled, **found)
    return kit if after == kit else after


def _last(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


# -- what is asked of kits -------------------------------------------------------------------------------------------


def refuse_part(line: OrderLine, place: tuple[str, ...]) -> None:
    """A kit is called off and comes back whole."""
    if line.kit_line_id:
        raise InvalidInput(f"{line.sku} is part of a kit: name the kit's line", field=place)


def cancelable(order: Order) -> dict[UUID, int]:
    """Units that can be called off by line, components aside: kits of which nothing has left."""
    parts = parts_of(order.lines)
    return {
        line.id: min([part.cancelable // per_kit(line, part) for part in parts.get(line.id, ())] or [line.cancelable])
        for line in order.lines
        if not line.kit_line_id
    }


def with_parts(order: Order, units: Mapping[UUID, int]) -> dict[UUID, int]:
    """Units by line, with those of the kits' components."""
    spread = dict(units)
    if not has_kits(order.lines):
        return spread
    by_id = {line.id: line for line in order.lines}
    for line in order.lines:
        if line.kit_line_id and line.kit_line_id in units:
            spread[line.id] = units[line.kit_line_id] * per_kit(by_id[line.kit_line_id], line)
    return spread


def stocked(order: Order, line_id: UUID) -> list[tuple[OrderLine, int]]:
    """What lies on shelves of one unit of a line: itself, or a kit's components, with how many of each."""
    line = next(line for line in order.lines if line.id == line_id)
    parts = parts_of(order.lines).get(line_id)
    return [(part, per_kit(line, part)) for part in parts] if parts else [(line, 1)]
