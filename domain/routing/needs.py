"""What an order needs, as the search sees it: units of a variant that may ship alike, with the lines that they are for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain.routing.model import DemandLine


@dataclass(slots=True)
class Need:
    """Units of one variant. Where lines may be split, all lines of a variant are one need; else each line is one."""

    variant_id: UUID
    pinned: UUID | None
    whole: bool
    """Ships from one location or not at all."""
    lines: list[DemandLine] = field(default_factory=list)
    quantity: int = 0
    grams: int = 0
    """What one unit weighs; unknown counts as nothing."""
    line_grams: int = 0
    """What all units of the variant weigh together, whichever lines they are on."""
    longest_mm: int | None = None
    hazmat: bool = False
    value_minor: int = 0
    """What one unit is sold for; of several lines, the lowest."""


def needs_of(lines: Sequence[DemandLine], *, split_lines: bool) -> list[Need]:
    """The needs of an order, pinned ones first: what must come from one place is served before what need not."""
    needs: dict[object, Need] = {}
    units: dict[UUID, int] = {}
    if any(line.pinned for line in lines):
        lines = sorted(lines, key=lambda line: line.pinned is None)
    for line in lines:
        if line.quantity <= 0:
            continue
        units[line.variant_id] = units.get(line.variant_id, 0) + line.quantity
        key = (line.variant_id, line.pinned) if split_lines else line.line_id
        need = needs.get(key)
        if need is None:
            needs[key] = Need(
                line.variant_id,
                line.pinned,
                not split_lines,
                [line],
                line.quantity,
                line.weight_grams or 0,
                longest_mm=line.longest_mm,
                hazmat=line.hazmat,
                value_minor=line.value_minor,
            )
            continue
        need.lines.append(line)
        need.quantity += line.quantity
        need.value_minor = min(need.value_minor, line.value_minor)
    for need in needs.values():
        need.line_grams = units[need.variant_id] * need.grams
    return list(needs.values())
