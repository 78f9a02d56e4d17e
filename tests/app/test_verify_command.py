"""`ordergraph verify` as a person runs it: what it prints, and its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from domain.store.verify import INVARIANTS
from tests.world import small_world


def verified(url: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command against a database."""
    environment = {**os.environ, "DATABASE_URL": url, "ORDERGRAPH_HOME": str(home), "COLUMNS": "200"}
    program = [sys.executable, "-c", "from app.cli import main; main()", "verify"]
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=60)


async def test_a_sound_database_passes(fresh_database_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    await small_world().store(connection)
    await connection.close()
    done = verified(fresh_database_url, tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{len(INVARIANTS)} invariants hold.\n")


async def test_a_broken_one_is_told_and_fails(fresh_database_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    await small_world().store(connection)
    await connection.execute("UPDATE orders SET payment_status = 'OVERPAID', event_sequence = 99")
    await connection.close()
    done = verified(fresh_database_url, tmp_path)
    assert done.returncode == 1
    assert "do not hold: payment_status_is_derived, subjects_know_their_last_event" in done.stderr
    assert "VOIDED" in done.stdout


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody@127.0.0.1:1/nothing", "the database does not answer"),
        ("mysql://here", "DATABASE_URL: must start with postgresql://"),
        ("postgresql://127.0.0.1:port/x", "the database does not answer"),
    ],
)
def test_a_database_that_is_not_there_is_one_clear_line(url: str, words: str, tmp_path: Path) -> None:
    done = verified(url, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_database_of_another_shape_is_refused(fresh_database_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    await connection.close()
    done = verified(fresh_database_url, tmp_path)
    assert (done.returncode, "run `ordergraph migrate`" in done.stderr) == (1, True)
