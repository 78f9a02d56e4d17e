"""A shop of any size, made inside PostgreSQL: `grown.sql` says what there is, this runs it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from domain.store import months
from domain.store.months import Month

HERE = Path(__file__).parent

SETTINGS = """
    set session_replication_role = replica;
    set synchronous_commit = off;
    set work_mem = '256MB';
    set maintenance_work_mem = '512MB';
    set max_parallel_maintenance_workers = 2;
    set client_min_messages = warning
"""
"""As a replica, PostgreSQL checks no foreign keys: what is made here is sound, and `ordergraph verify` says so."""

SECONDARY_INDEXES = """
    select indexrelid::regclass::text as name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as made_by
    from pg_index join pg_class on pg_class.oid = indexrelid
    where relnamespace = 'public'::regnamespace and not relispartition
      and not exists (select from pg_constraint where conindid = indexrelid)
"""
"""Those of a partitioned table bring those of its partitions with them."""

MONTHS = [Month(year, number) for year in (2024, 2025) for number in range(1, 13)]
"""Of which the log has partitions."""

Say = Callable[[str], Any]


async def grow(url: str, orders: int, *, variants: int = 5_000, say: Say = lambda _: None) -> None:
    """Fill a migrated, empty database with so many orders and whatever hangs on them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SETTINGS)
        for month in MONTHS:
            await months.make(connection, month)
        indexes = await connection.fetch(SECONDARY_INDEXES)
        for index in indexes:
            await connection.execute(f"drop index {index['name']}")
        for statement in statements(orders, variants):
            await _timed(connection, statement, say)
        for index in indexes:
            await _timed(connection, index["made_by"], say)
        await _timed(connection, "vacuum (analyze)", say)
    finally:
        await connection.close()


def statements(orders: int, variants: int) -> list[str]:
    """`grown.sql` for a size. Below 2,000 orders what is rare would not be rare; variants come in eights."""
    if orders < 2_000 or variants % 8:
        raise ValueError("at least 2,000 orders, and variants in eights")
    text = (HERE / "grown.sql").read_text().replace("{orders}", str(orders)).replace("{variants}", str(variants))
    return text.replace("{ids_in_a_month}", str(months.IDS)).split(";\n\n")


async def _timed(connection: asyncpg.Connection, statement: str, say: Say) -> None:
    began = time.perf_counter()
    await connection.execute(statement, timeout=7_200)
    if (seconds := time.perf_counter() - began) > 1:
        told = " ".join(line for line in statement.splitlines() if not line.startswith("--")).split()
        say(f"{seconds:7.1f} s  {' '.join(told[:6])}")
