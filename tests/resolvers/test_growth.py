"""Growth: in a shop with tables of more than 10,000 rows, no question reads one of them from end to end."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import asyncpg
import pytest
from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLSchema, GraphQLString

from benchmarks.grown import grow
from benchmarks.growth import Shop, Statement, large_tables, open_shop, scanned
from benchmarks.questions import questions
from domain.exceptions import RULES, ExceptionKind, Rule
from domain.store.backorders import ANYBODY, OLDEST, SUPPLIED, WAITING
from domain.store.exceptions import again, ending, finding
from domain.store.reservations import OVER
from domain.store.timers import HOLDS_EXPIRED, UNANSWERED
from domain.store.verify import verify
from resolvers.backorders import FIRST as NOBODY_YET
from resolvers.database import WRITING, Connection, open_pool
from resolvers.exceptions import FIRST
from schema.build import build

ORDERS = 20_000
VARIANTS = 1_600
NOW = datetime(2025, 12, 31, tzinfo=UTC)
"""When the shop's last orders came in."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """A grown shop."""
    await grow(database_url, ORDERS, variants=VARIANTS)
    async with AsyncExitStack() as stack:
        yield await open_shop(stack, database_url)


@pytest.fixture(scope="module")
async def writer(shop: Shop, database_url: str) -> AsyncIterator[Connection]:
    """A connection to it as workers have them."""
    async with open_pool(database_url, 1, WRITING) as pool, pool.acquire() as connection:
        yield connection


async def test_a_grown_shop_is_sound(shop: Shop, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await verify(connection) == []
    await connection.close()


async def test_most_of_its_tables_are_large(shop: Shop) -> None:
    assert await large_tables(shop.connection) >= {
        "orders", "order_lines", "payments", "order_adjustments", "routing_decisions", "fulfillment_orders",
        "fulfillment_order_lines", "shipments", "shipment_lines", "packages", "package_lines", "tracking_events",
        "stock_movements", "reservations", "reservation_lines", "events_first", "events_2025_06", "order_locations", "work_items", "exceptions",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["operations", "busy store", "warehouse", "customer", "guest"])
async def test_no_question_reads_a_large_table_from_end_to_end(shop: Shop, role: str) -> None:
    large = await large_tables(shop.connection)
    asked = [question for question in questions(shop.engine.schema) if question.role == role and not question.is_count]
    found = {}
    for question in asked:
        if reads := await scanned(shop.connection, await shop.compiled(question)) & large:
            found[question.name] = reads
    assert len(asked) > 200
    assert found == {}


@pytest.mark.parametrize("looking", [finding, again, ending])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind} of {rule.subject_type}")
async def test_no_watch_reads_a_large_table_from_end_to_end(
    shop: Shop, writer: Connection, rule: Rule, looking: Callable[[ExceptionKind, str], str]
) -> None:
    large = await large_tables(shop.connection)
    statement = Statement(looking(rule.kind, rule.subject_type), [NOW + rule.ahead, *FIRST, 200])
    assert await scanned(writer, statement) & large == frozenset()


@pytest.mark.parametrize("due", [HOLDS_EXPIRED, UNANSWERED, OVER])
async def test_no_timer_reads_a_large_table_from_end_to_end(shop: Shop, writer: Connection, due: str) -> None:
    large = await large_tables(shop.connection)
    assert await scanned(writer, Statement(due, [NOW, *FIRST, 200])) & large == frozenset()


async def test_nobody_who_waits_is_looked_for_among_all_orders(shop: Shop, writer: Connection) -> None:
    large = await large_tables(shop.connection)
    variants = [row["id"] for row in await writer.fetch("SELECT id FROM variants ORDER BY id LIMIT 3")]
    for statement in (
        Statement(ANYBODY, [variants]),
        Statement(WAITING, [variants]),
        Statement(OLDEST, [variants, NOW, *NOBODY_YET, 10]),
        Statement(SUPPLIED, [NOW]),
    ):
        assert await scanned(writer, statement) & large == frozenset()


async def test_a_sequential_scan_is_noticed(shop: Shop) -> None:
    unindexed = Statement("select count(*) from orders where note = $1", ["x"])
    assert await scanned(shop.connection, unindexed) == {"orders"}


def test_nothing_new_at_the_root_is_forgotten() -> None:
    for add in (a_field, an_argument, a_filter):
        schema: GraphQLSchema = build.__wrapped__()._schema  # one of its own: it is changed
        add(schema)
        with pytest.raises(LookupError, match="give it"):
            list(questions(schema))


def a_field(schema: GraphQLSchema) -> None:
    """Another field of the query type."""
    field = GraphQLField(schema.type_map["Order"], {"colour": GraphQLArgument(GraphQLString)})  # type: ignore[arg-type]
    schema.query_type.fields["another"] = field  # type: ignore[union-attr]


def an_argument(schema: GraphQLSchema) -> None:
    """Another argument of a list."""
    schema.query_type.fields["orders"].args["colour"] = GraphQLArgument(GraphQLString)  # type: ignore[union-attr]


def a_filter(schema: GraphQLSchema) -> None:
    """Another field of a filter."""
    schema.type_map["OrderFilter"].fields["colour"] = GraphQLInputField(GraphQLString)  # type: ignore[attr-defined]


async def test_the_values_of_a_question_find_something(shop: Shop) -> None:
    found = {name for name, value in shop.values.items() if value in (None, [], "")}
    assert found == set()
