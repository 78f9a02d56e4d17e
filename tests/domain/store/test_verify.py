"""`verify`: a sound world passes, and each way to break it is found under its own name and no other."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from domain import orders, payments
from domain.payments import EntryStatus, PaymentEntry, PaymentKind
from domain.store.invariants import orders as order_invariants
from domain.store.invariants import payments as payment_invariants
from domain.store.verify import INVARIANTS, check, verify
from tests.world import World, small_world

LOOSEN = """
    DO $$ DECLARE rule record; BEGIN
        FOR rule IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u')
                    ORDER BY contype = 'u'
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rule.place, rule.conname); END LOOP;
        DROP INDEX uq_events_first_epoch_position, uq_payments_settled_once, uq_exceptions_open;
    END $$
"""
"""What the database itself would refuse has to be allowed first."""

ORDER = "(SELECT id FROM orders WHERE number = '{}')"
PLACED, CONFIRMED, PICKED, SHIPPED, DELIVERED = (ORDER.format(100_000 + n) for n in (1, 3, 5, 6, 7))
ANNOUNCED, RECEIVED, REFUNDED, CANCELED = (ORDER.format(100_000 + n) for n in (8, 9, 10, 11))
DECLINED = "(SELECT id FROM orders WHERE unrouted_at IS NOT NULL)"
FIRST_LINE = "id = (SELECT id FROM order_lines WHERE order_id = {} ORDER BY position LIMIT 1)"
A_LEVEL = "id = (SELECT id FROM stock_levels ORDER BY id LIMIT 1)"
A_MOVEMENT = "id = (SELECT id FROM stock_movements WHERE kind = 'ALLOCATE' ORDER BY id LIMIT 1)"
FIRST_PART = """id = (SELECT part.id FROM fulfillment_order_lines part JOIN fulfillment_orders work
                 ON work.id = part.fulfillment_order_id WHERE work.order_id = {} ORDER BY part.id LIMIT 1)"""


@dataclass(frozen=True)
class Move:
    """A ledger entry that is sound in itself, at the first level or the one of an order's first part."""

    kind: str
    quantity: str
    source: str | None
    target: str | None
    act: str = "gen_random_uuid()"
    reverses: str = "NULL"
    at: str = "(SELECT id FROM stock_levels ORDER BY id LIMIT 1)"

    def statements(self) -> list[str]:
        """Move the units, then write the entry with the balances that this left."""
        columns = [(bucket, sign) for bucket, sign in ((self.source, "-"), (self.target, "+")) if bucket]
        sets = ", ".join(f"{bucket} = {bucket} {sign} {self.quantity}" for bucket, sign in columns)
        names = [f"'{bucket.upper()}'" if bucket else "NULL" for bucket in (self.source, self.target)]
        after = [bucket or "NULL::integer" for bucket in (self.source, self.target)]
        quantity = f"(SELECT {self.quantity} FROM stock_levels WHERE id = {self.at})"
        entry = f"""
            INSERT INTO stock_movements (id, stock_level_id, variant_id, location_id, kind, quantity, from_bucket,
                from_balance_after, to_bucket, to_balance_after, act_type, act_id, reverses_id, actor_kind, actor_name,
                occurred_at, recorded_at)
            SELECT gen_random_uuid(), id, variant_id, location_id, '{self.kind}', moved.quantity, {names[0]},
                {after[0]}, {names[1]}, {after[1]}, 'StockAdjustment', {self.act}, {self.reverses}, 'STAFF', 'test',
                clock_timestamp(), clock_timestamp()
            FROM stock_levels, moved WHERE id = {self.at}
        """
        return [
            f"CREATE TEMP TABLE moved AS SELECT {quantity} AS quantity",
            f"UPDATE stock_levels SET {sets} WHERE id = {self.at}",
            entry,
            "DROP TABLE moved",
        ]


ONE_ACT = "'00000000-0000-0000-0000-00000000000a'"
AN_ADJUSTMENT = "(SELECT id FROM stock_movements WHERE kind = 'ADJUST')"
SHOP = "(SELECT stock_level_id FROM fulfillment_order_lines WHERE " + FIRST_PART.format(CANCELED) + ")"
CAME_BACK = "(SELECT stock_level_id FROM stock_movements WHERE kind = 'RETURN_RECEIVE' ORDER BY id LIMIT 1)"

