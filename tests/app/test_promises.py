"""`ordergraph promise train` on databases with and without a past, and what comes of it."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from domain.promises import Journey
from domain.store.promises import KEPT_MODELS, load, report
from resolvers.asides import learn_promises
from resolvers.database import as_bytes

PLACES = """
    INSERT INTO channels (id, code, name, currency, time_zone, created_at)
    VALUES (gen_random_uuid(), 'web', 'Web', 'BRL', 'America/Sao_Paulo', now());
    INSERT INTO locations (id, code, name, kind, country, region, latitude, longitude, created_at)
    VALUES (gen_random_uuid(), 'SAO1', 'São Paulo', 'WAREHOUSE', 'BR', 'SP', -23.5, -46.6, now());
"""

PAST = """
    WITH made AS (
        SELECT gen_random_uuid() AS order_id, gen_random_uuid() AS work_id, n, channels.id AS channel_id,
            locations.id AS location_id, now() - make_interval(days => 1 + n % 100) AS placed_at,
            2 + n % 3 + CASE WHEN n % 2 = 0 THEN 0 ELSE 5 END AS days
        FROM generate_series(1, $1) AS n, channels, locations
    ), ordered AS (
        INSERT INTO orders (id, number, channel_id, status, payment_status, fulfillment_status, return_status, currency,
            subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, country, region, postal_code,
            latitude, longitude, created_at, placed_at, deliver_by_latest, completed_at)
        SELECT order_id, n::text, channel_id, CASE WHEN placed_at + make_interval(days => days) < now() THEN 'COMPLETED' ELSE 'CONFIRMED' END,
            'NONE', 'UNFULFILLED', 'NONE', 'BRL', 0, 0, 0, 0, 0, 'BR', CASE WHEN n % 2 = 0 THEN 'SP' ELSE 'AM' END, '01310-100',
            -23.5, -46.6, placed_at, placed_at, placed_at + make_interval(days => 7),
            CASE WHEN placed_at + make_interval(days => days) < now() THEN now() END
        FROM made
    ), given AS (
        INSERT INTO fulfillment_orders (id, order_id, location_id, kind, status, due_at, created_at)
        SELECT work_id, order_id, location_id, 'DELIVERY', 'SHIPPED', placed_at, placed_at FROM made
    )
    INSERT INTO shipments (id, order_id, fulfillment_order_id, location_id, status, carrier, created_at, delivered_at)
    SELECT gen_random_uuid(), order_id, work_id, location_id,
        CASE WHEN placed_at + make_interval(days => days) < now() THEN 'DELIVERED' ELSE 'IN_TRANSIT' END, 'x', placed_at,
        CASE WHEN placed_at + make_interval(days => days) < now() THEN placed_at + make_interval(days => days) END
    FROM made
"""
"""Orders to SP take 2 to 4 days, those to AM 7 to 9; all were promised for the seventh day."""


def train(url: str, home: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATABASE_URL": url, "ORDERGRAPH_HOME": str(home), "COLUMNS": "200"}
    program = [sys.executable, "-c", "from app.cli import main; main()", "promise", "train", *options]
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=60)


async def opened(url: str, orders: int) -> asyncpg.Connection:
    connection = await asyncpg.connect(url)
    await as_bytes(connection)
    await connection.execute(PLACES)
    await connection.execute(PAST, orders)
    return connection


async def test_what_was_learned_promises_from_now_on(fresh_database_url: str, tmp_path: Path) -> None:
    connection = await opened(fresh_database_url, 600)
    done = train(fresh_database_url, tmp_path, "--channel", "web")
    assert (done.returncode, done.stderr) == (0, "")
    assert "parcels were delivered in the last year: learned." in done.stdout

    model = await load(connection, await connection.fetchval("SELECT promise_model_id FROM channels"))
    location = await connection.fetchval("SELECT id FROM locations")
    assert model is not None
    at = datetime.now(UTC).replace(tzinfo=None)
    near, far = (Journey(at, str(location), "BR-SP", to, "01310-100", 0.0) for to in ("BR-SP", "BR-AM"))
    days = [(model.promise(each, 0.95).latest - at.date()).days for each in (near, far)]
    assert 4 <= days[0] <= 6
    assert 8 <= days[1] <= 12
    await connection.close()


async def test_from_too_little_nothing_is_learned_and_that_is_said(fresh_database_url: str, tmp_path: Path) -> None:
    connection = await opened(fresh_database_url, 50)
    done = train(fresh_database_url, tmp_path)
    assert done.returncode == 0
    assert "not learned, at least 200 are needed" in done.stdout
    assert await connection.fetchval("SELECT promise_model_id FROM channels") is None
    await connection.close()


def test_a_channel_that_is_not_there_is_said_in_words(fresh_database_url: str, tmp_path: Path) -> None:
    done = train(fresh_database_url, tmp_path, "--channel", "moon")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no channel moon" in done.stderr


async def test_of_models_that_are_long_replaced_only_their_names_stay(fresh_database_url: str) -> None:
    connection = await opened(fresh_database_url, 300)
    for _ in range(KEPT_MODELS + 2):
        await learn_promises(connection)
    kept = await connection.fetch("SELECT id, model IS NULL AS forgotten FROM promise_models ORDER BY id")
    assert [row["forgotten"] for row in kept] == [True] * 2 + [False] * KEPT_MODELS
    assert await load(connection, kept[0]["id"]) is None
    await connection.close()


async def test_promises_are_compared_with_what_happened(fresh_database_url: str) -> None:
    connection = await opened(fresh_database_url, 600)
    await connection.execute(
        "UPDATE orders SET status = 'CONFIRMED', completed_at = NULL WHERE number IN ('48', '49')"
    )  # placed 49 and 50 days ago, and still not all there
    now = datetime.now(UTC)
    found = await report(connection, "web", now - timedelta(days=90), now - timedelta(days=15))
    days = range(15, 90)
    numbers = [n for n in range(1, 601) if 1 + n % 100 in days]
    late = [n for n in numbers if n in (48, 49) or 2 + n % 3 + (0 if n % 2 == 0 else 5) > 7]
    assert (found["orders"], found["overdue"]) == (len(numbers), 2)
    assert found["late_rate"] == len(late) / len(numbers)
    assert found["mean_promise_days"] == 7
    errors = [abs(2 + n % 3 + (0 if n % 2 == 0 else 5) - 7) for n in numbers if n not in (48, 49)]
    assert abs(found["mean_absolute_error_days"] - sum(errors) / len(errors)) < 1e-9
    empty = await report(connection, "web", now, now + timedelta(days=1))
    assert empty["orders"] == 0
    assert empty["late_rate"] is None
    await connection.close()
