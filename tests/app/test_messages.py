"""Messages by the command line: workers that are killed, previews and test-sends. Real processes, a real SMTP server."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import SECRET
from tests.logbook import write_event, write_order
from tests.post import PostOffice, part, post_office

ORDERGRAPH = [sys.executable, "-c", "from app.cli import main; main()"]


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with post_office() as office:
        yield office


@pytest.fixture
def environment(fresh_database_url: str, office: PostOffice, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return kept | {
        "DATABASE_URL": fresh_database_url,
        "ORDERGRAPH_HOME": str(tmp_path),
        "ORDERGRAPH_SECRET": SECRET,
        "MAIL_URL": office.url,
        "MAIL_FROM": "orders@shop.example",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database_url)
    yield connection
    await connection.close()


async def order_of(connection: asyncpg.Connection, email: str) -> str:
    """The number of a new order."""
    order_id = await write_order(connection)
    number: str = await connection.fetchval(
        "UPDATE orders SET email = $2 WHERE id = $1 RETURNING number", order_id, email
    )
    return number


@asynccontextmanager
async def a_worker(environment: dict[str, str]) -> AsyncIterator["subprocess.Popen[str]"]:
    """A worker that reads the log."""
    with subprocess.Popen([*ORDERGRAPH, "worker"], env=environment, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        while "at work" not in (line := await asyncio.to_thread(worker.stderr.readline)):
            assert line, "the worker ended"
        try:
            yield worker
        finally:
            worker.kill()
            await asyncio.to_thread(worker.communicate)


async def until(connection: asyncpg.Connection, question: str) -> None:
    async with asyncio.timeout(20):
        while not await connection.fetchval(question):
            await asyncio.sleep(0.02)


async def run(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run,
        [*ORDERGRAPH, "message", *arguments],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_a_worker_that_is_killed_between_sending_and_noting_it_sends_again_under_the_same_id(
    environment: dict[str, str], office: PostOffice, connection: asyncpg.Connection
) -> None:
    number = await order_of(connection, "ana@example.com")
    async with a_worker(environment) as first:
        office.on_mail = lambda _: os.kill(first.pid, signal.SIGKILL)  # it never hears that the mail was taken
        await until(connection, "SELECT count(*) = 1 FROM relays WHERE name = 'messages'")
        order_id = await connection.fetchval("SELECT id FROM orders WHERE number = $1", number)
        await write_event(connection, order_id)
        sent = await office.until("ana@example.com")
        assert await asyncio.to_thread(first.wait, 20) == -signal.SIGKILL
    assert await connection.fetchval("SELECT status FROM messages") == "PENDING"

    office.on_mail = lambda _: None
    await connection.execute("UPDATE jobs SET ready_at = now() WHERE kind = 'SEND_MESSAGE'")  # its lease runs out
    async with a_worker(environment):
        again = await office.until("ana@example.com", 2)
        await until(connection, "SELECT count(*) = 1 FROM messages WHERE status = 'SENT'")
        await until(connection, "SELECT count(*) = 0 FROM jobs WHERE kind = 'SEND_MESSAGE'")
    assert again["Message-ID"] == sent["Message-ID"]
    assert await connection.fetchval("SELECT count(*) FROM events WHERE type = 'MESSAGE_SENT'") == 1


async def test_whoever_writes_templates_sees_them_and_sends_them_to_themselves(
    environment: dict[str, str], office: PostOffice, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    number = await order_of(connection, "ana@example.com")
    text = await run(environment, "preview", "order_confirmed", "--order", number)
    html = await run(environment, "preview", "ORDER_CONFIRMED", "--order", number, "--locale", "pt-BR", "--html")
    short = await run(environment, "preview", "DELAYED", "--order", number, "--medium", "sms")
    assert text.stdout.startswith(f"Subject: Your order {number} is confirmed\n\nHello,\n"), text.stderr
    assert f"Obrigado pelo seu pedido {number}" in html.stdout, html.stderr
    assert f"Order {number} may arrive later than promised." in short.stdout, short.stderr

    sent = await run(environment, "send", "ORDER_CONFIRMED", "--order", number, "--to", "me@shop.example")
    assert sent.returncode == 0, sent.stderr
    assert "Sent to me@shop.example: queued as 1" in sent.stdout
    assert f"Thank you for your order {number}" in part(office.mails[0])
    assert await connection.fetchval("SELECT count(*) FROM messages") == 0

    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "order_confirmed.txt").write_text("Subject: Hi\n{{ order.wrong }}")
    broken = await run(
        {**environment, "MESSAGE_TEMPLATES": str(tmp_path)}, "preview", "ORDER_CONFIRMED", "--order", number
    )
    assert broken.returncode == 1
    assert "order_confirmed.txt, line 2: 'dict object' has no attribute 'wrong'" in broken.stderr
    (tmp_path / "order_confirmed.graphql").write_text("query ($orderId: ID!) { order(id: $orderId) { numbr } }")
    asked = await run(
        {**environment, "MESSAGE_TEMPLATES": str(tmp_path)}, "preview", "ORDER_CONFIRMED", "--order", number
    )
    assert "order_confirmed.graphql: Cannot query field 'numbr' on type 'Order'" in asked.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["preview", "SHIPPED", "--order", "{number}"], 1, "has no Shipment that SHIPPED could be about"),
        (["preview", "SHIPPED", "--order", "none"], 1, "there is no order none"),
        (["preview", "HELLO", "--order", "{number}"], 2, "'HELLO' is not one of"),
        (["preview", "DELAYED", "--order", "{number}", "--locale", "../x"], 2, "no language such as"),
        (["send", "DELAYED", "--order", "{number}", "--to", "me"], 1, "it was not sent: no e-mail address"),
        (["send", "DELAYED", "--order", "{number}", "--to", "me", "--medium", "sms"], 1, "set SMS_URL"),
    ],
)
async def test_what_cannot_be_shown_or_sent_is_said(
    environment: dict[str, str], connection: asyncpg.Connection, arguments: list[str], code: int, said: str
) -> None:
    number = await order_of(connection, "ana@example.com")
    done = await run(environment, *(each.format(number=number) for each in arguments))
    assert done.returncode == code
    assert said in done.stderr