VIOLATIONS: dict[str, list[str | Move]] = {
    # stock
    "buckets_never_negative": [Move("ADJUST", "(available + 5)", "available", None)],
    "on_hand_is_the_sum": [
        "ALTER TABLE stock_levels ALTER COLUMN on_hand DROP EXPRESSION",
        f"UPDATE stock_levels SET on_hand = on_hand + 1 WHERE {A_LEVEL}",
    ],
    "level_is_the_sum_of_its_ledger": [f"UPDATE stock_levels SET available = available + 1 WHERE {A_LEVEL}"],
    "balances_form_a_chain": [
        f"UPDATE stock_movements SET from_balance_after = from_balance_after + 1 WHERE {A_MOVEMENT}"
    ],
    "balances_follow_in_recorded_order": [
        f"UPDATE stock_movements SET recorded_at = recorded_at + interval '1 year' WHERE {A_MOVEMENT}"
    ],
    "movement_is_of_its_level": [f"UPDATE stock_movements SET variant_id = gen_random_uuid() WHERE {A_MOVEMENT}"],
    "movement_names_its_act": [f"UPDATE stock_movements SET act_type = 'Order' WHERE {A_MOVEMENT}"],
    "act_moves_once": [
        Move("ADJUST", "1", None, "available", ONE_ACT),
        Move("ADJUST", "1", None, "available", ONE_ACT),
    ],
    "reversal_is_the_inverse": [
        Move("ADJUST", "1", None, "available"),
        Move("REVERSAL", "2", "available", None, reverses=AN_ADJUSTMENT),
    ],
    "kinds_move_as_they_say": [Move("RELEASE", "1", "available", "damaged")],
    "allocated_is_what_work_holds": [Move("ALLOCATE", "1", "available", "allocated")],
    "shipped_left_the_shelf": [
        "UPDATE stock_movements SET kind = 'ADJUST' WHERE id = (SELECT id FROM stock_movements WHERE kind = 'SHIP' LIMIT 1)"
    ],
    "what_is_to_be_inspected_is_there": [
        Move("REDISPOSE", "quality_control", "quality_control", "damaged", at=CAME_BACK)
    ],
    # orders
    "line_units_sum": [f"UPDATE order_lines SET open = open + 1 WHERE {FIRST_LINE.format(DECLINED)}"],
    "delivered_at_most_shipped": [f"UPDATE order_lines SET delivered = 4 WHERE {FIRST_LINE.format(SHIPPED)}"],
    "returned_at_most_delivered": [
        f"UPDATE order_lines SET in_open_returns = 9 WHERE {FIRST_LINE.format(ANNOUNCED)}",
        f"UPDATE return_lines SET quantity = 9 FROM returns WHERE returns.id = return_id AND order_id = {ANNOUNCED}",
    ],
    "line_total_is_the_product": [
        f"UPDATE order_lines SET unit_price_minor = unit_price_minor + 1 WHERE {FIRST_LINE.format(PLACED)}"
    ],
    "order_total_is_the_sum": [
        f"UPDATE orders SET subtotal_minor = subtotal_minor + 1, discount_minor = 1 WHERE id = {PLACED}"
    ],
    "promise_is_a_span": [
        f"UPDATE orders SET deliver_by_earliest = now(), deliver_by_latest = now() - interval '1 day' WHERE id = {PLACED}",
        f"UPDATE orders SET deliver_by_latest = NULL, deliver_by_confidence = 0.9 WHERE id = {PLACED}",
        f"UPDATE orders SET promise_model_id = gen_random_uuid() WHERE id = {PLACED}",
    ],
    "learned_promise_lies_ahead": [
        f"""
        WITH learned AS (
            INSERT INTO promise_models (id, channel_id, learned_at, parcels)
            SELECT gen_random_uuid(), channel_id, now(), 1 FROM orders WHERE id = {PLACED} RETURNING id
        )
        UPDATE orders SET promise_model_id = (SELECT id FROM learned), deliver_by_earliest = NULL,
            deliver_by_latest = placed_at - interval '1 hour' WHERE id = {PLACED}
        """
    ],
    "charges_are_the_total": [
        f"UPDATE order_adjustments SET amount_minor = amount_minor + 1 WHERE kind = 'SHIPPING' AND order_id = {PLACED}"
    ],
    "amounts_share_the_currency": [f"UPDATE routing_decisions SET currency = 'EUR' WHERE order_id = {PLACED}"],
    "fulfillment_status_is_derived": [f"UPDATE orders SET fulfillment_status = 'FULFILLED' WHERE id = {PLACED}"],
    "return_status_is_derived": [f"UPDATE orders SET return_status = 'REQUESTED' WHERE id = {PLACED}"],
    "on_hold_while_a_hold_is_open": [f"UPDATE orders SET on_hold = true WHERE id = {PLACED}"],
    "canceled_when_every_unit_is": [f"UPDATE orders SET status = 'PENDING', canceled_at = NULL WHERE id = {CANCELED}"],
    "completed_when_every_unit_is": [
        f"UPDATE orders SET status = 'IN_FULFILLMENT', completed_at = NULL WHERE id = {DELIVERED}"
    ],
    "canceled_orders_hold_nothing": [
        f"UPDATE fulfillment_order_lines SET canceled = 0 WHERE {FIRST_PART.format(CANCELED)}",
        Move("ALLOCATE", "1", "available", "allocated", at=SHOP),
    ],
    # fulfillment
    "work_units_fit": [
        f"UPDATE fulfillment_order_lines SET short = -1, canceled = 1 WHERE {FIRST_PART.format(PICKED)}"
    ],
    "work_is_for_its_order_and_shelf": [
        f"UPDATE fulfillment_order_lines SET variant_id = gen_random_uuid() WHERE {FIRST_PART.format(PICKED)}"
    ],
    "line_agrees_with_its_work": [
        f"UPDATE order_lines SET allocated = allocated - 1, picked = picked + 1 WHERE {FIRST_LINE.format(PLACED)}"
    ],
    "shipments_hold_what_shipped": [
        f"UPDATE shipment_lines SET quantity = quantity + 1 WHERE order_{FIRST_LINE.format(SHIPPED).replace('id =', 'line_id =', 1)}"
    ],
    "shipment_line_is_of_its_work": [
        f"""UPDATE shipment_lines SET order_line_id = (SELECT id FROM order_lines WHERE {FIRST_LINE.format(SHIPPED)})
            WHERE order_line_id IN (SELECT id FROM order_lines WHERE order_id = {SHIPPED})"""
    ],
    "delivered_is_what_arrived": [f"UPDATE shipments SET status = 'IN_TRANSIT' WHERE order_id = {DELIVERED}"],
    "work_waits_for_its_order": [f"UPDATE fulfillment_orders SET status = 'OPEN' WHERE order_id = {PLACED}"],
    "work_waits_for_nothing_else": [f"UPDATE fulfillment_orders SET status = 'SCHEDULED' WHERE order_id = {CONFIRMED}"],
    "finished_work_holds_nothing": [f"UPDATE fulfillment_orders SET status = 'SHIPPED' WHERE order_id = {CONFIRMED}"],
    # payments
    "payment_status_is_derived": [f"UPDATE orders SET payment_status = 'NONE' WHERE id = {PLACED}"],
    "answers_settle_what_was_asked": [
        f"UPDATE payments SET amount_minor = 1 WHERE status = 'REQUESTED' AND order_id = {PLACED}"
    ],
    "entries_follow_their_kind": [
        f"""UPDATE payments SET parent_id = (SELECT id FROM payments WHERE kind = 'AUTHORIZATION'
                                             AND status = 'REQUESTED' AND order_id = {SHIPPED})
            WHERE kind = 'CAPTURE' AND order_id = {SHIPPED}"""
    ],
    "no_more_taken_than_promised": [
        f"UPDATE payments SET amount_minor = amount_minor - 1 WHERE kind = 'AUTHORIZATION' AND order_id = {SHIPPED}"
    ],
    "no_more_given_back_than_taken": [
        f"""UPDATE payments SET amount_minor = (SELECT total_minor + 1 FROM orders WHERE id = {REFUNDED})
            WHERE kind = 'REFUND' AND order_id = {REFUNDED}""",
        f"""UPDATE order_adjustments SET amount_minor = (SELECT -total_minor - 1 FROM orders WHERE id = {REFUNDED})
            WHERE kind = 'RETURN' AND order_id = {REFUNDED}""",
        f"UPDATE orders SET payment_status = 'REFUNDED' WHERE id = {REFUNDED}",
    ],
    "refunds_are_credited": [
        f"UPDATE order_adjustments SET kind = 'GOODWILL' WHERE kind = 'RETURN' AND order_id = {REFUNDED}"
    ],
    # returns
    "returned_is_what_came_back": [f"UPDATE order_lines SET returned = 1 WHERE {FIRST_LINE.format(REFUNDED)}"],
    "in_open_returns_is_what_is_awaited": [
        f"UPDATE order_lines SET in_open_returns = 0 WHERE {FIRST_LINE.format(ANNOUNCED)}"
    ],
    "return_status_agrees_with_receipt": [f"UPDATE returns SET status = 'APPROVED' WHERE order_id = {RECEIVED}"],
    "inspected_is_what_was_looked_at": ["UPDATE return_inspections SET quantity = quantity + 1"],
    "return_is_of_its_order": [f"UPDATE returns SET order_id = {RECEIVED} WHERE order_id = {REFUNDED}"],
    # customers
    "notes_are_told": [
        """UPDATE events SET customer_id = (SELECT id FROM customers WHERE email = 'bob@example.com')
           WHERE type = 'CUSTOMER_NOTE_ADDED'"""
    ],
    # messages
    "pending_messages_have_a_job": ["DELETE FROM jobs WHERE kind = 'SEND_MESSAGE'"],
    # kits
    "kit_is_as_far_as_its_parts": [
        """UPDATE order_lines SET open = 1, allocated = 0
           WHERE id = (SELECT kit_line_id FROM order_lines WHERE kit_line_id IS NOT NULL LIMIT 1)"""
    ],
    "parts_fit_their_kit": [
        f"""UPDATE order_lines SET kit_line_id = (SELECT id FROM order_lines WHERE order_id = {PLACED} AND sku = 'SHOE')
            WHERE kit_line_id IS NOT NULL AND sku = 'SHOE'"""
    ],
    "kits_are_not_nested": [
        """INSERT INTO kit_components SELECT component_variant_id, (SELECT id FROM variants WHERE sku = 'SHOE'), 1
           FROM kit_components JOIN variants v ON v.id = component_variant_id WHERE v.sku = 'SHIRT'"""
    ],
    # reservations
    "reserved_is_what_carts_hold": [Move("RESERVE", "1", "available", "reserved")],
    "carts_hold_while_they_are_active": [
        """INSERT INTO reservation_lines
           SELECT gen_random_uuid(), reservation_id, stock_level_id, variant_id, location_id, sku, 1, 0
           FROM reservation_lines WHERE held > 0 LIMIT 1"""
    ],
    "carts_end_when_they_say": ["UPDATE reservations SET ended_at = NULL WHERE status = 'EXPIRED'"],
    "cart_line_is_of_its_shelf": ["UPDATE reservation_lines SET variant_id = gen_random_uuid() WHERE held = 0"],
    "carts_units_went_somewhere": [
        """UPDATE reservations SET order_id = (SELECT id FROM orders ORDER BY id LIMIT 1)
           WHERE status = 'CONSUMED'"""
    ],
    # work
    "leased_while_somebody_holds_it": ["UPDATE work_items SET leased_by_name = NULL WHERE status = 'LEASED'"],
    "work_ends_when_it_says": ["UPDATE work_items SET failure = NULL WHERE status = 'DEAD'"],
    "work_is_where_its_queue_is": ["UPDATE work_items SET queue = 'location:RIO1' WHERE queue = 'location:SAO1'"],
    "what_is_to_be_put_back_is_there": [
        """UPDATE work_items SET payload = jsonb_set(payload, '{lines,0,quantity}', '9000')
           WHERE kind = 'PUT_BACK' AND status = 'READY'"""
    ],
    "what_was_put_back_moved": [
        "UPDATE work_items SET status = 'READY', closed_at = NULL WHERE kind = 'PUT_BACK' AND status = 'DONE'",
        Move(
            "ADJUST",
            "1",
            None,
            "quality_control",
            at="(SELECT stock_level_id FROM stock_movements WHERE act_type = 'WorkItem')",
        ),
    ],
    # supply
    "purchases_are_what_arrived": ["UPDATE purchase_order_lines SET received = received + 1 WHERE received > 0"],
    "transfers_are_what_moved": [
        "UPDATE transfer_lines SET received = received - 1, missing = missing + 1 WHERE received > 0"
    ],
    "transfer_units_sum": ["UPDATE transfer_lines SET missing = missing + 1 WHERE received > 0"],
    "awaited_while_something_is": ["UPDATE purchase_orders SET status = 'RECEIVED' WHERE status = 'ORDERED'"],
    "counts_move_when_complete": ["UPDATE stock_counts SET status = 'OPEN' WHERE status = 'COMPLETED'"],
    "waiting_keeps_its_limit": ["UPDATE backorders SET limit_units = 0"],
    "waiting_is_what_began_to": ["UPDATE backorders SET quantity = quantity + 1"],
    # exceptions
    "one_of_a_kind_is_open": [
        """UPDATE exceptions SET kind = other.kind, subject_id = other.subject_id
           FROM exceptions other WHERE exceptions.kind = 'STUCK_TRACKING' AND other.kind = 'PROMISE_AT_RISK'"""
    ],
    "exceptions_are_told": [
        "UPDATE events SET type = 'EXCEPTION_ACKNOWLEDGED' WHERE type = 'EXCEPTION_RESOLVED'",
    ],
    "shipments_know_what_was_said_last": [
        f"UPDATE shipments SET heard_code = 'IN_TRANSIT' WHERE order_id = {DELIVERED}"
    ],
    # events
    "events_are_numbered_without_gaps": [
        """INSERT INTO events (type, subject_type, subject_id, sequence, actor_kind, actor_id, actor_name, message, data,
                              occurred_at, recorded_at)
           VALUES ('X', 'Channel', gen_random_uuid(), 2, '', '', '', '', '{}', now(), now())"""
    ],
    "subjects_know_their_last_event": [f"UPDATE orders SET event_sequence = event_sequence + 1 WHERE id = {PLACED}"],
    "positions_have_no_gaps": [
        "UPDATE events SET position = position + 1 WHERE position = (SELECT max(position) FROM events)"
    ],
    "positions_keep_each_subjects_order": [
        f"""UPDATE events SET position = -position + (SELECT sum(position) FROM events
                                                      WHERE sequence < 3 AND subject_id = {CONFIRMED})
            WHERE sequence < 3 AND subject_id = {CONFIRMED}"""
    ],
    "days_know_their_events": ["DELETE FROM event_days WHERE day = (SELECT max(day) FROM event_days)"],
    "labels_are_listed": ["DELETE FROM order_tags WHERE order_id = (SELECT max(id::text)::uuid FROM orders)"],
    "days_count_their_parcels": [
        "INSERT INTO location_days (location_id, day, parcels) SELECT id, '2018-01-02', 1 FROM locations WHERE code = 'SAO1'"
    ],
    "work_is_listed": ["DELETE FROM order_locations WHERE order_id = (SELECT max(id::text)::uuid FROM orders)"],
    # deciding anew
    "who_waits_is_in_the_queue": [
        "UPDATE orders SET unrouted_at = NULL, route_again_at = NULL WHERE unrouted_at IS NOT NULL",
        "UPDATE orders SET unrouted_at = now(), route_again_at = now() WHERE status = 'CANCELED'",
    ],
    "shortfalls_were_promised": [
        """INSERT INTO stock_shortfalls (id, stock_level_id, order_line_id, quantity, act_id, occurred_at)
           SELECT gen_random_uuid(), stock_level_id, order_line_id, short + 1, gen_random_uuid(), now()
           FROM fulfillment_order_lines LIMIT 1""",
    ],
    "claims_have_answers": ["UPDATE idempotency_claims SET answer = NULL"],
    # webhooks
    "pending_deliveries_have_a_job": ["DELETE FROM jobs WHERE kind = 'WEBHOOK_DELIVERY'"],
    "attempts_are_on_record": ["UPDATE webhook_deliveries SET attempts = attempts + 1 WHERE status = 'PENDING'"],
    "what_arrived_was_answered": ["UPDATE webhook_attempts SET response_status = 404 WHERE response_status = 200"],
    "deliveries_keep_each_subjects_order": [
        f"UPDATE webhook_deliveries SET subject_id = {ONE_ACT} WHERE status = 'PENDING'",
        """UPDATE webhook_deliveries later
           SET subject_id = waits.subject_id, endpoint_id = waits.endpoint_id, event_id = 9, queued_at = waits.queued_at,
               ended_at = waits.queued_at + interval '1 second'
           FROM webhook_deliveries waits WHERE waits.status = 'PENDING' AND later.event_id = 7""",
    ],
}


