"""What kits consist of: set with their variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.kits import COMPONENTS_LIMIT
from domain.refusals import InvalidInput, UnknownSku
from domain.store import kits as stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from resolvers.writing import Work
    from schema.inputs.setup import VariantInput

UNITS = range(1, 1_001)


async def set_components(work: Work, by_sku: Mapping[str, VariantInput], ids: Mapping[str, UUID]) -> None:
    """Make kits of variants, or variants of kits. A kit has no stock of its own, and no component is a kit."""
    given = {sku: each.components for sku, each in by_sku.items() if each.components is not None}
    if not given:
        return
    places = {sku: ("variants", str(index), "components") for index, sku in enumerate(by_sku)}
    for sku, parts in given.items():
        _refuse_odd(sku, parts, places[sku])
    known = await stored.components(work.connection, {part.sku for parts in given.values() for part in parts})
    for sku, parts in given.items():
        for index, part in enumerate(parts):
            if part.sku not in known:
                raise UnknownSku(part.sku, field=(*places[sku], str(index), "sku"))
    parts_of = {ids[sku]: [(known[part.sku], part.quantity) for part in parts] for sku, parts in given.items()}
    await stored.set_components(work.connection, parts_of)

    touched = {*parts_of, *known.values()}
    if nested := await stored.nested(work.connection, touched):
        raise InvalidInput(f"{nested} would be a kit and a component: kits are not nested", field=("variants",))
    if stocked := await stored.stocked(work.connection, parts_of):
        raise InvalidInput(f"{stocked} is on hand itself: a kit has no stock of its own", field=places[stocked])


def _refuse_odd(sku: str, parts: list[Any], place: tuple[str, ...]) -> None:
    if len(parts) > COMPONENTS_LIMIT or len({part.sku for part in parts}) < len(parts):
        raise InvalidInput(f"a kit has at most {COMPONENTS_LIMIT} components, each named once", field=place)
    for index, part in enumerate(parts):
        if part.quantity not in UNITS:
            where = (*place, str(index), "quantity")
            raise InvalidInput(f"a kit has {UNITS[0]} to {UNITS[-1]:,} units of a component", field=where)
        if part.sku == sku:
            raise InvalidInput("a kit is no component of itself", field=(*place, str(index), "sku"))


async def refuse_kits(work: Work, skus: Iterable[str], place: str = "lines") -> None:
    """Stock is bought and counted by components."""
    sku = await stored.kit_among(work.connection, skus)
    if sku is not None:
        raise InvalidInput(f"{sku} is a kit: only its components are in stock", field=(place,))
