"""Work items through HTTP: who may claim what, for how long, what becomes of it; and goods that are put back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import orjson
import pytest

from domain import ids
from domain.ids import new_id
from domain.store import work as stored
from domain.store.jobs import Job
from domain.store.verify import verify
from domain.viewer import SCOPES, Role, Scope, Viewer
from domain.work import WORK_ITEM, WorkItemAction, WorkItemStatus
from resolvers.database import open_database
from resolvers.jobs import Done
from resolvers.work import return_work
from resolvers.writing import World
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, app, quantities

ITEM = """
    workItem {
      id kind queue status priority dueAt requiredSkills assignedTo location { code } subject { __typename id }
      payload note attempts maxAttempts leasedUntil leasedBy { kind displayName } retryAt failure result
      closedAt version availableActions
    }
"""
BRIEF = "workItem { id status attempts }"
NOBODY = "ord_00000000-0000-7000-8000-000000000000"
NO_ITEM = "wrk_00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that commits: the application is to see what a test changes."""
    connection: asyncpg.Connection = await asyncpg.connect(database_url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads)
    yield connection
    await connection.close()


async def create(shop: Shop, queue: str, viewer: Viewer = OPERATIONS, **given: Any) -> Answer:
    """Work in a queue."""
    input = {"kind": "COUNT_SHELF", "queue": queue, **given}
    return (await shop.do(viewer, "workItemCreate", ITEM, **input))["workItem"]  # type: ignore[no-any-return]


async def claim(shop: Shop, viewer: Viewer, queue: str, **given: Any) -> Answer | None:
    """The next item of a queue."""
    return (await shop.do(viewer, "workItemClaim", ITEM, queue=queue, **given))["workItem"]  # type: ignore[no-any-return]


async def claimed(shop: Shop, viewer: Viewer, queue: str, **given: Any) -> Answer:
    """The next item of a queue, of which there is one."""
    found = await claim(shop, viewer, queue, **given)
    assert found is not None
    return found


async def item(shop: Shop, id_: str, viewer: Viewer = OPERATIONS) -> Answer | None:
    """An item as it is now."""
    asked = f"query ($id: ID!) {{ workItem(id: $id) {ITEM.replace('workItem', '', 1)} }}"
    return (await shop.ask(viewer, asked, id=id_))["workItem"]  # type: ignore[no-any-return]


async def listed(shop: Shop, viewer: Viewer = OPERATIONS, sort: Any = None, **filter: Any) -> list[str]:
    """The ids of a list of items."""
    asked = """query ($filter: WorkItemFilter, $sort: WorkItemSort) {
        workItems(first: 100, filter: $filter, sort: $sort) { nodes { id } } }"""
    found = await shop.ask(viewer, asked, filter=filter, sort=sort)
    return [node["id"] for node in found["workItems"]["nodes"]]


async def run_out(connection: asyncpg.Connection, id_: str) -> None:
    """As if the lease, or the delay, were over: nobody has put it on record."""
    moved = "UPDATE work_items SET ready_at = now() - interval '1 second' WHERE id = $1"
    await connection.execute(moved, Shop.key(id_))


async def told(connection: asyncpg.Connection, id_: str) -> list[str]:
    """What the log says of an item."""
    rows = await connection.fetch("SELECT type FROM events WHERE subject_id = $1 ORDER BY sequence", Shop.key(id_))
    return [row["type"].removeprefix("WORK_ITEM_") for row in rows]


async def sound(connection: asyncpg.Connection) -> bool:
    """Whether every invariant holds right now."""
    return await verify(connection) == []


def person(viewer: Viewer, name: str) -> Viewer:
    """Another person with the same rights."""
    return replace(viewer, subject=f"{viewer.subject}:{name}", display_name=name)


# -- the contract's operations -----------------------------------------------------------------------------------------


async def test_work_is_listed_claimed_and_finished(shop: Shop, connection: asyncpg.Connection) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    about = {"requiredSkills": ["forklift"], "priority": 3, "subjectId": order["id"], "payload": {"shelf": 7}}
    made = await create(shop, "location:SAO1", **about)
    warehouse = shop.floor("SAO1")

    waiting = await shop.contract(warehouse, "Work", queue="location:SAO1")
    taken = await shop.contract(warehouse, "ClaimWork", queue="location:SAO1", key=shop.new("key"))
    gone = await shop.contract(warehouse, "Work", queue="location:SAO1")
    done = await shop.contract(warehouse, "FinishWork", id=made["id"], key=shop.new("key"))

    subject = {"__typename": "Order", "id": order["id"]}
    assert [edge["node"] for edge in waiting["edges"]] == [
        {
            "id": made["id"],
            "kind": "COUNT_SHELF",
            "queue": "location:SAO1",
            "status": "READY",
            "priority": 3,
            "dueAt": None,
            "subject": subject,
            "requiredSkills": ["forklift"],
            "attempts": 0,
        }
    ]
    until = taken["workItem"].pop("leasedUntil")
    assert taken == {
        "workItem": {"id": made["id"], "kind": "COUNT_SHELF", "status": "LEASED", "subject": subject},
        "userErrors": [],
    }
    assert until is not None
    assert gone["edges"] == []
    assert done == {"workItem": {"id": made["id"], "status": "DONE"}, "userErrors": []}
    after = await item(shop, made["id"])
    assert after is not None
    assert (after["result"], after["payload"]) == ({"note": "done"}, {"shelf": 7})
    assert await told(connection, made["id"]) == ["CREATED", "CLAIMED", "COMPLETED"]
    rows = await connection.fetch("SELECT DISTINCT order_id FROM events WHERE subject_id = $1", Shop.key(made["id"]))
    assert [ids.encode("Order", row["order_id"]) for row in rows] == [order["id"]]