@pytest.fixture(scope="module")
async def stored(database_url: str) -> None:
    """The module's database holds a small world."""
    connection = await asyncpg.connect(database_url)
    await small_world().store(connection)
    await connection.close()


@pytest.fixture
async def loosened(stored: None, connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """That world, where anything may be written; undone afterwards."""
    await connection.execute(LOOSEN)
    return connection  # type: ignore[return-value]


async def test_an_empty_database_passes(fresh_database_url: str) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    assert await verify(connection) == []
    await connection.close()


async def test_a_sound_world_passes_and_progress_is_told(stored: None, database_url: str) -> None:
    told: list[tuple[str, int, int]] = []
    connection = await asyncpg.connect(database_url)
    found = await verify(connection, lambda *step: told.append(step))
    await connection.close()
    assert found == []
    assert [name for name, _, _ in told] == [invariant.name for invariant in INVARIANTS]
    assert [(done, total) for _, done, total in told] == [(n, len(INVARIANTS)) for n in range(len(INVARIANTS))]


async def test_nothing_can_be_written_while_it_looks(stored: None, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)

    async def write(*_: Any) -> None:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("DELETE FROM idempotency_claims")

    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await write()
    await connection.close()


def test_every_invariant_has_a_name_of_its_own_and_a_way_to_break_it() -> None:
    names = [invariant.name for invariant in INVARIANTS]
    assert len(set(names)) == len(names)
    assert set(VIOLATIONS) == set(names)


@pytest.mark.parametrize("name", list(VIOLATIONS))
async def test_each_violation_is_found_under_its_own_name_alone(name: str, loosened: asyncpg.Connection) -> None:
    for step in VIOLATIONS[name]:
        for statement in step.statements() if isinstance(step, Move) else [step]:
            await loosened.execute(statement)
    found = await check(loosened)
    assert [violation.invariant.name for violation in found] == [name]
    assert found[0].count >= 1
    assert found[0].offenders[0].expected != found[0].offenders[0].found


async def test_offenders_are_counted_but_only_the_first_are_told(loosened: asyncpg.Connection) -> None:
    rows = [(f"k{number}",) for number in range(50)]
    await loosened.executemany("INSERT INTO idempotency_claims VALUES ('a', 'm', $1, 'd', NULL, now())", rows)
    (found,) = await check(loosened)
    assert (found.count, len(found.offenders)) == (50, 20)


async def test_entries_of_one_moment_may_stand_in_any_order(loosened: asyncpg.Connection) -> None:
    await loosened.execute("UPDATE stock_movements SET recorded_at = '2018-01-01', id = gen_random_uuid()")
    assert await check(loosened) == []


# -- what is derived in SQL is what the domain derives ----------------------------------------------------------------


async def test_payment_statuses_in_sql_are_those_of_the_domain(loosened: asyncpg.Connection) -> None:
    chance, world, expected = random.Random(7), World(), {}
    for _ in range(400):
        order = bare_order(world)
        charged, credited = chance.choice([0, 100, 200]), chance.choice([0, 0, 100])
        for kind, amount in (("ITEMS", charged), ("RETURN", -credited)):
            world.add("order_adjustments", order_id=order["id"], kind=kind, amount_minor=amount, currency="BRL",
                      act_id=world.new_id(), occurred_at=world.now)  # fmt: skip
        entries = [random_entry(world, order, chance) for _ in range(chance.randint(0, 5))]
        linked = link(entries, chance)
        expected[order["id"]] = payments.payment_status(charged, credited, linked)
    await emptied(loosened)
    await world.store(loosened)
    found = await loosened.fetch(f"SELECT id, derived FROM ({payment_invariants.DERIVED}) o")
    assert {row["id"]: row["derived"] for row in found} == expected
    assert set(expected.values()) == set(orders.PaymentStatus)


def random_entry(world: World, order: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    kind = chance.choices(list(PaymentKind), [6, 6, 3, 4, 1])[0]
    status = chance.choices(list(EntryStatus), [1, 6, 1])[0]
    amount = chance.choice([50, 100, 200])
    return world.add(
        "payments", order_id=order["id"], kind=kind.value, status=status.value, provider="test", amount_minor=amount,
        currency="BRL", parent_id=None, occurred_at=world.now, recorded_at=world.now,
    )  # fmt: skip


def link(rows: list[dict[str, Any]], chance: random.Random) -> list[PaymentEntry]:
    """Let captures and voids follow an authorization, if there is one, then read the rows as the domain does."""
    promised = [row["id"] for row in rows if row["kind"] == "AUTHORIZATION"]
    for row in rows:
        if promised and row["kind"] in ("CAPTURE", "VOID") and chance.random() < 0.8:
            row["parent_id"] = chance.choice(promised)
    return [as_the_domain_reads_it(row) for row in rows]


def as_the_domain_reads_it(row: dict[str, Any]) -> PaymentEntry:
    kind, status = PaymentKind(row["kind"]), EntryStatus(row["status"])
    return PaymentEntry(row["id"], kind, status, row["amount_minor"], "test", parent_id=row["parent_id"])


async def test_order_statuses_in_sql_are_those_of_the_domain(loosened: asyncpg.Connection) -> None:
    chance, world, expected = random.Random(11), World(), {}
    for _ in range(500):
        order = bare_order(world)
        lines = [random_line(world, order, position, chance) for position in range(chance.randint(0, 3))]
        statuses = [chance.choice(["REQUESTED", "APPROVED", "RECEIVED", "CLOSED"]) for _ in range(chance.randint(0, 2))]
        for status in statuses:
            world.add("returns", number=str(world.drawn), order_id=order["id"], channel_id=order["channel_id"],
                      method="MAIL", status=status, currency="BRL", estimated_refund_minor=0, requested_at=world.now)  # fmt: skip
        open_returns = sum(status in ("REQUESTED", "APPROVED") for status in statuses)
        expected[order["id"]] = (
            orders.fulfillment_status(lines),
            orders.return_status(lines, open_returns=open_returns),
            orders.canceled(lines),
            orders.completed(lines),
        )
    await emptied(loosened)
    await world.store(loosened)
    found = await loosened.fetch(
        f"SELECT id, derived_fulfillment, derived_return, canceled, completed FROM ({order_invariants.DERIVED}) o"
    )
    assert {row["id"]: tuple(row)[1:] for row in found} == expected
    assert {statuses[0] for statuses in expected.values()} == set(orders.FulfillmentStatus)
    assert {statuses[1] for statuses in expected.values()} == set(orders.OrderReturnStatus)


def random_line(world: World, order: dict[str, Any], position: int, chance: random.Random) -> Any:
    units = {"quantity": chance.randint(1, 2)}
    for part, most in (
        ("canceled", "quantity"),
        ("shipped", "rest"),
        ("delivered", "shipped"),
        ("returned", "delivered"),
    ):
        limit = units["quantity"] - units["canceled"] if most == "rest" else units[most]
        units[part] = chance.choice([0, limit, limit])
    world.add("order_lines", order_id=order["id"], position=position, variant_id=world.new_id(), sku="S", name="S",
              currency="BRL", unit_price_minor=0, total_minor=0, **units)  # fmt: skip
    return SimpleNamespace(ordered=units["quantity"], **units)


def bare_order(world: World) -> dict[str, Any]:
    return world.add(
        "orders", number=str(world.drawn), channel_id=world.new_id(), status="PENDING", payment_status="NONE",
        fulfillment_status="UNFULFILLED", return_status="NONE", currency="BRL", subtotal_minor=0, discount_minor=0,
        shipping_minor=0, tax_minor=0, total_minor=0, created_at=world.now, placed_at=world.now,
    )  # fmt: skip


async def emptied(connection: asyncpg.Connection) -> None:
    """Only what the test itself stores counts."""
    await connection.execute("TRUNCATE orders, order_lines, order_adjustments, payments, returns, order_holds")
