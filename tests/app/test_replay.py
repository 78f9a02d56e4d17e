"""The replay: recorded orders live again through HTTP, and the report compares what became of them with the files."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from rich.console import Console

from app.replay.causes import Cause
from app.replay.client import Caller, CallError, Document, Endpoint
from app.replay.player import Player, Tally, lines_of, place_input
from app.replay.recordings import (
    Item,
    Paid,
    Place,
    Recorded,
    Recordings,
    RecordingsError,
    Window,
    minor_of,
    moment_of,
    read,
)
from app.replay.report import EXPECTED, Report, Verdict, as_json, compare, shown
from app.replay.run import Wish, replay
from app.replay.setting import Level, needs, opening_stock
from app.replay.story import Story, last_known, story_of, told_figures
from app.settings import Settings
from domain.orders import CancelReason
from domain.store.tables import metadata
from domain.store.verify import verify
from tests.app.marketplace import END_DAY, FIRST_DAY, ODDITIES, ORDERS, marketplace
from tests.conftest import SECRET, serving, settings_on

OLIST = Path(__file__).parents[3] / "shared" / "data" / "olist"
WINDOW = Window(date.fromisoformat(FIRST_DAY), date.fromisoformat(END_DAY))
REAL_WINDOW = Window(date(2018, 1, 1), date(2018, 1, 3))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marketplace().write(tmp_path_factory.mktemp("marketplace"))


@pytest.fixture(scope="session")
def synthetic(folder: Path) -> Recordings:
    return read(folder, WINDOW)


# -- the whole way -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """A system of its own, and what is replayed on it."""

    settings: Settings
    url: str
    recordings: Recordings
    window: Window

    async def replayed(
        self, recordings: Recordings | None = None, concurrency: int = 16, disturb: int | None = None
    ) -> Report:
        wish = Wish(Path(), self.window, f"{self.url}/graphql", concurrency, None, disturb)
        return await replay(self.settings, wish, recordings or self.recordings)

    async def state(self) -> dict[str, Any]:
        return await state_of(self.settings.database_url or "")


@asynccontextmanager
async def stage_on(url: str, home: Path, recordings: Recordings, window: Window) -> AsyncIterator[Stage]:
    settings = settings_on(url, home)
    async with serving(settings) as base:
        yield Stage(settings, base, recordings, window)


@pytest.fixture
async def stage(fresh_database_url: str, tmp_path: Path, synthetic: Recordings) -> AsyncIterator[Stage]:
    async with stage_on(fresh_database_url, tmp_path, synthetic, WINDOW) as stage:
        yield stage


async def state_of(url: str) -> dict[str, Any]:
    """How many rows each table has, and where every order and every shelf stands. No ids, no times of recording."""
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        rows = {name: await pool.fetchval(f"select count(*) from {name}") for name in metadata.tables}
        orders = await pool.fetch(
            "select external_reference, status, payment_status, fulfillment_status, total_minor, placed_at,"
            " confirmed_at, completed_at, canceled_at, version, event_sequence from orders order by 1"
        )
        shelves = await pool.fetch(
            "select l.code, v.sku, s.available, s.allocated, s.quality_control, s.damaged from stock_levels s"
            " join locations l on l.id = s.location_id join variants v on v.id = s.variant_id order by 1, 2"
        )
    return {"rows": rows, "orders": [tuple(row) for row in orders], "shelves": [tuple(row) for row in shelves]}


async def violated(url: str) -> list[str]:
    """The invariants that do not hold."""
    connection = await asyncpg.connect(url)
    try:
        return [each.invariant.name for each in await verify(connection, lambda *_: None)]
    finally:
        await connection.close()


async def test_two_hundred_orders_live_again_and_a_second_time_changes_nothing(stage: Stage) -> None:
    report = await stage.replayed()
    assert differences(report) == []
    assert report.agrees
    assert (report.orders, report.told) == (ORDERS, ORDERS - 4)
    assert await violated(stage.settings.database_url or "") == []

    before = await stage.state()
    again = await stage.replayed(concurrency=3)
    assert again.agrees
    assert await stage.state() == before


@pytest.mark.parametrize("seed", [7, 8])
async def test_whatever_goes_wrong_all_adds_up_and_the_other_orders_end_as_recorded(stage: Stage, seed: int) -> None:
    url = stage.settings.database_url or ""
    report = await stage.replayed(disturb=seed)
    assert differences(report) == []
    assert report.agrees
    assert await violated(url) == []

    assert report.disturbed
    happened = report.disturbed.happened
    for what in (
        "works declined whole",
        "works declined by the line",
        "units short in picking",
        "works that others got instead",
    ):
        assert happened[what] > 0
    assert 0 < report.disturbed.orders < report.orders + report.disturbed.orders == ORDERS
    connection = await asyncpg.connect(url)
    kinds = await connection.fetch("select kind, count(*) as entries from stock_movements group by 1")
    moved = {row["kind"]: row["entries"] for row in kinds}
    declined = await connection.fetchval("select count(*) from fulfillment_orders where status = 'REJECTED'")
    short = await connection.fetchval("select sum(short) from fulfillment_order_lines")
    awaited = await connection.fetchval(
        "select count(*) from transfers where status <> 'RECEIVED' and closed_at is null"
    )
    await connection.close()
    assert min(moved["RECEIVE"], moved["TRANSFER_OUT"], moved["TRANSFER_IN"]) > 0
    assert declined == happened["works declined whole"] + happened["works declined by the line"]
    assert short >= happened["units short in picking"]
    assert awaited == 0


async def test_what_went_wrong_is_told_and_a_second_time_tells_only_what_was_not_placed(stage: Stage) -> None:
    first = await stage.replayed(disturb=7)
    placed = (await stage.state())["rows"]["orders"]
    again = await stage.replayed(disturb=7)
    assert again.agrees
    assert again.disturbed
    assert again.disturbed.before == placed
    assert again.told <= ORDERS - 4 - placed
    assert await violated(stage.settings.database_url or "") == []

    console = Console(width=200, file=StringIO())
    console.print(shown(first))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "units short in picking" in said
    assert "What the API says of the orders that nothing happened to agrees with the recordings." in said
    assert as_json(first)["disturbed"]["happened"]["works declined whole"] > 0


@pytest.mark.skipif(not OLIST.exists(), reason="the recordings are not part of the project")
async def test_two_hundred_real_orders_live_again(fresh_database_url: str, tmp_path: Path) -> None:
    recordings = read(OLIST, REAL_WINDOW)
    some = replace(recordings, orders=recordings.orders[:200])
    async with stage_on(fresh_database_url, tmp_path, some, REAL_WINDOW) as stage:
        report = await stage.replayed()
        assert differences(report) == []
        assert report.agrees
        before = await stage.state()
        assert (await stage.replayed()).agrees
        assert await stage.state() == before
    assert await violated(fresh_database_url) == []


def differences(report: Report) -> list[Any]:
    """What a failing test should show."""
    lines = [line for line in report.lines if line.verdict is Verdict.DIFFERS]
    refusals = {
        key: times for key, times in report.tally.refusals.items() if not report.disturbed or key[1] not in EXPECTED
    }
    return [*lines, *report.strays, *refusals.items(), *(report.tally.examples[key] for key in refusals)]


async def test_one_person_is_one_customer(stage: Stage) -> None:
    await stage.replayed()
    persons = {each.person for each in stage.recordings.orders if each.items}
    assert (await stage.state())["rows"]["customers"] == len(persons)


async def test_a_longer_window_brings_only_the_stock_that_is_missing(stage: Stage) -> None:
    first = replace(stage.recordings, orders=stage.recordings.orders[:100])
    await stage.replayed(first)
    report = await stage.replayed()
    assert report.agrees
    shelves = (await stage.state())["shelves"]
    sold = sum(len(each.items) for each in stage.recordings.orders if each.items and story_of(each).handed_over_at)
    bought = sum(len(each.items) for each in stage.recordings.orders)
    assert sum(sum(shelf[2:]) for shelf in shelves) == bought - sold


async def test_what_the_api_refuses_is_counted_and_fails(stage: Stage) -> None:
    await stage.replayed()
    orders = tuple(
        replace(each, payments=(Paid("voucher", 99),)) if each.approved_at else each for each in stage.recordings.orders
    )
    report = await stage.replayed(replace(stage.recordings, orders=orders))
    assert not report.agrees
    assert report.tally.refusals["confirm", "IDEMPOTENCY_KEY_REUSED"] > 100
    assert report.strays
    assert {line["name"] for line in as_json(report)["lines"] if line["verdict"] == "differs"} == {"paid total"}


# -- as a command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(fresh_database_url: str, folder: Path, tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    environment = kept | {"DATABASE_URL": fresh_database_url, "ORDERGRAPH_HOME": str(tmp_path)}
    environment |= {"ORDERGRAPH_SECRET": SECRET, "COLUMNS": "200", "NO_COLOR": "1"}
    program = [sys.executable, "-c", "from app.cli import main; main()", "replay", str(folder)]

    begun: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> "subprocess.Popen[str]":
        days = ["--from", FIRST_DAY, "--to", END_DAY]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen([*program, *days, *options], env=environment, **pipes))
        return begun[-1]

    yield begin
    for process in begun:  # a test that failed half way leaves its process behind
        if process.poll() is None:
            process.kill()
            process.communicate()


async def test_killed_then_stopped_then_run_again_it_ends_in_the_same_state(
    command: Callable[..., "subprocess.Popen[str]"],
    fresh_database_url: str,
    tmp_path: Path,
    stage_elsewhere: Stage,
) -> None:
    killed = command("--concurrency", "4")
    await until_placed(fresh_database_url, 50, killed)
    killed.kill()
    killed.communicate()

    stopped = command("--concurrency", "4")
    await until_placed(fresh_database_url, 100, stopped)
    stopped.send_signal(signal.SIGINT)
    _, said = await asyncio.to_thread(stopped.communicate)
    assert stopped.returncode == 130, said
    assert f"of {ORDERS - 4} orders; the same command goes on from here" in said

    last = command("--report", str(tmp_path / "report.json"))
    shown_to_people, said = await asyncio.to_thread(last.communicate)
    assert last.returncode == 0, shown_to_people + said
    assert "What the API says agrees with the recordings." in shown_to_people
    assert orjson.loads((tmp_path / "report.json").read_bytes())["agrees"]

    assert await violated(fresh_database_url) == []
    await stage_elsewhere.replayed()
    assert await state_of(fresh_database_url) == await stage_elsewhere.state()


async def test_a_disturbed_one_can_be_stopped_and_verifies_when_it_is_done(
    command: Callable[..., "subprocess.Popen[str]"], fresh_database_url: str
) -> None:
    stopped = command("--disturb", "3", "--concurrency", "4")
    await until_placed(fresh_database_url, 50, stopped)
    stopped.send_signal(signal.SIGINT)
    _, said = await asyncio.to_thread(stopped.communicate)
    assert stopped.returncode == 130, said
    assert "the same command goes on from here" in said

    last = command("--disturb", "3")
    shown_to_people, said = await asyncio.to_thread(last.communicate)
    assert last.returncode == 0, shown_to_people + said
    assert "invariants hold." in shown_to_people
    assert "orders were there before; they were left as they are" in shown_to_people
    assert "What the API says of the orders that nothing happened to agrees with the recordings." in shown_to_people


@pytest.fixture
async def stage_elsewhere(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, synthetic: Recordings
) -> AsyncIterator[Stage]:
    async with stage_on(database_url, tmp_path_factory.mktemp("home"), synthetic, WINDOW) as stage:
        yield stage


async def until_placed(url: str, orders: int, process: "subprocess.Popen[str]") -> None:
    connection = await asyncpg.connect(url)
    deadline = time.monotonic() + 60
    while await placed(connection) < orders:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    await connection.close()


async def placed(connection: asyncpg.Connection) -> int:
    with suppress(asyncpg.UndefinedTableError):
        return await connection.fetchval("select count(*) from orders")  # type: ignore[no-any-return]
    return 0


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--url", "http://127.0.0.1:1/graphql"], "nothing", 1),
        (["--from", "2018-03-01"], "must be after --from", 2),
        (["--from", "yesterday"], "yesterday", 2),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_line(
    command: Callable[..., "subprocess.Popen[str]"], options: list[str], words: str, code: int
) -> None:
    process = command(*options)
    _, said = await asyncio.to_thread(process.communicate)
    assert process.returncode == code
    assert words in said
    assert "Traceback" not in said


# -- the recordings ----------------------------------------------------------------------------------------------------


def test_only_the_window_is_read_in_the_order_of_purchase(synthetic: Recordings) -> None:
    moments = [each.purchased_at for each in synthetic.orders]
    assert len(moments) == ORDERS
    assert moments == sorted(moments)
    assert moments[0] == WINDOW.begins_at == datetime(2018, 1, 15, 2, tzinfo=UTC)
    assert moments[-1] < WINDOW.ends_at == datetime(2018, 2, 20, 3, tzinfo=UTC)


def test_only_what_the_window_sold_is_set_up(synthetic: Recordings) -> None:
    assert synthetic.products.keys() == {item.product_id for each in synthetic.orders for item in each.items}
    assert synthetic.sellers.keys() == {item.seller_id for each in synthetic.orders for item in each.items}


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2018-01-15T12:00:00.000Z", "2018-01-15T14:00:00+00:00"),
        ("2018-06-15T12:00:00.000Z", "2018-06-15T15:00:00+00:00"),
        ("2018-02-17T23:30:00.000Z", "2018-02-18T01:30:00+00:00"),
        ("2017-10-15T00:00:00.000Z", "2017-10-15T03:00:00+00:00"),
    ],
)
def test_moments_are_those_of_sao_paulo_whatever_the_z_says(local: str, utc: str) -> None:
    assert moment_of(local) == datetime.fromisoformat(utc)


def test_amounts_are_exact() -> None:
    assert [minor_of(text) for text in ("12.9", "12.90", "0.07", "7", "1234567.01")] == [1290, 1290, 7, 700, 123456701]
    with pytest.raises(RecordingsError, match="finer than a cent"):
        minor_of("1.005")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders", None, "orders.csv.gz cannot be read: No such file"),
        ("order_items", b"no gzip", "order_items.csv.gz cannot be read"),
        ("products", gzip.compress(b"product_id,price\n", mtime=0), "products.csv.gz lacks one of the columns"),
        ("sellers", gzip.compress(b"", mtime=0), "sellers.csv.gz lacks one of the columns"),
        ("customers", None, "customers.csv.gz cannot be read"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    path = marketplace().write(tmp_path) / f"{name}.csv.gz"
    path.write_bytes(content) if content is not None else path.unlink()
    with pytest.raises(RecordingsError) as refused:
        read(tmp_path, WINDOW)
    assert words in str(refused.value)


def test_a_seller_that_nobody_knows_is_named(tmp_path: Path) -> None:
    market = marketplace()
    market.rows["sellers"].clear()
    with pytest.raises(RecordingsError, match=r"sellers\.csv\.gz does not know"):
        read(market.write(tmp_path), WINDOW)


# -- what is told ------------------------------------------------------------------------------------------------------


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2018, 1, day, hour, tzinfo=UTC)


PLAIN = Recorded(
    id="a",
    status="delivered",
    person="p",
    place=Place("01001", "são paulo", "SP", -23.5, -46.6),
    purchased_at=at(1),
    approved_at=at(2),
    handed_over_at=at(3),
    delivered_at=at(4),
    promised_at=at(10),
    items=(Item("x", "s", 1000, 100), Item("x", "s", 1000, 100)),
    payments=(Paid("boleto", 2200),),
)


def steps_of(story: Story) -> tuple[datetime | None, ...]:
    return story.confirmed_at, story.handed_over_at, story.delivered_at, story.canceled_at


@pytest.mark.parametrize(
    ("bent", "steps", "end", "causes"),
    [
        ({}, (at(2), at(3), at(4), None), "COMPLETED", []),
        ({"status": "shipped", "delivered_at": None}, (at(2), at(3), None, None), "IN_FULFILLMENT", []),
        (
            {"status": "shipped"},
            (at(2), at(3), None, None),
            "IN_FULFILLMENT",
            [Cause.MOMENT_BEYOND_STATUS],
        ),
        (
            {"approved_at": None},
            (at(1), at(3), at(4), None),
            "COMPLETED",
            [Cause.NEVER_APPROVED],
        ),
        (
            {"handed_over_at": None, "delivered_at": None},
            (at(2), at(2), at(2), None),
            "COMPLETED",
            [Cause.HANDED_OVER_UNDATED, Cause.DELIVERED_UNDATED],
        ),
        (
            {"handed_over_at": at(1, 12)},
            (at(2), at(1, 12), at(4), None),
            "COMPLETED",
            [Cause.HANDED_OVER_BEFORE_APPROVED],
        ),
        (
            {"status": "canceled", "handed_over_at": None, "delivered_at": None},
            (at(2), None, None, at(2)),
            "CANCELED",
            [Cause.CANCELED_UNDATED],
        ),
        (
            {"status": "canceled", "delivered_at": None},
            (at(2), at(3), None, None),
            "IN_FULFILLMENT",
            [Cause.CANCELED_AFTER_HAND_OVER],
        ),
        ({"status": "canceled"}, (at(2), at(3), at(4), None), "COMPLETED", [Cause.CANCELED_AFTER_DELIVERY]),
        (
            {"status": "created", "approved_at": None, "handed_over_at": None, "delivered_at": None},
            (None, None, None, None),
            "PENDING",
            [Cause.PAYMENT_NOT_APPROVED],
        ),
        (
            {"payments": (Paid("voucher", 2199), Paid("voucher", 0))},
            (at(2), at(3), at(4), None),
            "COMPLETED",
            [Cause.PAYMENT_OF_NOTHING, Cause.PAID_ONE_CENT_OFF],
        ),
        (
            {"payments": (Paid("voucher", 2210),)},
            (at(2), at(3), at(4), None),
            "COMPLETED",
            [Cause.PAID_CENTS_OFF],
        ),
        (
            {"payments": (Paid("voucher", 2300),)},
            (at(2), at(3), at(4), None),
            "COMPLETED",
            [Cause.PAID_UP_TO_ONE_OFF],
        ),
        (
            {"payments": (Paid("voucher", 2301),)},
            (at(2), at(3), at(4), None),
            "COMPLETED",
            [Cause.PAID_MORE_OFF],
        ),
    ],
)
def test_a_story_follows_the_recorded_life(
    bent: dict[str, Any], steps: tuple[datetime | None, ...], end: str, causes: list[Cause]
) -> None:
    story = story_of(replace(PLAIN, **bent))
    figures = told_figures(story)
    assert figures
    assert (steps_of(story), figures.status, list(story.causes)) == (steps, end, causes)


def test_an_order_without_items_is_counted_and_not_told() -> None:
    story = story_of(replace(PLAIN, items=(), status="unavailable"))
    assert (story.placed, told_figures(story), story.causes) == (False, None, (Cause.NO_ITEMS,))


def test_what_is_not_there_is_why_an_order_was_unavailable() -> None:
    story = story_of(replace(PLAIN, status="unavailable", handed_over_at=None, delivered_at=None))
    assert (story.reason, story.canceled_at) == (CancelReason.OUT_OF_STOCK, last_known(story.recorded))


def test_a_status_nobody_knows_is_refused() -> None:
    with pytest.raises(RecordingsError, match="'lost', which nobody knows"):
        story_of(replace(PLAIN, status="lost"))


def test_the_slice_holds_every_cause(synthetic: Recordings) -> None:
    counted = {cause for each in synthetic.orders for cause in story_of(each).causes}
    assert counted == set(Cause)
    assert len(ODDITIES) == len(set(ODDITIES))


def test_units_of_one_product_seller_and_price_are_one_line() -> None:
    items = (*PLAIN.items, Item("x", "s", 1250, 0), Item("x", "t", 1000, 0))
    assert [(line["quantity"], line["unitPrice"]["amount"], line["locationCode"]) for line in lines_of(items)] == [
        (2, "10.00", "s"),
        (1, "12.50", "s"),
        (1, "10.00", "t"),
    ]


def test_an_order_is_placed_as_it_was_recorded() -> None:
    given = place_input(story_of(PLAIN), "olist")
    assert given["customer"] == {"email": "p@olist.example"}
    assert given["shippingPrice"] == {"amount": "2.00", "currency": "BRL"}
    assert given["promisedDelivery"] == {"latest": at(10)}
    assert (given["externalReference"], given["placedAt"], given["idempotencyKey"]) == ("a", at(1), "a:place")


# -- stock -------------------------------------------------------------------------------------------------------------


def test_only_orders_that_are_not_placed_need_stock() -> None:
    stories = [story_of(PLAIN), story_of(replace(PLAIN, id="b")), story_of(replace(PLAIN, id="c", items=()))]
    assert needs(stories, {"a"}) == {("s", "x"): 2}


def test_stock_is_brought_where_it_is_missing_and_only_there() -> None:
    needed = {("s", "x"): 5, ("s", "y"): 1, ("t", "x"): 2}
    levels = {("s", "x"): Level(on_hand=4, available=3, version=9), ("t", "x"): Level(2, 2, 1)}
    (opening,) = opening_stock(needed, levels, {"s": "loc_1", "t": "loc_2"}, at(1))
    assert opening["locationId"] == "loc_1"
    assert opening["lines"] == [
        {"sku": "x", "setOnHand": 6, "expectedOnHand": 4, "version": 9},
        {"sku": "y", "setOnHand": 1, "expectedOnHand": 0, "version": 0},
    ]


def test_stock_travels_in_calls_of_a_hundred_lines() -> None:
    needed = {("s", f"{n:03}"): 1 for n in range(250)}
    assert [len(each["lines"]) for each in opening_stock(needed, {}, {"s": "loc_1"}, at(1))] == [100, 100, 50]


# -- the report --------------------------------------------------------------------------------------------------------


def reported(stories: list[Story], **found: Any) -> Report:
    told = {story.recorded.id: figures for story in stories if (figures := told_figures(story))}
    return compare(WINDOW, stories, {**told, **found}, Tally(), 1.0)


def verdicts(report: Report) -> dict[str, Verdict]:
    return {line.name: line.verdict for line in report.lines if line.verdict is not Verdict.AGREES}


def test_what_was_found_as_it_was_recorded_agrees() -> None:
    report = reported([story_of(PLAIN)])
    assert (report.agrees, verdicts(report)) == (True, {})


def test_what_cannot_be_told_is_explained_by_its_cause() -> None:
    report = reported([story_of(PLAIN), story_of(replace(PLAIN, id="b", status="canceled"))])
    assert report.agrees
    assert verdicts(report) == {"COMPLETED": Verdict.EXPLAINED, "CANCELED": Verdict.EXPLAINED}
    assert {line.causes for line in report.lines if line.causes} == {(Cause.CANCELED_AFTER_DELIVERY,)}


def test_one_order_that_is_not_as_it_was_told_differs_even_where_the_sums_agree() -> None:
    one, other = story_of(PLAIN), story_of(replace(PLAIN, id="b", purchased_at=at(1, 5)))
    figures = told_figures(one), told_figures(other)
    report = reported([one, other], a=figures[1], b=figures[0])
    assert (verdicts(report), report.strays, report.agrees) == ({}, ("a", "b"), False)


def test_an_order_that_nobody_recorded_differs() -> None:
    report = reported([story_of(PLAIN)], stranger=told_figures(story_of(PLAIN)))
    assert not report.agrees
    assert verdicts(report)["orders"] is Verdict.DIFFERS


def test_the_report_is_shown_and_written() -> None:
    report = reported([story_of(PLAIN), story_of(replace(PLAIN, id="b", items=()))])
    assert shown(report)
    lines = {line["name"]: line for line in as_json(report)["lines"]}
    assert lines["paid total"] == {
        "name": "paid total",
        "recorded": 4400,
        "told": 2200,
        "found": 2200,
        "verdict": "explained",
        "causes": ["NO_ITEMS"],
    }


# -- the client --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[Endpoint]:
    """A server that gives these answers, one for each request, whatever is asked."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while left:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
                writer.write(left.pop(0))
                if left and left[0] == b"":
                    left.pop(0)
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql", "token")