async def test_an_empty_queue_has_nothing_to_claim_which_is_no_error(shop: Shop) -> None:
    payload = await shop.contract(OPERATIONS, "ClaimWork", queue=shop.new("empty"), key=shop.new("key"))

    assert payload == {"workItem": None, "userErrors": []}


# -- claiming ----------------------------------------------------------------------------------------------------------


async def test_twenty_who_claim_at_once_get_twenty_items(shop: Shop, connection: asyncpg.Connection) -> None:
    queue = shop.new("pick")
    made = {(await create(shop, queue))["id"] for _ in range(20)}
    people = [person(OPERATIONS, f"p{number}") for number in range(20)]

    found = await asyncio.gather(*(claim(shop, who, queue) for who in people))

    assert {each["id"] for each in found if each} == made
    assert [each and each["leasedBy"]["displayName"] for each in found] == [who.display_name for who in people]
    assert await claim(shop, OPERATIONS, queue) is None
    assert await sound(connection)


async def test_more_people_than_items_leave_some_without(shop: Shop) -> None:
    queue = shop.new("pick")
    made = {(await create(shop, queue))["id"] for _ in range(5)}

    found = await asyncio.gather(*(claim(shop, person(OPERATIONS, f"p{number}"), queue) for number in range(12)))

    assert sorted(each["id"] for each in found if each) == sorted(made)


