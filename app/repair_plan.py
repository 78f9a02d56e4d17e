"""`ordergraph verify --repair-plan`: where stock records drifted apart, and the exact entries that would mend them."""

from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from rich.table import Table

from app.database import DatabaseError, connected, running_database
from app.failure import Failure
from app.settings import Settings
from app.terminal import err, out
from app.verify import refuse_another_shape
from domain import ids
from domain.repairing import Drift, steps
from domain.store.repairing import DriftedLevel, DriftedLine, drifted_levels, drifted_lines
from resolvers.database import GONE, WRITING, open_pool
from resolvers.repairing import mend

MOST = 10_000
"""Levels, and lines, of one plan: a database with more has another trouble than drift."""
SHOWN = 50
"""Of these a person is shown."""


class Drifted(Failure):
    """Stock records do not agree; the plan was printed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What drifted, in one snapshot."""

    levels: list[DriftedLevel]
    lines: list[DriftedLine]

    @property
    def mendable(self) -> list[DriftedLevel]:
        """Levels of which more can be brought together."""
        return [each for each in self.levels if each.drift.is_mendable]

    def remains(self) -> str:
        """What no entry mends, in words; empty where nothing is left."""
        missing = sum(each.drift.missing for each in self.levels)
        parts = [f"{missing} units are promised that are nowhere"] if missing else []
        parts += [f"{len(self.lines)} order lines claim other units than their work holds"] if self.lines else []
        return "; ".join(parts)


async def run(settings: Settings, *, as_json: bool, apply: str | None) -> None:
    """Print the plan; write its entries where a reason to apply them is given. Raises `Drifted` while anything is left."""
    async with running_database(settings) as url, connected(url) as connection:
        await refuse_another_shape(connection)
        try:
            plan = await planned(connection)
            _print(plan, as_json=as_json)
            if apply and plan.mendable:
                async with open_pool(url, 1, WRITING) as pool, pool.acquire() as writer:
                    written = await mend(writer, [each.drift.level.id for each in plan.mendable], apply)
                err.print(
                    f"{len(plan.mendable)} levels were mended by {written} entries. No entry of before was changed."
                )
                plan = await planned(connection)
        except GONE as error:
            raise DatabaseError(f"the database went away: {str(error) or type(error).__name__}") from error
    if plan.levels or plan.lines:
        raise Drifted(_told(plan))


async def planned(connection: asyncpg.Connection) -> Plan:
    """What drifted. Nothing is changed, and writers go on meanwhile."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return Plan(await drifted_levels(connection, MOST), await drifted_lines(connection, MOST))


def _told(plan: Plan) -> str:
    parts = [f"{len(plan.mendable)} stock levels can be mended"] if plan.mendable else []
    parts += [plan.remains()] if plan.remains() else []
    return "; ".join(parts)


# -- for programs ----------------------------------------------------------------------------------------------------


def as_data(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "levels": [_level(each) for each in plan.levels],
        "orderLines": [
            {"order": each.order, "orderLineId": ids.encode("OrderLine", each.line_id), "sku": each.sku,
             "claims": each.claims, "workHolds": each.holds}
            for each in plan.lines
        ],
    }  # fmt: skip


def _level(found: DriftedLevel) -> dict[str, Any]:
    drift, level = found.drift, found.drift.level
    return {
        "stockLevelId": ids.encode("StockLevel", level.id),
        "sku": found.sku,
        "location": found.location,
        "buckets": [
            {"bucket": bucket.value, "level": getattr(level, bucket.lower()), "ledger": drift.ledger.get(bucket, 0),
             "claimed": drift.claims.get(bucket), "mended": mended}
            for bucket, mended in drift.target.items()
        ],
        "entries": entries(drift),
        "missing": drift.missing,
        "heldBy": [
            {"order": each.order, "orderLineId": ids.encode("OrderLine", each.line_id), "units": each.units}
            for each in found.holders
        ] if drift.missing else [],
    }  # fmt: skip


def entries(drift: Drift) -> list[dict[str, Any]]:
    """The entries that would mend a level, with the balances that they would state."""
    held, found = {bucket: drift.ledger.get(bucket, 0) for bucket in drift.target}, []
    for source, target, units in steps(drift.ledger, drift.target):
        if source:
            held[source] -= units
        if target:
            held[target] += units
        found.append(
            {"kind": "ADJUST", "quantity": units, "fromBucket": source, "fromBalanceAfter": source and held[source],
             "toBucket": target, "toBalanceAfter": target and held[target]}
        )  # fmt: skip
    return found


# -- for people ------------------------------------------------------------------------------------------------------


def _print(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(as_data(plan), option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - the one answer, bare
    elif not plan.levels and not plan.lines:
        out.print("Levels, their ledger and the order lines agree.")
    else:
        _print_levels(plan)
        _print_lines(plan)


def _print_levels(plan: Plan) -> None:
    if not plan.levels:
        return
    table = Table("SKU", "Location", "Bucket", "Level", "Ledger", "Claimed", "Mended by")
    for found in plan.levels[:SHOWN]:
        table.add_section()
        told = [f"{each['quantity']} {_way(each)}" for each in entries(found.drift)]
        told += [] if told or not found.drift.is_mendable else ["no entry: the level is set to its ledger"]
        told += [f"{found.drift.missing} are nowhere: cancel, re-route or count"] if found.drift.missing else []
        table.add_row(found.sku, found.location, *_differing(found.drift), "\n".join(told))
    out.print(table)
    if len(plan.levels) > SHOWN:
        out.print(f"… and {len(plan.levels) - SHOWN} more; --json tells all.")


def _way(entry: dict[str, Any]) -> str:
    return f"{entry['fromBucket'] or 'outside'} → {entry['toBucket'] or 'outside'}"


def _differing(drift: Drift) -> tuple[str, str, str, str]:
    """The buckets that differ: their names, what the level says, the ledger, and who claims them."""
    rows = []
    for bucket, mended in drift.target.items():
        level, ledger = getattr(drift.level, bucket.lower()), drift.ledger.get(bucket, 0)
        claimed = drift.claims.get(bucket)
        if level != ledger or mended != level or claimed not in (None, level):
            rows.append((bucket.value, str(level), str(ledger), "" if claimed is None else str(claimed)))
    return tuple("\n".join(column) for column in zip(*rows, strict=True))  # type: ignore[return-value]


def _print_lines(plan: Plan) -> None:
    if not plan.lines:
        return
    table = Table("Order", "SKU", "Order line", "Line claims", "Work holds")
    for each in plan.lines[:SHOWN]:
        table.add_row(each.order, each.sku, ids.encode("OrderLine", each.line_id), str(each.claims), str(each.holds))
    out.print(table)
