"""What is said on the phone or written on a receipt finds the customer and the orders, on both executors."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import Text, bindparam, func, literal_column, select

from domain.store import search
from domain.store.sql import compiled as statement
from tests.referee import ROLES, Referee
from tests.world import Row, World, gid

CUSTOMERS = "query ($q: String) { customers(query: $q, first: 100) { totalCount nodes { id email } } }"
ORDERS = "query ($q: String) { orders(query: $q, first: 100) { totalCount nodes { id number externalReference } } }"

JOSE = [
    *(
        "jose",
        "José",
        "JOSÉ",
        "souza",
        "Sou",
        "souza jose",
        "jos sou",
        "avila",
        "d'avila",
        "D’ÁVILA",
        "lukasz",
        "ŁUKASZ",
    ),
    *("Ávila-Souza", "jose\u0301", "ｊｏｓé", " josé  souza ", "jose@example.com", " JOSE@Example.com"),
    *("(21) 2555-0199", "+55 21 2555 0199", "2125550199", "0055.21.2555.0199", "2555-0199", "02125550199"),
    *("22041-011", "22041011", "22041 011"),
    *("Mkt-7", "orders@example.com", "+81 90-1234-5678", "090-1234-5678", "9012345678", "1600022", "〒160-0022"),
]
"""Everything that José, his address or his order is known by."""


@pytest.mark.parametrize("asked", JOSE)
async def test_a_customer_is_found_by_whatever_they_are_known_by(asked: str, referee: Referee) -> None:
    found = (await referee.ask(CUSTOMERS, "agent", q=asked))["customers"]
    assert [node["email"] for node in found["nodes"]] == ["jose@example.com"]
    assert found["totalCount"] == "1"


@pytest.mark.parametrize("asked", JOSE)
async def test_so_are_their_orders(asked: str, referee: Referee) -> None:
    found = (await referee.ask(ORDERS, "agent", q=asked))["orders"]
    numbers = [node["externalReference"] for node in found["nodes"]]
    assert numbers == ([] if asked.startswith("22041") else ["Mkt-7"])  # it went somewhere else


async def test_an_order_is_found_by_its_numbers_and_so_is_its_customer(referee: Referee) -> None:
    order = referee.world.rows["orders"][5]
    customer = next(row for row in referee.world.rows["customers"] if row["id"] == order["customer_id"])
    for asked in (order["number"], f" #{order['number']}", f"BR{order['number']}", f"br{order['number']}"):
        orders = (await referee.ask(ORDERS, "agent", q=asked))["orders"]["nodes"]
        customers = (await referee.ask(CUSTOMERS, "agent", q=asked))["customers"]["nodes"]
        assert [node["id"] for node in orders] == [gid("Order", order)]
        assert [node["id"] for node in customers] == [gid("Customer", customer)]


@pytest.mark.parametrize("asked", ["SHOE", "shoe", " Shoe "])
async def test_a_sku_finds_the_orders_that_hold_it(asked: str, referee: Referee) -> None:
    world = referee.world
    holding = {row["order_id"] for row in world.rows["order_lines"] if row["sku"] == "SHOE"}
    found = (await referee.ask(ORDERS, "agent", q=asked))["orders"]["nodes"]
    assert {node["id"] for node in found} == {gid("Order", row) for row in world.rows["orders"] if row["id"] in holding}


async def test_a_name_finds_the_newest_orders_first(referee: Referee) -> None:
    world = referee.world
    ana = world.rows["customers"][0]
    found = (await referee.ask(ORDERS, "agent", q="ana 丸山"))["orders"]["nodes"]
    placed = sorted((row["placed_at"], row["id"]) for row in world.rows["orders"] if row["customer_id"] == ana["id"])
    assert [node["id"] for node in found] == [gid("Order", {"id": id_}) for _, id_ in reversed(placed)]


@pytest.mark.parametrize(
    "asked", ["", " ", "\u3000", "nobody", "an", "osé", "jose silva", "55019", "2204", "1" * 20, "SHIRTS"]
)
async def test_what_fits_nothing_finds_nothing(asked: str, referee: Referee) -> None:
    for query, name in ((CUSTOMERS, "customers"), (ORDERS, "orders")):
        found = (await referee.ask(query, "agent", q=asked))[name]
        assert (found["nodes"], found["totalCount"]) == ([], "0")


async def test_without_a_query_everybody_is_listed_the_latest_first(referee: Referee) -> None:
    found = (await referee.ask(CUSTOMERS, "agent"))["customers"]["nodes"]
    rows = sorted(referee.world.rows["customers"], key=lambda row: (row["created_at"], row["id"]), reverse=True)
    assert [node["id"] for node in found] == [gid("Customer", row) for row in rows]


def buyers_at(place: Row, world: World) -> list[str]:
    """Whoever has an order with work or a return at a location."""
    rows = [*world.rows["fulfillment_orders"], *world.rows["returns"]]
    concerned = {row["order_id"] for row in rows if row["location_id"] == place["id"]}
    buyers = {order["customer_id"] for order in world.rows["orders"] if order["id"] in concerned}
    return [gid("Customer", row) for row in world.rows["customers"] if row["id"] in buyers]


@pytest.mark.parametrize("role", ROLES)
async def test_a_search_finds_nobody_whom_its_reader_may_not_see(role: str, referee: Referee) -> None:
    ana = referee.world.rows["customers"][0]
    everybody = [gid("Customer", row) for row in referee.world.rows["customers"]]
    seen = {
        "operations": everybody,
        "agent": everybody,
        "customer": [gid("Customer", ana)],
        "store": buyers_at(referee.world.rows["locations"][1], referee.world),
    }.get(role, [])
    for asked in (None, "ana", "bob", "jose", "+5511987654321", "01304-001", "100007", "BR100006"):
        found = (await referee.ask(CUSTOMERS, role, q=asked))["customers"]["nodes"]
        assert {node["id"] for node in found} <= set(seen)
    assert {node["id"] for node in (await referee.ask(CUSTOMERS, role))["customers"]["nodes"]} == set(seen)


@pytest.mark.parametrize("asked", ["100003", "BR100006", "Mkt-7", "Orders@example.com", "090-1234-5678"])
async def test_a_store_finds_any_order_that_is_brought_to_its_counter(asked: str, referee: Referee) -> None:
    by_agent, *by_stores = [
        (await referee.ask(ORDERS, who, q=asked))["orders"]["nodes"] for who in ("agent", "store", "unbound store")
    ]
    assert by_stores == [by_agent, by_agent]
    assert by_agent


@pytest.mark.parametrize("asked", ["bob", "SHIRT", "01304-001"])
async def test_a_store_that_has_nothing_in_hand_finds_its_own_orders_alone(asked: str, referee: Referee) -> None:
    world = referee.world
    shop = world.rows["locations"][1]["id"]
    here = {row["order_id"] for row in world.rows["fulfillment_orders"] if row["location_id"] == shop}
    own = {gid("Order", row) for row in world.rows["orders"] if row["id"] in here}
    every, found = [
        {node["id"] for node in (await referee.ask(ORDERS, who, q=asked))["orders"]["nodes"]}
        for who in ("agent", "store")
    ]
    assert found == every & own != every
    assert found
    assert (await referee.ask(ORDERS, "unbound store", q=asked))["orders"]["nodes"] == []


async def test_a_search_pages_as_any_list_does(referee: Referee) -> None:
    query = """query ($after: String) { orders(query: "ana@example.com", first: 7, after: $after) {
        nodes { id } pageInfo { hasNextPage endCursor } totalCount } }"""
    seen: list[str] = []
    page: Any = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while page["pageInfo"]["hasNextPage"]:
        page = (await referee.ask(query, "agent", after=page["pageInfo"]["endCursor"]))["orders"]
        seen += [node["id"] for node in page["nodes"]]
    assert len(seen) == len(set(seen)) == int(page["totalCount"]) > 50


async def test_a_way_of_being_known_that_fits_many_finds_a_hundred(database_url: str, referee: Referee) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """INSERT INTO customers (id, kind, email, display_name, phone, created_at)
           SELECT gen_random_uuid(), 'GUEST', n || '@many.example', 'Manuela ' || n, '+44 20 7946 0000', now()
           FROM generate_series(1, 130) n"""
    )
    try:
        for asked in ("manuela", "+44 20 7946 0000"):
            assert (await referee.ask(CUSTOMERS, "agent", q=asked))["customers"]["totalCount"] == "100"
    finally:
        await connection.execute("DELETE FROM customers WHERE email LIKE '%@many.example'")
        await connection.close()


INDEXES = {
    CUSTOMERS: {
        "uq_customers_email", "ix_customers_phone_id", "ix_customers_words",
        "ix_customer_addresses_postal_code_customer_id", "pk_customers",
    },
    ORDERS: {
        "uq_customers_email", "ix_customers_phone_id", "ix_customers_words", "ix_orders_customer_id_placed_at_id",
        "uq_variants_sku", "ix_order_lines_variant_id_order_id", "pk_orders",
    },
}  # fmt: skip
BY_ORDER = {
    "uq_orders_number", "ix_orders_external_reference", "ix_orders_email_id", "ix_orders_phone_id",
    "ix_orders_postal_code_id", "uq_packages_tracking_number_carrier", "pk_fulfillment_orders",
}  # fmt: skip


@pytest.mark.parametrize("query", [CUSTOMERS, ORDERS], ids=["customers", "orders"])
async def test_each_way_of_being_known_has_its_index(
    query: str, connection: asyncpg.Connection, referee: Referee
) -> None:
    asked, viewer = await referee.engine.documents.get(query, None), referee.viewers["agent"]
    plan = referee.engine.plan(asked, {"q": "x"}, viewer)
    assert plan is not None
    nulls = ", ".join("null" for _ in plan.parameters({"q": "x"}, viewer))
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    await connection.execute("SET LOCAL enable_seqscan = off")  # the tables are small
    await connection.execute(f"PREPARE search AS {plan.sql}")
    lines = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE search({nulls})"))
    await connection.execute("DEALLOCATE search")
    assert "Seq Scan" not in lines
    assert {index for index in INDEXES[query] | BY_ORDER if index not in lines} == set()


async def test_names_are_folded_alike_in_sql_and_in_python(connection: asyncpg.Connection) -> None:
    name, words = bindparam("name", type_=Text), bindparam("words", type_=Text)
    both = search.words_of(name).op("@@")(func.to_tsquery(literal_column("'simple'"), words))
    asked = statement(select(both))
    latin = [chr(code) for code in range(0xA0, 0x2000) if chr(code).isalpha()]
    unfound = []
    for letter in latin:
        stored = f"ab{letter}cd"
        values = asked.values(name=stored, words=search.words_asked(stored))
        if not await connection.fetchval(asked.sql, *values):
            unfound.append(letter)
    assert unfound == []