async def test_whoever_claims_waits_for_nobody_who_is_at_the_next_item(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    queue = shop.new("pick")
    first, second = [(await create(shop, queue))["id"] for _ in range(2)]
    async with connection.transaction():
        await connection.execute("SELECT FROM work_items WHERE id = $1 FOR UPDATE", Shop.key(first))

        assert (await claimed(shop, OPERATIONS, queue))["id"] == second

    assert (await claimed(shop, OPERATIONS, queue))["id"] == first


async def test_a_twin_gets_the_same_item(shop: Shop, connection: asyncpg.Connection) -> None:
    queue, key = shop.new("pick"), shop.new("key")
    for _ in range(3):
        await create(shop, queue)

    found = await asyncio.gather(*(claimed(shop, OPERATIONS, queue, idempotencyKey=key) for _ in range(4)))

    assert len({each["id"] for each in found}) == 1
    assert {each["attempts"] for each in found} == {1}
    assert await told(connection, found[0]["id"]) == ["CREATED", "CLAIMED"]


async def test_the_most_urgent_comes_first(shop: Shop) -> None:
    queue = shop.new("pick")
    given: list[dict[str, Any]] = [
        {"priority": -1, "dueAt": "2018-01-01T00:00:00Z"},
        {},
        {"dueAt": "2030-02-01T00:00:00Z"},
        {"dueAt": "2030-01-01T00:00:00Z"},
        {"priority": 9},
        {},
    ]
    made = [(await create(shop, queue, **each))["id"] for each in given]
    in_order = [made[number] for number in (4, 3, 2, 1, 5, 0)]

    assert await listed(shop, queue=queue) == in_order
    assert await listed(shop, queue=queue, sort={"by": "URGENCY", "direction": "DESC"}) == in_order[::-1]
    assert [(await claimed(shop, OPERATIONS, queue))["id"] for _ in made] == in_order


async def test_nobody_is_given_what_they_cannot_do(shop: Shop) -> None:
    queue = shop.new("pick")
    cold = (await create(shop, queue, priority=2, requiredSkills=["cold store", "forklift", " forklift "]))["id"]
    lift = (await create(shop, queue, priority=1, requiredSkills=["forklift"]))["id"]
    plain = (await create(shop, queue))["id"]

    assert await listed(shop, queue=queue, skills=["forklift"]) == [lift, plain]
    refused = await shop.refused(OPERATIONS, "workItemClaim", id=cold, skills=["forklift"])
    assert refused["reason"] == "it needs cold store"
    assert (await claimed(shop, OPERATIONS, queue))["id"] == plain
    assert (await claimed(shop, OPERATIONS, queue, skills=["forklift"]))["id"] == lift
    assert await claim(shop, OPERATIONS, queue, skills=["forklift"]) is None
    found = await claimed(shop, OPERATIONS, queue, skills=["cold store", "forklift", "dutch"])
    assert (found["id"], found["requiredSkills"]) == (cold, ["cold store", "forklift"])


async def test_a_claim_may_ask_for_one_kind(shop: Shop) -> None:
    queue = shop.new("pick")
    await create(shop, queue, priority=5)
    move = (await create(shop, queue, kind="MOVE_SHELF"))["id"]

    assert (await claimed(shop, OPERATIONS, queue, kind="MOVE_SHELF"))["id"] == move
    assert await claim(shop, OPERATIONS, queue, kind="MOVE_SHELF") is None
    assert await listed(shop, queue=queue, kind="MOVE_SHELF") == [move]


async def test_an_item_that_is_named_is_claimed_alone_and_only_while_it_is_ready(shop: Shop) -> None:
    queue = shop.new("pick")
    await create(shop, queue, priority=5)
    made = await create(shop, queue)
    other = person(OPERATIONS, "other")

    taken = (await shop.do(OPERATIONS, "workItemClaim", ITEM, id=made["id"]))["workItem"]

    assert (taken["id"], taken["status"]) == (made["id"], "LEASED")
    assert await shop.refused(other, "workItemClaim", id=made["id"]) == {
        "code": "INVALID_TRANSITION",
        "field": None,
        "state": "LEASED",
        "action": "CLAIM",
        "allowed": ["EXTEND", "COMPLETE", "FAIL", "GIVE_UP", "RETURN", "REASSIGN"],
    }


async def test_what_is_assigned_to_somebody_is_theirs_alone(shop: Shop) -> None:
    queue, wim = shop.new("pick"), person(OPERATIONS, "wim")
    made = await create(shop, queue, assignedTo=wim.subject)

    assert await claim(shop, OPERATIONS, queue) is None
    refused = await shop.refused(OPERATIONS, "workItemClaim", id=made["id"])
    assert (refused["code"], refused["field"]) == ("INVALID_INPUT", ["id"])
    assert (await claimed(shop, wim, queue))["id"] == made["id"]


# -- leases ------------------------------------------------------------------------------------------------------------


async def test_a_lease_that_ran_out_lets_another_in_and_the_first_is_refused(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    queue, wim, zoe = shop.new("pick"), shop.floor("SAO1"), person(shop.floor("SAO1"), "Zoë")
    made = await create(shop, queue, locationId=shop.places["SAO1"])
    await claimed(shop, wim, queue)
    await run_out(connection, made["id"])
    before = await item(shop, made["id"])
    assert before is not None
    assert (before["status"], before["leasedBy"], before["leasedUntil"]) == ("READY", None, None)
    assert before["availableActions"] == ["CLAIM", "REASSIGN"]
    assert await listed(shop, queue=queue, status=["READY"]) == [made["id"]]
    assert await listed(shop, queue=queue, status=["LEASED", "FAILED", "DONE", "DEAD"]) == []
    lost = {"code": "WORK_ITEM_NOT_LEASED", "field": ["id"], "state": "READY", "leasedBy": None}
    assert await shop.refused(wim, "workItemComplete", id=made["id"]) == lost
    assert await shop.refused(wim, "workItemExtend", id=made["id"]) == lost

    taken = await claimed(shop, zoe, queue)

    assert (taken["id"], taken["attempts"], taken["leasedBy"]["displayName"]) == (made["id"], 2, "Zoë")
    held = {"code": "WORK_ITEM_NOT_LEASED", "field": ["id"], "state": "LEASED", "leasedBy": "Zoë"}
    for mutation, more in (("Complete", {}), ("Extend", {}), ("Fail", {"reason": "late"})):
        assert await shop.refused(wim, f"workItem{mutation}", id=made["id"], **more) == held
    await shop.do(zoe, "workItemComplete", id=made["id"])
    done = {"code": "WORK_ITEM_NOT_LEASED", "field": ["id"], "state": "DONE", "leasedBy": None}
    assert await shop.refused(wim, "workItemComplete", id=made["id"]) == done
    assert await told(connection, made["id"]) == ["CREATED", "CLAIMED", "READY", "CLAIMED", "COMPLETED"]
    assert await sound(connection)


async def test_of_two_who_claim_what_is_free_again_one_gets_it(shop: Shop, connection: asyncpg.Connection) -> None:
    queue = shop.new("pick")
    made = await create(shop, queue)
    await claimed(shop, OPERATIONS, queue)
    await run_out(connection, made["id"])

    found = await asyncio.gather(*(claim(shop, person(OPERATIONS, f"p{number}"), queue) for number in range(8)))

    assert [each["id"] for each in found if each] == [made["id"]]
    assert await told(connection, made["id"]) == ["CREATED", "CLAIMED", "READY", "CLAIMED"]


async def test_systems_that_share_a_token_are_told_apart_by_the_lease(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    queue, wms = shop.new("wms"), app(Scope.WORK_WRITE, name="app:wms")
    made, key = await create(shop, queue), shop.new("key")
    claims = {"queue": queue, "idempotencyKey": key}
    first = (await shop.do(wms, "workItemClaim", "lease", **claims))["lease"]
    await run_out(connection, made["id"])
    second = (await shop.do(wms, "workItemClaim", "lease", queue=queue))["lease"]
    again = (await shop.do(wms, "workItemClaim", "lease workItem { id status }", **claims))["lease"]

    refused = await shop.refused(wms, "workItemComplete", id=made["id"], lease=again)

    assert (refused["code"], refused["state"]) == ("WORK_ITEM_NOT_LEASED", "LEASED")
    assert first == again != second
    nothing = await shop.do(wms, "workItemClaim", "lease workItem { id }", queue=queue)
    assert nothing == {"lease": None, "workItem": None}
    done = await shop.do(wms, "workItemComplete", BRIEF, id=made["id"], lease=second)
    assert done["workItem"]["status"] == "DONE"


async def test_who_is_killed_between_claim_and_completion_leaves_the_item_to_others(
    shop: Shop, connection: asyncpg.Connection, database_url: str
) -> None:
    queue, key = shop.new("pick"), shop.new("key")
    made = await create(shop, queue)
    await claimed(shop, OPERATIONS, queue, leaseSeconds=1, idempotencyKey=key)  # and nothing more is heard of who did

    async with asyncio.timeout(20):
        while (found := await claim(shop, person(OPERATIONS, "other"), queue)) is None:
            await asyncio.sleep(0.05)

    assert (found["id"], found["attempts"]) == (made["id"], 2)
    late = await claimed(shop, OPERATIONS, queue, leaseSeconds=1, idempotencyKey=key)
    assert (late["id"], late["leasedBy"]["displayName"]) == (made["id"], "other")  # a twin sees who has it by now
    refused = await shop.refused(person(OPERATIONS, "third"), "workItemClaim", id=made["id"])
    assert refused["state"] == "LEASED"


async def test_who_is_killed_while_claiming_leaves_no_trace(
    shop: Shop, connection: asyncpg.Connection, database_url: str
) -> None:
    queue = shop.new("pick")
    made = await create(shop, queue)
    dying: asyncpg.Connection = await asyncpg.connect(database_url)
    await dying.execute("BEGIN")
    offered = await stored.next_of(dying, OPERATIONS, queue, [], None, new_id(), 60)
    assert offered is not None
    assert await claim(shop, OPERATIONS, queue) is None  # it is being claimed, and nobody waits for how that ends

    dying.terminate()

    async with asyncio.timeout(20):
        while (found := await claim(shop, OPERATIONS, queue)) is None:
            await asyncio.sleep(0.02)
    assert (found["id"], found["attempts"]) == (made["id"], 1)
    assert await told(connection, made["id"]) == ["CREATED", "CLAIMED"]


async def test_what_takes_longer_is_extended(shop: Shop, connection: asyncpg.Connection) -> None:
    queue, wim = shop.new("pick"), shop.floor("SAO1")
    made = await create(shop, queue, locationId=shop.places["SAO1"])
    taken = await claimed(shop, wim, queue, leaseSeconds=60)

    longer = await shop.do(wim, "workItemExtend", ITEM, id=made["id"], leaseSeconds=3600)

    assert longer["workItem"]["leasedUntil"] > taken["leasedUntil"]
    assert longer["workItem"]["version"] == taken["version"] + 1
    assert await told(connection, made["id"]) == ["CREATED", "CLAIMED", "EXTENDED"]


async def test_operations_may_finish_what_another_holds(shop: Shop) -> None:
    queue = shop.new("pick")
    made = await create(shop, queue, locationId=shop.places["SAO1"])
    await claimed(shop, shop.floor("SAO1"), queue)

    refused = await shop.refused(person(shop.floor("SAO1"), "Zoë"), "workItemFail", id=made["id"], reason="mine")
    done = await shop.do(OPERATIONS, "workItemComplete", BRIEF, id=made["id"])

    assert refused["leasedBy"] == "Wim"
    assert done["workItem"]["status"] == "DONE"


async def test_what_is_back_is_put_on_record_once(
    shop: Shop, connection: asyncpg.Connection, database_url: str
) -> None:
    queue = shop.new("pick")
    made = [(await create(shop, queue))["id"] for _ in range(3)]
    for _ in range(2):
        await claimed(shop, OPERATIONS, queue)
    await shop.do(OPERATIONS, "workItemFail", id=made[1], reason="no ladder")
    for id_ in made[:2]:
        await run_out(connection, id_)

    async with open_database(database_url, reads=1, writes=2) as database:
        kind = return_work(World(database))
        job = Job(1, kind.name, {}, 1, new_id(), await connection.fetchval("SELECT now()"))
        assert await asyncio.gather(*(kind.handle(job) for _ in range(3))) == [Done()] * 3

    stored = await connection.fetch("SELECT status FROM work_items WHERE queue = $1", queue)
    assert [row["status"] for row in stored] == ["READY"] * 3
    assert [await told(connection, id_) for id_ in made] == [
        ["CREATED", "CLAIMED", "READY"],
        ["CREATED", "CLAIMED", "FAILED", "READY"],
        ["CREATED"],
    ]
    assert await sound(connection)


ACTIONS = {
    "CLAIMED": WorkItemAction.CLAIM,
    "EXTENDED": WorkItemAction.EXTEND,
    "COMPLETED": WorkItemAction.COMPLETE,
    "FAILED": WorkItemAction.FAIL,
    "DEAD": WorkItemAction.GIVE_UP,
    "READY": WorkItemAction.RETURN,
}
"""Which action of the lifecycle an event tells of."""


async def work_off(shop: Shop, who: Viewer, queue: str, left: set[str]) -> None:
    """Claim until nothing is left. At the first attempt some give up, and some walk away without a word."""
    while left:
        found = await claim(shop, who, queue, leaseSeconds=1)
        if found is None:
            await asyncio.sleep(0.05)
        elif found["attempts"] > 1 or found["priority"] == 0:
            if not (await shop.send(who, "workItemComplete", id=found["id"]))["userErrors"]:  # a slow machine is late
                left.remove(found["id"])  # fails where it was done before
        elif found["priority"] == 1:
            await shop.send(who, "workItemFail", id=found["id"], reason="no ladder", retrySeconds=0)


async def test_each_item_is_done_once_whoever_fails_or_walks_away(
    shop: Shop, connection: asyncpg.Connection, database_url: str
) -> None:
    queue = shop.new("pick")
    made = [(await create(shop, queue, priority=number % 3))["id"] for number in range(24)]
    left = set(made)

    async with open_database(database_url, reads=1, writes=1) as database, asyncio.timeout(30):
        kind = return_work(World(database))
        job = Job(1, kind.name, {}, 1, new_id(), await connection.fetchval("SELECT now()"))
        people = asyncio.gather(*(work_off(shop, person(OPERATIONS, f"p{n}"), queue, left) for n in range(8)))
        while not people.done():
            await kind.handle(job)
            await asyncio.sleep(0.02)
        await people

    for id_ in made:
        status = WorkItemStatus.READY
        first, *rest = await told(connection, id_)
        for type_ in rest:  # the log is a way through the lifecycle
            status = WORK_ITEM.after(status, ACTIONS[type_])
        assert (first, status, rest.count("COMPLETED")) == ("CREATED", WorkItemStatus.DONE, 1)
    assert await sound(connection)


# -- failing -----------------------------------------------------------------------------------------------------------


async def test_what_failed_comes_back_after_a_delay_and_is_dead_after_its_last_attempt(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    queue = shop.new("pick")
    made = await create(shop, queue, maxAttempts=2)
    id_ = made["id"]
    await claimed(shop, OPERATIONS, queue)

    failed = (await shop.do(OPERATIONS, "workItemFail", ITEM, id=id_, reason=" no ladder "))["workItem"]

    assert (failed["status"], failed["failure"], failed["leasedBy"], failed["closedAt"]) == (
        "FAILED", "no ladder", None, None,
    )  # fmt: skip
    assert failed["retryAt"] is not None
    assert failed["availableActions"] == ["REASSIGN"]
    assert await claim(shop, OPERATIONS, queue) is None
    assert await listed(shop, queue=queue, status=["FAILED"]) == [id_]
    await run_out(connection, id_)
    again = await claimed(shop, OPERATIONS, queue)
    assert (again["attempts"], again["failure"], again["retryAt"]) == (2, "no ladder", None)
    dead = (await shop.do(OPERATIONS, "workItemFail", ITEM, id=id_, reason="nor a chair", retrySeconds=0))["workItem"]
    assert (dead["status"], dead["failure"], dead["availableActions"]) == ("DEAD", "nor a chair", ["RETRY"])
    assert dead["closedAt"] is not None
    assert await claim(shop, OPERATIONS, queue) is None
    retried = (await shop.do(OPERATIONS, "workItemRetry", ITEM, id=id_))["workItem"]
    assert (retried["status"], retried["attempts"], retried["closedAt"]) == ("READY", 0, None)
    assert (await claimed(shop, OPERATIONS, queue))["id"] == id_
    assert await told(connection, id_) == [
        "CREATED", "CLAIMED", "FAILED", "READY", "CLAIMED", "DEAD", "RETRIED", "CLAIMED",
    ]  # fmt: skip
    assert await sound(connection)


async def test_whoever_fails_may_say_when_it_is_worth_another_try(shop: Shop) -> None:
    queue = shop.new("pick")
    made = await create(shop, queue)
    await claimed(shop, OPERATIONS, queue)

    failed = (await shop.do(OPERATIONS, "workItemFail", BRIEF, id=made["id"], reason="lunch", retrySeconds=0))[
        "workItem"
    ]

    assert failed["status"] == "READY"  # by the time it is read
    assert (await claimed(shop, OPERATIONS, queue))["attempts"] == 2


# -- reassigning -------------------------------------------------------------------------------------------------------


async def test_what_is_reassigned_is_lost_to_whoever_was_at_it(shop: Shop, connection: asyncpg.Connection) -> None:
    wim, zoe = shop.floor("SAO1"), shop.store("RIO1")
    made = await create(shop, "location:SAO1")
    await shop.do(wim, "workItemClaim", id=made["id"])
    given = {"priority": 7, "dueAt": "2030-01-01T00:00:00Z", "requiredSkills": ["till"], "assignedTo": zoe.subject}

    moved = await shop.do(OPERATIONS, "workItemReassign", ITEM, id=made["id"], queue="location:RIO1", **given)

    after = moved["workItem"]
    assert (after["queue"], after["location"]["code"], after["status"], after["leasedBy"]) == (
        "location:RIO1", "RIO1", "READY", None,
    )  # fmt: skip
    assert {name: after[name] for name in given} == given | {"dueAt": after["dueAt"]}
    assert await shop.refused(wim, "workItemComplete", id=made["id"]) == {
        "code": "NOT_FOUND",
        "field": ["id"],
        "noun": "WorkItem",
        "id": made["id"],
    }
    assert (await claimed(shop, zoe, "location:RIO1", skills=["till"]))["id"] == made["id"]
    everybody = await shop.do(OPERATIONS, "workItemReassign", ITEM, id=made["id"], assignedTo=" ")
    assert (everybody["workItem"]["assignedTo"], everybody["workItem"]["priority"]) == (None, 7)
    assert await told(connection, made["id"]) == ["CREATED", "CLAIMED", "REASSIGNED", "CLAIMED", "REASSIGNED"]
    assert await sound(connection)


# -- who sees what -----------------------------------------------------------------------------------------------------


async def test_everybody_sees_and_claims_the_work_of_their_own_place(shop: Shop) -> None:
    skill: dict[str, Any] = {"requiredSkills": [shop.new("skill")]}
    here = await create(shop, "location:SAO1", **skill)
    there = await create(shop, "location:RIO1", **skill)
    desk = await create(shop, shop.new("desk"), locationId=shop.places["RIO1"], **skill)
    calls = await create(shop, "call-center:refunds", **skill)
    erp = await create(shop, "erp", **skill)
    every = {here["id"], there["id"], desk["id"], calls["id"], erp["id"]}
    nobody = replace(shop.floor("SAO1"), location_ids=())
    sees: list[tuple[Viewer, set[str]]] = [
        (OPERATIONS, every),
        (app(Scope.WORK_READ), every),
        (app(Scope.WORK_WRITE), every),
        (shop.floor("SAO1"), {here["id"]}),
        (shop.store("RIO1"), {there["id"], desk["id"]}),
        (shop.floor("SAO1", "RIO1"), {here["id"], there["id"], desk["id"]}),
        (AGENT, {calls["id"]}),
        (nobody, set()),
        (app(), set()),
        (shop.shopper(), set()),
    ]

    for viewer, expected in sees:
        found = set(await listed(shop, viewer, skills=skill["requiredSkills"]))
        assert found & every == expected, viewer.subject
        assert {id_ for id_ in every if await item(shop, id_, viewer)} == expected, viewer.subject

    can = {"skills": skill["requiredSkills"]}
    assert await claim(shop, shop.floor("SAO1"), "location:RIO1", **can) is None
    assert await claim(shop, AGENT, "erp", **can) is None
    assert (await shop.refused(AGENT, "workItemClaim", id=erp["id"], **can))["code"] == "NOT_FOUND"
    assert (await claimed(shop, shop.store("RIO1"), desk["queue"], **can))["id"] == desk["id"]
    assert (await claimed(shop, AGENT, "call-center:refunds", **can))["id"] == calls["id"]
    assert (await claimed(shop, app(Scope.WORK_WRITE), "erp", **can))["id"] == erp["id"]


async def test_an_outside_system_puts_work_in(shop: Shop, connection: asyncpg.Connection) -> None:
    robot = app(Scope.WORK_ASSIGN, name="app:robot")
    order = await shop.bought()

    made = await create(shop, "call-center", robot, kind="CALL_BACK", subjectId=order["shipments"][0]["id"])

    assert (made["location"], made["status"]) == (None, "READY")
    seen = await item(shop, made["id"], AGENT)
    assert seen is not None
    assert seen["subject"] == {"__typename": "Shipment", "id": order["shipments"][0]["id"]}
    assert seen["availableActions"] == ["CLAIM"]


async def test_a_location_without_a_queue_means_its_own(shop: Shop) -> None:
    made = (await shop.do(OPERATIONS, "workItemCreate", ITEM, kind="SWEEP", locationId=shop.places["CWB1"]))["workItem"]

    assert (made["queue"], made["location"]["code"]) == ("location:CWB1", "CWB1")


REFUSED: list[tuple[str, dict[str, Any], str, list[str] | None]] = [
    ("Create", {"kind": "count shelf"}, "INVALID_INPUT", ["kind"]),
    ("Create", {"kind": "PUT_BACK"}, "INVALID_INPUT", ["kind"]),
    ("Create", {"queue": None}, "INVALID_INPUT", ["queue"]),
    ("Create", {"queue": " "}, "INVALID_INPUT", ["queue"]),
    ("Create", {"queue": ":x"}, "INVALID_INPUT", ["queue"]),
    ("Create", {"queue": "q" * 121}, "INVALID_INPUT", ["queue"]),
    ("Create", {"queue": "location:MARS"}, "NOT_FOUND", ["queue"]),
    ("Create", {"queue": "location:SAO1", "locationId": "RIO1"}, "INVALID_INPUT", ["queue"]),
    ("Create", {"locationId": "loc_x"}, "NOT_FOUND", ["locationId"]),
    ("Create", {"subjectId": NOBODY}, "NOT_FOUND", ["subjectId"]),
    ("Create", {"subjectId": NO_ITEM}, "INVALID_INPUT", ["subjectId"]),
    ("Create", {"subjectId": "nonsense"}, "NOT_FOUND", ["subjectId"]),
    ("Create", {"priority": 1001}, "INVALID_INPUT", ["priority"]),
    ("Create", {"maxAttempts": 0}, "INVALID_INPUT", ["maxAttempts"]),
    ("Create", {"requiredSkills": [""]}, "INVALID_INPUT", ["requiredSkills"]),
    ("Create", {"requiredSkills": [str(number) for number in range(21)]}, "INVALID_INPUT", ["requiredSkills"]),
    ("Create", {"payload": ["x" * 1_900] * 11}, "INVALID_INPUT", ["payload"]),
    ("Create", {"note": "x\0"}, "INVALID_INPUT", ["note"]),
    ("Claim", {}, "INVALID_INPUT", ["queue"]),
    ("Claim", {"queue": "q", "leaseSeconds": 0}, "INVALID_INPUT", ["leaseSeconds"]),
    ("Claim", {"queue": "q", "leaseSeconds": 86_401}, "INVALID_INPUT", ["leaseSeconds"]),
    ("Claim", {"queue": "q", "skills": ["x" * 51]}, "INVALID_INPUT", ["skills"]),
    ("Claim", {"id": NO_ITEM}, "NOT_FOUND", ["id"]),
    ("Extend", {"id": NO_ITEM}, "NOT_FOUND", ["id"]),
    ("Complete", {"id": NOBODY}, "NOT_FOUND", ["id"]),
    ("Fail", {"id": NO_ITEM, "reason": "x"}, "NOT_FOUND", ["id"]),
    ("Reassign", {"id": NO_ITEM, "priority": 1}, "NOT_FOUND", ["id"]),
    ("Reassign", {"id": NO_ITEM}, "INVALID_INPUT", None),
    ("Retry", {"id": NO_ITEM}, "NOT_FOUND", ["id"]),
]


@pytest.mark.parametrize(("mutation", "given", "code", "field"), REFUSED)
async def test_what_makes_no_sense_is_refused(
    shop: Shop, mutation: str, given: dict[str, Any], code: str, field: list[str] | None
) -> None:
    usual = {"kind": "COUNT_SHELF", "queue": "anywhere"} if mutation == "Create" else {}
    places = {"locationId": shop.places[given["locationId"]]} if given.get("locationId") in shop.places else {}

    refused = await shop.refused(OPERATIONS, f"workItem{mutation}", **usual | given | places)

    assert (refused["code"], refused["field"]) == (code, field)


async def test_a_failure_has_a_reason(shop: Shop) -> None:
    made = await create(shop, shop.new("pick"))

    refused = await shop.refused(OPERATIONS, "workItemFail", id=made["id"], reason=" ")

    assert (refused["code"], refused["field"]) == ("INVALID_INPUT", ["reason"])


@pytest.mark.parametrize("mutation", ["Create", "Claim", "Extend", "Complete", "Fail", "Reassign", "Retry"])
async def test_each_needs_its_scope(shop: Shop, mutation: str) -> None:
    given: dict[str, dict[str, Any]] = {
        "Create": {"kind": "X", "queue": "q"},
        "Claim": {"queue": "q"},
        "Fail": {"id": NO_ITEM, "reason": "x"},
    }
    scope = "work:assign" if mutation in ("Create", "Reassign", "Retry") else "work:write"

    for viewer in (app(Scope.WORK_READ), shop.floor("SAO1") if scope == "work:assign" else shop.shopper()):
        refused = await shop.refused(viewer, f"workItem{mutation}", **given.get(mutation, {"id": NO_ITEM}))
        assert refused == {"code": "FORBIDDEN", "field": None, "scope": scope}


async def test_whoever_may_assign_does_so_within_their_own_place(shop: Shop) -> None:
    boss = replace(shop.floor("SAO1"), scopes=SCOPES[Role.WAREHOUSE] | {Scope.WORK_ASSIGN})
    lead = replace(AGENT, scopes=SCOPES[Role.AGENT] | {Scope.WORK_ASSIGN})

    made = await create(shop, "location:SAO1", boss)
    refused = await shop.refused(boss, "workItemReassign", id=made["id"], queue="location:RIO1")
    other = await shop.refused(lead, "workItemCreate", kind="X", queue="erp")

    assert (refused["code"], refused["noun"], other["code"]) == ("NOT_FOUND", "Queue", "NOT_FOUND")
    assert (await create(shop, "call-center", lead))["queue"] == "call-center"


@pytest.mark.parametrize(
    "status", [WorkItemStatus.READY, WorkItemStatus.DONE, WorkItemStatus.DEAD, WorkItemStatus.FAILED]
)
async def test_no_action_is_possible_but_those_that_the_table_allows(shop: Shop, status: WorkItemStatus) -> None:
    queue = shop.new("pick")
    id_ = (await create(shop, queue, maxAttempts=1 if status is WorkItemStatus.DEAD else 2))["id"]
    if status is not WorkItemStatus.READY:
        await claimed(shop, OPERATIONS, queue)
        end = ("workItemComplete", {}) if status is WorkItemStatus.DONE else ("workItemFail", {"reason": "x"})
        await shop.do(OPERATIONS, end[0], id=id_, **end[1])
    possible = set(WORK_ITEM.actions(status))
    asked: dict[WorkItemAction, tuple[str, dict[str, Any]]] = {
        WorkItemAction.EXTEND: ("workItemExtend", {}),
        WorkItemAction.COMPLETE: ("workItemComplete", {}),
        WorkItemAction.FAIL: ("workItemFail", {"reason": "x"}),
        WorkItemAction.CLAIM: ("workItemClaim", {}),
        WorkItemAction.REASSIGN: ("workItemReassign", {"priority": 1}),
        WorkItemAction.RETRY: ("workItemRetry", {}),
    }

    for action, (mutation, given) in asked.items():
        if action not in possible:
            refused = await shop.refused(OPERATIONS, mutation, id=id_, **given)
            by_lease = mutation in ("workItemExtend", "workItemComplete", "workItemFail")
            assert refused["code"] == ("WORK_ITEM_NOT_LEASED" if by_lease else "INVALID_TRANSITION")
            assert refused["state"] == status.value


# -- goods that are put back -------------------------------------------------------------------------------------------


async def test_units_that_were_picked_for_what_is_canceled_are_put_back(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    sku, other, warehouse = await shop.variant(SAO1=5), await shop.variant(SAO1=5), shop.floor("SAO1")
    order = await shop.advance(await shop.place((sku, 3), (other, 1)), "pick")
    ful, lines = order["fulfillmentOrders"][0], {line["sku"]: line["id"] for line in order["lines"]}
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="CUSTOMER_REQUEST",
                  lines=[{"orderLineId": lines[sku], "quantity": 2}])  # fmt: skip
    (id_,) = await listed(shop, warehouse, subjectId=ful["id"])

    made = await item(shop, id_, warehouse)

    assert made is not None
    (units,) = made["payload"]["lines"]
    assert (made["kind"], made["queue"], made["status"]) == ("PUT_BACK", "location:SAO1", "READY")
    assert made["subject"] == {"__typename": "FulfillmentOrder", "id": ful["id"]}
    assert (units["sku"], units["quantity"]) == (sku, 2)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 2, "allocated": 1, "qualityControl": 2}}
    assert await sound(connection)
    await shop.do(warehouse, "workItemClaim", id=id_)
    done = await shop.do(warehouse, "workItemComplete", BRIEF, id=id_, result={"shelf": "A7"})
    assert done["workItem"]["status"] == "DONE"
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 4, "allocated": 1}}
    entries = "query ($sku: String!) { stockMovements(first: 1, filter: { sku: $sku }) { nodes { kind quantity cause { id } } } }"
    (entry,) = (await shop.ask(OPERATIONS, entries, sku=sku))["stockMovements"]["nodes"]
    assert entry == {"kind": "REDISPOSE", "quantity": 2, "cause": {"id": id_}}
    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(3, picked=1, canceled=2)
    assert await sound(connection)


