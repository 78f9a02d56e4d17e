"""`ordergraph verify --repair-plan` on databases that somebody wrote to past us."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.store.verify import verify
from tests.world import small_world

SHIRT = "id = (SELECT id FROM stock_levels WHERE available > 5 AND allocated > 0 ORDER BY id LIMIT 1)"
LEVELS = (
    "SELECT id, available, reserved, allocated, safety_stock, quality_control, damaged FROM stock_levels ORDER BY id"
)


def planned(url: str, home: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the command against a database."""
    environment = {**os.environ, "DATABASE_URL": url, "ORDERGRAPH_HOME": str(home), "COLUMNS": "200"}
    program = [sys.executable, "-c", "from app.cli import main; main()", "verify", *options]
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
async def world(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A small world, sound as yet."""
    connection = await asyncpg.connect(fresh_database_url)
    await small_world().store(connection)
    yield connection
    await connection.close()


async def broken(connection: asyncpg.Connection) -> list[str]:
    """The invariants that do not hold."""
    return [violation.invariant.name for violation in await verify(connection)]


async def test_where_all_agrees_there_is_nothing_to_mend(
    world: asyncpg.Connection, fresh_database_url: str, tmp_path: Path
) -> None:
    done = planned(fresh_database_url, tmp_path, "--repair-plan")
    assert (done.returncode, done.stdout) == (0, "Levels, their ledger and the order lines agree.\n")
    done = planned(fresh_database_url, tmp_path, "--repair-plan", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"levels": [], "orderLines": []})


async def test_a_level_that_was_written_by_hand_is_shown_with_its_entries_and_left_alone(
    world: asyncpg.Connection, fresh_database_url: str, tmp_path: Path
) -> None:
    await world.execute(f"UPDATE stock_levels SET available = available - 3, damaged = damaged + 1 WHERE {SHIRT}")
    before = await world.fetch(LEVELS)

    done = planned(fresh_database_url, tmp_path, "--repair-plan", "--json")
    shown = planned(fresh_database_url, tmp_path, "--repair-plan")

    (level,) = json.loads(done.stdout)["levels"]
    available = next(each for each in level["buckets"] if each["bucket"] == "AVAILABLE")
    assert available["ledger"] - available["level"] == 3
    assert [(each["kind"], each["quantity"], each["fromBucket"], each["toBucket"]) for each in level["entries"]] == [
        ("ADJUST", 1, "AVAILABLE", "DAMAGED"),
        ("ADJUST", 2, "AVAILABLE", None),
    ]
    assert level["entries"][-1]["fromBalanceAfter"] == available["level"]
    assert (done.returncode, shown.returncode) == (1, 1)
    assert "1 AVAILABLE → DAMAGED" in shown.stdout
    assert "1 stock levels can be mended" in shown.stderr
    assert await world.fetch(LEVELS) == before
    assert await broken(world) != []


CORRUPTIONS: dict[str, str] = {
    "a level written by hand": f"UPDATE stock_levels SET available = available + 2 WHERE {SHIRT}",
    "an entry lost": """
        DELETE FROM stock_movements WHERE id = (
            SELECT id FROM stock_movements WHERE kind = 'COUNT' ORDER BY id LIMIT 1)
    """,
    "an entry in the middle of a history lost": """
        DELETE FROM stock_movements WHERE id = (
            SELECT id FROM stock_movements WHERE kind = 'ALLOCATE' ORDER BY id LIMIT 1)
    """,
    "units allocated to nobody": f"UPDATE stock_levels SET available = available - 2, allocated = allocated + 2 WHERE {SHIRT}",
    "units of an order given away": f"UPDATE stock_levels SET available = available + 1, allocated = allocated - 1 WHERE {SHIRT}",
    "a quantity falsified": """
        UPDATE stock_movements SET quantity = quantity + 1 WHERE id = (
            SELECT id FROM stock_movements WHERE kind = 'COUNT' ORDER BY id LIMIT 1)
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_applied_with_a_reason_its_entries_mend_what_drifted(
    name: str, world: asyncpg.Connection, fresh_database_url: str, tmp_path: Path
) -> None:
    await world.execute(CORRUPTIONS[name])
    told = await world.fetchval("SELECT count(*) FROM stock_movements")
    assert await broken(world) != []

    done = planned(fresh_database_url, tmp_path, "--repair-plan", "--json", "--apply", "restored from a backup")

    plan: dict[str, Any] = json.loads(done.stdout)
    expected = [entry for level in plan["levels"] for entry in level["entries"]]
    written = await world.fetch("SELECT * FROM stock_movements WHERE act_type = 'LedgerRepair' ORDER BY id")
    assert (done.returncode, len(written)) == (0, len(expected)), done.stderr
    assert [(row["quantity"], row["from_bucket"], row["to_balance_after"]) for row in written] == [
        (entry["quantity"], entry["fromBucket"], entry["toBalanceAfter"]) for entry in expected
    ]
    assert {(row["reason"], row["actor_name"]) for row in written} <= {("restored from a backup", "Ordergraph")}
    assert await world.fetchval("SELECT count(*) FROM stock_movements") == told + len(written)
    assert await broken(world) == []
    assert planned(fresh_database_url, tmp_path, "--repair-plan").returncode == 0


async def test_units_that_are_promised_and_nowhere_are_told_with_who_waits_for_them(
    world: asyncpg.Connection, fresh_database_url: str, tmp_path: Path
) -> None:
    level = await world.fetchrow(f"SELECT id, allocated FROM stock_levels WHERE {SHIRT}")
    assert level is not None
    await world.execute("UPDATE stock_levels SET available = 0, allocated = 0 WHERE id = $1", level["id"])

    done = planned(fresh_database_url, tmp_path, "--repair-plan", "--json", "--apply", "burnt")

    (found,) = json.loads(done.stdout)["levels"]
    assert found["missing"] == level["allocated"] == sum(each["units"] for each in found["heldBy"])
    assert done.returncode == 1
    assert f"{level['allocated']} units are promised that are nowhere" in done.stderr


async def test_an_order_line_that_its_work_contradicts_is_told_but_no_entry_mends_it(
    world: asyncpg.Connection, fresh_database_url: str, tmp_path: Path
) -> None:
    await world.execute(
        """UPDATE order_lines SET open = open + 1, allocated = allocated - 1
           WHERE id = (SELECT id FROM order_lines WHERE allocated > 0 ORDER BY id LIMIT 1)"""
    )
    done = planned(fresh_database_url, tmp_path, "--repair-plan", "--json", "--apply", "why not")
    plan = json.loads(done.stdout)
    (line,) = plan["orderLines"]
    assert (done.returncode, plan["levels"], line["workHolds"] - line["claims"]) == (1, [], 1)
    assert "1 order lines claim other units than their work holds" in done.stderr


@pytest.mark.parametrize("options", [("--apply", "x"), ("--json",), ("--repair-plan", "--apply", " ")])
def test_nothing_is_applied_by_mistake(options: tuple[str, ...], tmp_path: Path) -> None:
    assert planned("postgresql://nobody@127.0.0.1:1/nothing", tmp_path, *options).returncode == 2