def http(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


QUESTION = Document("{ viewer { kind } }")
ANSWER = b'{"data":{"viewer":null}}'


@pytest.mark.parametrize(
    "before",
    [
        [],
        [http(b"{}", "503 Service Unavailable")],
        [http(ANSWER, more="connection: close\r\n"), b""],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nhalf", b""],
        [b"this is no HTTP at all\r\n\r\n"],
    ],
    ids=["at once", "after it was away", "over a new connection", "after half an answer", "after nonsense"],
)
async def test_a_question_is_asked_until_it_is_answered(before: list[bytes]) -> None:
    async with answering(*before, http(ANSWER), http(ANSWER)) as endpoint:
        caller = Caller(endpoint)
        answers = [await caller.ask(QUESTION, {}) for _ in range(2)]
        caller.close()
    assert answers == [{"viewer": None}] * 2


async def test_an_answer_in_pieces_is_put_together() -> None:
    pieces = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n" + ANSWER[:8] + b"\r\n10\r\n" + ANSWER[8:]
    async with answering(pieces + b"\r\n0\r\n\r\n") as endpoint:
        caller = Caller(endpoint)
        assert await caller.ask(QUESTION, {}) == {"viewer": None}
        caller.close()


async def test_an_order_that_breaks_the_server_is_counted_and_the_others_go_on() -> None:
    broken = http(b'{"errors":[{"message":"Oops.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}', "500 Oops")
    refused = http(b'{"data":{"place":{"order":null,"userErrors":[{"code":"UNKNOWN_SKU","message":"No x."}]}}}')
    tally = Tally()
    async with answering(broken, refused) as endpoint:
        caller = Caller(endpoint)
        for _ in range(2):
            await Player(caller, "olist", tally).tell(story_of(PLAIN))
        caller.close()
    assert tally.told == 0
    assert tally.refusals == {("any", "ERROR"): 1, ("place", "UNKNOWN_SKU"): 1}
    assert tally.examples["any", "ERROR"] == ["a: INTERNAL_SERVER_ERROR: Oops."]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(b'{"errors":[{"message":"No.","extensions":{"code":"UNAUTHENTICATED"}}]}', "401 Unauthorized"), "401"),
        (http(b'{"errors":[{"message":"No such field."}]}'), "ERROR: No such field."),
        (http(b"<html>", "404 Not Found"), "answers 404: <html>"),
    ],
)
async def test_what_the_server_says_instead_of_an_answer_is_passed_on(answer: bytes, words: str) -> None:
    async with answering(answer) as endpoint:
        caller = Caller(endpoint)
        with pytest.raises(CallError) as refused:
            await caller.ask(QUESTION, {})
        caller.close()
    assert words in str(refused.value)