async def test_each_location_puts_back_its_own(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(SAO1=2, RIO1=2)
    order = await shop.advance(await shop.place((sku, 2)), "pick")
    other = await shop.variant(RIO1=2)
    order = await shop.advance(await shop.place((sku, 1), (other, 2)), "pick")

    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")

    found = [id_ for work in order["fulfillmentOrders"] for id_ in await listed(shop, subjectId=work["id"])]
    made = [await item(shop, id_) for id_ in found]
    assert len(made) == len(order["fulfillmentOrders"])
    assert {each and each["location"]["code"] for each in made} == {
        work["location"]["code"] for work in order["fulfillmentOrders"]
    }
    assert await sound(connection)


async def test_what_was_not_picked_needs_no_putting_back(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=2), 2)), "accept")

    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")

    assert await listed(shop, subjectId=order["fulfillmentOrders"][0]["id"]) == []


async def test_units_are_put_back_once_however_often_it_is_told(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(SAO1=3)
    order = await shop.advance(await shop.place((sku, 3)), "pack")
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")
    (id_,) = await listed(shop, subjectId=order["fulfillmentOrders"][0]["id"])
    await shop.do(OPERATIONS, "workItemClaim", id=id_)

    payloads = await asyncio.gather(*(shop.send(OPERATIONS, "workItemComplete", id=id_) for _ in range(5)))

    codes = sorted("".join(error["code"] for error in each["userErrors"]) for each in payloads)
    assert codes == ["", *["WORK_ITEM_NOT_LEASED"] * 4]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "available": 3}}
    assert await sound(connection)


# -- what cannot be kept -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [{"a\0b": 1}, ["x\0"], {"deep": [{"n": "\0"}]}])
async def test_json_that_cannot_be_kept_is_bad_input(shop: Shop, odd: Any) -> None:
    asked = "mutation ($input: WorkItemCreateInput!) { workItemCreate(input: $input) { workItem { id } } }"
    input = {"idempotencyKey": shop.new("key"), "kind": "X", "queue": "q", "payload": odd}

    answer = await shop.post(OPERATIONS, asked, {"input": input})

    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "U+0000" in error["message"]


async def test_a_number_in_a_document_that_cannot_be_kept_is_bad_input(shop: Shop) -> None:
    asked = f"""mutation {{ workItemCreate(input: {{ idempotencyKey: "k", kind: "X", queue: "q", payload: {{ n: {10**30} }} }}) {{
        workItem {{ id }} }} }}"""

    answer = await shop.post(OPERATIONS, asked)

    assert "64 bits" in answer.text
    assert "errors" in answer.json()
