"""A small, sound world written row by row, without our own writers: what verify and the read compiler are held against.

`World` keeps rows as dicts until `store` inserts them; every step of a `Story` leaves units, ledger, money and log as
the design wants them, so that a test need only break the one thing that it is about.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain import ids
from domain.store.tables import metadata

Row = dict[str, Any]
BEGIN = datetime(2018, 1, 1, 12, tzinfo=UTC)
OUTSIDE = None
Buckets = tuple[str | None, str | None]
Act = tuple[str, UUID]

ADDRESS: Row = {
    "line1": "Rua Augusta 1024",
    "line2": "apto 7, “fundos” 🏠",
    "city": "São Paulo",
    "region": "SP",
    "postal_code": "01304-001",
    "country": "BR",
}


DAYS = """
    INSERT INTO event_days
    SELECT (occurred_at AT TIME ZONE 'UTC')::date, min(epoch), min(position), max(epoch), max(position)
    FROM events WHERE position IS NOT NULL GROUP BY 1 ON CONFLICT DO NOTHING
"""
"""What the stamper keeps beside the places that it gives."""


NUMBERED = {"events", "jobs"}
"""Tables whose ids the database draws."""


class World:
    """Rows by table, a clock, and ids in the order in which they were drawn."""

    def __init__(self, begin: datetime = BEGIN) -> None:
        self.rows: dict[str, list[Row]] = {table.name: [] for table in metadata.sorted_tables}
        self.now = begin
        self.drawn = 0
        self.position = 0

    # -- rows ------------------------------------------------------------------------------------------------------

    def new_id(self) -> UUID:
        """The next id: the same in every run."""
        self.drawn += 1
        return UUID(int=(0x01610000 << 96) | (0x7 << 76) | (0b10 << 62) | self.drawn)

    def later(self, **span: float) -> datetime:
        """The moment a little later."""
        self.now += timedelta(**span) if span else timedelta(minutes=1, microseconds=1)
        return self.now

    def add(self, table: str, **values: Any) -> Row:
        """One row, with an id where the table has one."""
        if "id" in metadata.tables[table].c and table not in NUMBERED:
            values = {"id": self.new_id(), **values}
        self.rows[table].append(values)
        return values

    async def store(self, connection: asyncpg.Connection) -> None:
        """Insert everything, parents first."""
        for table in metadata.sorted_tables:
            for row in self.rows[table.name]:
                names, numbers = ", ".join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
                await connection.execute(
                    f"INSERT INTO {table.name} ({names}) VALUES ({numbers})", *map(_as_json, row.values())
                )
        await connection.execute("UPDATE event_head SET position = $1", self.position)
        await connection.execute(DAYS)

    # -- what is set up --------------------------------------------------------------------------------------------

    def channel(self, code: str, currency: str) -> Row:
        """A channel with a return window of 30 days."""
        return self.add(
            "channels", code=code, name=code.title(), currency=currency, time_zone="UTC", created_at=self.now
        )

    def location(self, code: str, kind: str = "WAREHOUSE") -> Row:
        """A location in São Paulo."""
        place = {**ADDRESS, "latitude": -23.5, "longitude": -46.625}
        return self.add("locations", code=code, name=f"Depósito {code}", kind=kind, created_at=self.now, **place)

    def customer(self, email: str, kind: str = "REGISTERED") -> Row:
        """A customer with one address."""
        name = email.partition("@")[0]
        row = self.add(
            "customers", kind=kind, email=email, first_name=name, last_name="Conceição", display_name=f"{name} 丸山",
            phone="+5511987654321", tags=["vip", "ünïcode"], created_at=self.later(),
        )  # fmt: skip
        self.add("customer_addresses", customer_id=row["id"], is_default=True, created_at=self.now, **ADDRESS)
        return row

    def note(self, customer: Row, body: str, *, pinned: bool = False) -> Row:
        """Something that staff noted, and told: nothing counts a note's only event."""
        row = self.add(
            "customer_notes", customer_id=customer["id"], body=body, pinned=pinned, author_kind="STAFF",
            author_name="Zoë", created_at=self.later(),
        )  # fmt: skip
        self.event("CUSTOMER_NOTE_ADDED", "CustomerNote", {"id": row["id"]}, customer_id=customer["id"])
        return row

    def message(self, order: Row, kind: str, cause: Row, **given: Any) -> Row:
        """Something that an order's customer was told, or is to be."""
        cause_type = {"SHIPPED": "Shipment", "RETURN_RECEIVED": "Return"}.get(kind, "Order")
        row = self.add(
            "messages", kind=kind, cause_type=cause_type, cause_id=cause["id"], order_id=order["id"],
            channel_id=order["channel_id"], customer_id=order["customer_id"], created_at=self.later(),
            **{"medium": "EMAIL", "status": "PENDING", "recipient": order["email"], **given},
        )  # fmt: skip
        if row["status"] == "PENDING":
            job = {"message": str(row["id"])}
            self.rows["jobs"].append({"kind": "SEND_MESSAGE", "key": str(row["id"]), "payload": job})
        else:
            row["ended_at"] = self.later()
            self.event(f"MESSAGE_{row['status']}", "Message", {"id": row["id"]}, order_id=order["id"],
                       customer_id=order["customer_id"], channel_id=order["channel_id"])  # fmt: skip
        return row

    def opt_out(self, customer: Row, topic: str, medium: str) -> None:
        """A customer who wants to hear less of it."""
        self.add("message_opt_outs", customer_id=customer["id"], topic=topic, medium=medium, opted_out_at=self.later())
        self.event("CUSTOMER_MESSAGES_CHOSEN", "Customer", customer, customer_id=customer["id"])

    def trouble(self, kind: str, subject_type: str, subject: Row, order: Row, **given: Any) -> Row:
        """Something that is wrong, and told."""
        concerns = {
            "order_id": order["id"], "customer_id": order["customer_id"], "channel_id": order["channel_id"],
            "location_id": subject.get("location_id"),
        }  # fmt: skip
        row = self.add(
            "exceptions", kind=kind, subject_type=subject_type, subject_id=subject["id"],
            detected_at=self.later(), due_at=self.now, explanation="3 “units” are late ⚡", event_sequence=0,
            suggested_actions=["orderRoute", "refundCreate"], **{"severity": "MEDIUM", **concerns, **given},
        )  # fmt: skip
        self.event("EXCEPTION_RAISED", "Exception", row, **concerns)
        return row

    def resolve(self, trouble: Row) -> Row:
        """It is over."""
        trouble.update(resolved_at=self.later(), resolution="Tudo certo ✓")
        concerns = {name: trouble[name] for name in ("order_id", "customer_id", "channel_id", "location_id")}
        self.event("EXCEPTION_RESOLVED", "Exception", trouble, **concerns)
        return trouble

    def endpoint(self, number: int, **more: Any) -> Row:
        """Another system that is told what happens; it was operations' idea."""
        owner = {"kind": "STAFF", "name": "Zoë", "role": "OPERATIONS", "scopes": ["events:read"]}
        values = {"url": f"https://example.com/{number}?q=“ü”", "secret": f"whsec_{number}", "types": (),
                  "format": "STANDARD", "status": "ACTIVE", "owner_subject": "staff:OPERATIONS", "owner": owner,
                  "created_at": self.later()}  # fmt: skip
        return self.add("webhook_endpoints", **values | more)

    def delivery(self, endpoint: Row, event: int | None, status: str, *answers: int, **more: Any) -> Row:
        """What was or is to be sent of an event, and how each attempt was answered."""
        values = {"endpoint_id": endpoint["id"], "event_id": event, "type": "ORDER_PLACED" if event else "PING",
                  "status": status, "attempts": len(answers), "queued_at": self.later(),
                  "response_status": answers[-1] if answers else None,
                  "ended_at": None if status == "PENDING" else self.now}  # fmt: skip
        row = self.add("webhook_deliveries", **values | more)
        for number, answer in enumerate(answers, start=1):
            error = None if answer < 300 else f"the receiver answered {answer}"
            self.add("webhook_attempts", delivery_id=row["id"], number=number, began_at=self.later(), duration_ms=12,
                     response_status=answer, response_body="“òk”", error=error)  # fmt: skip
        if status == "PENDING":
            self.add("jobs", kind="WEBHOOK_DELIVERY", payload={"delivery": str(row["id"])})
        return row

    def variant(self, sku: str, channel: Row, price: int) -> Row:
        """A variant of a product of its own."""
        product = self.add("products", code=f"P-{sku}", name=f"Produto “{sku}”", category=None, created_at=self.now)
        row = self.add(
            "variants", product_id=product["id"], sku=sku, name=f"{sku} azul", weight_grams=500, created_at=self.now
        )
        price_of = {"variant_id": row["id"], "channel_id": channel["id"], "currency": channel["currency"]}
        self.add("variant_prices", amount_minor=price, **price_of)
        return row

    def level(self, variant: Row, location: Row, available: int) -> Row:
        """A stock level that was counted once."""
        row = self.add(
            "stock_levels", variant_id=variant["id"], location_id=location["id"], available=0, reserved=0, allocated=0,
            quality_control=0, damaged=0, version=0,
        )  # fmt: skip
        self.later()
        if available:
            self.move(
                row, "COUNT", available, (OUTSIDE, "AVAILABLE"), act=("StockAdjustment", self.new_id()), line_id=None
            )
        return row

    # -- supply ----------------------------------------------------------------------------------------------------

    def purchase(self, number: str, supplier: Row, location: Row, status: str, *told: str, **given: Any) -> Row:
        """A purchase order without its lines, and what was told of it."""
        ended = status in ("RECEIVED", "CANCELED")
        values = {"number": number, "supplier_id": supplier["id"], "location_id": location["id"], "status": status,
                  "currency": "BRL", "expected_at": self.later(days=3), "note": "“urgente” ⏰", "created_at": self.now,
                  "ordered_at": None if status == "DRAFT" else self.now, "closed_at": self.now if ended else None,
                  "event_sequence": 0}  # fmt: skip
        row = self.add("purchase_orders", **{**values, **given})
        for type_ in ("CREATED", *told):
            self.event(f"PURCHASE_ORDER_{type_}", "PurchaseOrder", row, location_id=location["id"])
        return row

    def purchase_line(self, purchase: Row, position: int, variant: Row, ordered: int, **given: int) -> Row:
        """One SKU of it."""
        return self.add(
            "purchase_order_lines", purchase_order_id=purchase["id"], position=position, variant_id=variant["id"],
            sku=variant["sku"], name=variant["name"], ordered=ordered, currency="BRL", unit_cost_minor=420,
            **{"received": 0, "damaged": 0, "canceled": 0, **given},
        )  # fmt: skip

    def transfer(self, number: str, sender: Row, receiver: Row, status: str, *told: str) -> Row:
        """A transfer without its lines, and what was told of it."""
        ended = status in ("RECEIVED", "CANCELED")
        row = self.add(
            "transfers", number=number, from_location_id=sender["id"], to_location_id=receiver["id"], status=status,
            expected_at=self.later(days=2), note="com cuidado 🥚", created_at=self.now,
            shipped_at=None if status == "DRAFT" else self.now, closed_at=self.now if ended else None, event_sequence=0,
        )  # fmt: skip
        for type_ in ("CREATED", *told):
            self.event(f"TRANSFER_{type_}", "Transfer", row, location_id=receiver["id"])
        return row

    def transfer_line(self, transfer: Row, position: int, variant: Row, quantity: int, **given: int) -> Row:
        """One SKU of it."""
        return self.add(
            "transfer_lines", transfer_id=transfer["id"], position=position, variant_id=variant["id"],
            sku=variant["sku"], name=variant["name"], quantity=quantity,
            **{"shipped": 0, "received": 0, "damaged": 0, "missing": 0, **given},
        )  # fmt: skip

    def receipt(self, location: Row, **source: UUID) -> Row:
        """Goods that arrived."""
        return self.add(
            "goods_receipts", location_id=location["id"], reference="NF 1.234", received_at=self.later(),
            recorded_at=self.now, actor_kind="STAFF", actor_name="Zoë", **source,
        )  # fmt: skip

    def count(self, number: str, location: Row, status: str, *told: str) -> Row:
        """A count without its lines, and what was told of it."""
        row = self.add(
            "stock_counts", number=number, location_id=location["id"], status=status, note="corredor 4",
            started_at=self.later(), closed_at=None if status == "OPEN" else self.now, event_sequence=0,
        )  # fmt: skip
        for type_ in ("STARTED", *told):
            self.event(f"STOCK_COUNT_{type_}", "StockCount", row, location_id=location["id"])
        return row

    def count_line(self, count: Row, position: int, level: Row, variant: Row, expected: int, found: int | None) -> Row:
        """One SKU of it."""
        by = {"counted": found, "counted_at": self.now, "counted_by_kind": "STAFF", "counted_by": "Zoë"}
        return self.add(
            "stock_count_lines", stock_count_id=count["id"], position=position, stock_level_id=level["id"],
            variant_id=variant["id"], sku=variant["sku"], name=variant["name"], expected=expected,
            **(by if found is not None else {}),
        )  # fmt: skip

    def cart(self, channel: Row, items: list[tuple[Row, int]], customer: Row | None = None, **given: Any) -> Row:
        """Units of levels that are held for a cart."""
        owner = {"customer_id": customer["id"] if customer else None}
        row = self.add(
            "reservations", channel_id=channel["id"], holder="customer:1" if customer else "shopper:web",
            status="ACTIVE", created_at=self.later(), expires_at=self.now + timedelta(minutes=15), event_sequence=0,
            **{"reference": f"cart-“{len(self.rows['reservations'])}”", **owner, **given},
        )  # fmt: skip
        for level, units in items:
            sku = next(each["sku"] for each in self.rows["variants"] if each["id"] == level["variant_id"])
            line = self.add(
                "reservation_lines", reservation_id=row["id"], stock_level_id=level["id"],
                variant_id=level["variant_id"], location_id=level["location_id"], sku=sku, quantity=units, held=units,
            )  # fmt: skip
            act = ("Reservation", row["id"])
            self.move(level, "RESERVE", units, ("AVAILABLE", "RESERVED"), act=act, line_id=line["id"])
        self.event("RESERVATION_MADE", "Reservation", row, channel_id=channel["id"], **owner)
        return row

    def end_cart(self, cart: Row, status: str) -> Row:
        """What it holds is given back."""
        cart.update(status=status, ended_at=self.later())
        levels = {level["id"]: level for level in self.rows["stock_levels"]}
        for line in self.rows["reservation_lines"]:
            if line["reservation_id"] == cart["id"]:
                line["held"], act = 0, ("Reservation", cart["id"])
                level = levels[line["stock_level_id"]]
                self.move(level, "RELEASE", line["quantity"], ("RESERVED", "AVAILABLE"), act=act, line_id=line["id"])
        concerns = {name: cart[name] for name in ("channel_id", "customer_id")}
        self.event(f"RESERVATION_{status}", "Reservation", cart, **concerns)
        return cart

    # -- what happens ----------------------------------------------------------------------------------------------

    def move(self, level: Row, kind: str, quantity: int, buckets: Buckets, *, act: Act, line_id: UUID | None) -> Row:
        """A ledger entry and what it does to the level."""
        source, target = buckets
        for bucket, units in ((source, -quantity), (target, quantity)):
            if bucket:
                level[bucket.lower()] += units
        entry = self.add(
            "stock_movements", stock_level_id=level["id"], variant_id=level["variant_id"],
            location_id=level["location_id"], kind=kind, quantity=quantity,
            from_bucket=source, from_balance_after=level[source.lower()] if source else None,
            to_bucket=target, to_balance_after=level[target.lower()] if target else None,
            act_type=act[0], act_id=act[1], line_id=line_id, reason=None, actor_kind="SYSTEM", actor_name="test",
            occurred_at=self.now, recorded_at=self.now,
        )  # fmt: skip
        where = {"location_id": level["location_id"], "variant_id": level["variant_id"]}
        self.event("STOCK_MOVED", "StockLevel", level, data={"kind": kind}, **where)
        return entry

    def event(self, type_: str, subject_type: str, subject: Row, data: Any = None, **concerns: UUID | None) -> None:
        """An event, stamped with the next position."""
        counter = "version" if subject_type == "StockLevel" else "event_sequence"
        subject[counter] = subject.get(counter, 0) + 1
        self.position += 1
        self.add(
            "events", epoch=1, position=self.position, type=type_, subject_type=subject_type, subject_id=subject["id"],
            sequence=subject[counter], actor_kind="STAFF", actor_id="test", actor_name="Zoë", message=f"{type_} ✓",
            data=data or {}, occurred_at=self.now, recorded_at=self.now, **concerns,
        )  # fmt: skip

    def work_item(self, queue: str, *told: str, **given: Any) -> Row:
        """Work in a queue, and what was told of it since."""
        row = self.add(
            "work_items",
            **{"kind": "COUNT_SHELF", "queue": queue, "status": "READY", "max_attempts": 5, "attempts": 0,
               "ready_at": self.later(), "created_at": self.now, "event_sequence": 0, **given},
        )  # fmt: skip
        concerns = {name: given.get(name) for name in ("location_id", "order_id", "customer_id", "channel_id")}
        for type_ in ("WORK_ITEM_CREATED", *told):
            self.event(type_, "WorkItem", row, **concerns)
        return row


def _as_json(value: Any) -> Any:
    return orjson.dumps(value, default=str).decode() if isinstance(value, dict) or _is_list_of_dicts(value) else value


def _is_list_of_dicts(value: Any) -> bool:
    return isinstance(value, list) and not (value and isinstance(value[0], str))


class Story:
    """One order and how far it has come. Each step is a whole act."""

    def __init__(
        self,
        world: World,
        channel: Row,
        items: list[tuple[Row, int, int]],
        customer: Row | None = None,
        cart: Row | None = None,
        kit: tuple[Row, int] | None = None,
        **given: Any,
    ) -> None:
        """Placed: `items` are (level, units, unit price); with a cart, what it holds; all one kit (variant, price) of it."""
        self.world, self.channel, self.customer, self.cart = world, channel, customer, cart
        self.levels = [level for level, _, _ in items]
        self.location_id = self.levels[0]["location_id"]
        subtotal = sum(units * price for _, units, price in items) + (kit[1] if kit else 0)
        world.later()
        self.order = self._order(subtotal, **given)
        bundle = self._kit(*kit) if kit else None
        self.lines = [self._line(position, item, bundle) for position, item in enumerate(items, start=2 if kit else 1)]
        self._charge(ITEMS=subtotal, SHIPPING=1_000)
        self.decision = self._decision()
        self.work, self.parts = self._work()
        self._tell("ORDER_PLACED")
        if cart:
            self._consume(cart)
        self.authorization = self._pay("AUTHORIZATION", subtotal + 1_000)

    def _order(self, subtotal: int, **given: Any) -> Row:
        world, customer = self.world, self.customer
        return world.add(
            "orders",
            number=str(100_000 + len(world.rows["orders"]) + 1), channel_id=self.channel["id"],
            customer_id=customer["id"] if customer else None, external_reference=None,
            status="PENDING", payment_status="AUTHORIZED", fulfillment_status="UNFULFILLED", return_status="NONE",
            currency=self.channel["currency"], subtotal_minor=subtotal, discount_minor=0, shipping_minor=1_000,
            tax_minor=0, total_minor=subtotal + 1_000, email=customer["email"] if customer else None,
            tags=["vip"], deliver_by_latest=world.now + timedelta(days=5),
            deliver_by_confidence=0.95, created_at=world.now,
            event_sequence=0, **{"placed_at": world.now, **ADDRESS, **given},
        )  # fmt: skip

    def _kit(self, variant: Row, price: int) -> Row:
        return self.world.add(
            "order_lines", order_id=self.order["id"], position=1, variant_id=variant["id"], sku=variant["sku"],
            name=variant["name"], quantity=1, allocated=1, currency=self.order["currency"], unit_price_minor=price,
            total_minor=price,
        )  # fmt: skip

    def _line(self, position: int, item: tuple[Row, int, int], kit: Row | None = None) -> Row:
        level, units, price = item
        variant = next(row for row in self.world.rows["variants"] if row["id"] == level["variant_id"])
        return self.world.add(
            "order_lines", order_id=self.order["id"], position=position, kit_line_id=kit["id"] if kit else None, variant_id=variant["id"], sku=variant["sku"],
            name=variant["name"], quantity=units, allocated=units, picked=0, shipped=0, delivered=0, canceled=0,
            returned=0, in_open_returns=0, currency=self.order["currency"], unit_price_minor=price,
            total_minor=units * price, delivered_at=None,
        )  # fmt: skip

    def _charge(self, **amounts: int) -> None:
        act_id = self.world.new_id()
        for kind, amount in amounts.items():
            self.world.add(
                "order_adjustments", order_id=self.order["id"], kind=kind, reason=None, amount_minor=amount,
                currency=self.order["currency"], act_id=act_id, occurred_at=self.world.now,
            )  # fmt: skip

    def _decision(self) -> Row:
        place = str(self.location_id)
        chosen = [{"sku": line["sku"], "quantity": line["quantity"]} for line in self.lines]
        return self.world.add(
            "routing_decisions", order_id=self.order["id"], strategy="NEAREST_WITH_EVERYTHING",
            currency=self.order["currency"],
            chosen=[{"location_id": place, "lines": chosen, "distance_km": 12.5, "ship_by": self.world.now}],
            candidates=[
                {"location_id": place, "feasible": True, "rejected_because": None, "distance_km": 12.5},
                {"location_id": str(self.world.new_id()), "feasible": False, "rejected_because": "no “stock”"},
            ],
            unfilled=[], decided_at=self.world.now,
        )  # fmt: skip

    def _work(self) -> tuple[Row, list[Row]]:
        world = self.world
        work = world.add(
            "fulfillment_orders", order_id=self.order["id"], location_id=self.location_id,
            routing_decision_id=self.decision["id"], kind="DELIVERY", status="SCHEDULED", service=None,
            due_at=world.now + timedelta(days=1), created_at=world.now, event_sequence=0,
        )  # fmt: skip
        parts = [self._part(work, level, line) for level, line in zip(self.levels, self.lines, strict=True)]
        return work, parts

    def _part(self, work: Row, level: Row, line: Row) -> Row:
        act = ("RoutingDecision", self.decision["id"])
        buckets = ("RESERVED" if self.cart else "AVAILABLE", "ALLOCATED")
        self.world.move(level, "ALLOCATE", line["quantity"], buckets, act=act, line_id=line["id"])
        return self.world.add(
            "fulfillment_order_lines", fulfillment_order_id=work["id"], order_line_id=line["id"],
            stock_level_id=level["id"], variant_id=line["variant_id"], location_id=level["location_id"],
            sku=line["sku"], name=line["name"], quantity=line["quantity"], picked=0, short=0, shipped=0, canceled=0,
        )  # fmt: skip

    def _consume(self, cart: Row) -> None:
        cart.update(status="CONSUMED", ended_at=self.world.now, order_id=self.order["id"])
        for line in self.world.rows["reservation_lines"]:
            if line["reservation_id"] == cart["id"]:
                line["held"] = 0
        self._tell("RESERVATION_CONSUMED", "Reservation", cart)

    def _pay(self, kind: str, amount: int, parent: Row | None = None, **given: Any) -> Row:
        """A requested entry and the one that settles it."""
        world = self.world
        common = {
            "order_id": self.order["id"], "kind": kind, "provider": "test", "amount_minor": amount,
            "currency": self.order["currency"], "parent_id": parent["id"] if parent else None,
            "occurred_at": world.now, "recorded_at": world.now, **given,
        }  # fmt: skip
        asked = world.add("payments", status="REQUESTED", **common)
        return world.add("payments", status="SUCCEEDED", request_id=asked["id"], last4="4242", **common)

    def _tell(self, type_: str, subject_type: str = "Order", subject: Row | None = None) -> None:
        self.world.event(
            type_, subject_type, subject or self.order, order_id=self.order["id"], location_id=self.location_id,
            customer_id=self.order["customer_id"], channel_id=self.channel["id"],
        )  # fmt: skip

    # -- onwards ---------------------------------------------------------------------------------------------------

    def confirm(self) -> "Story":
        """Accepted; the work is offered."""
        self.order.update(status="CONFIRMED", confirmed_at=self.world.later())
        self.work["status"] = "SCHEDULED" if self.order.get("on_hold") else "OPEN"
        self._tell("ORDER_CONFIRMED")
        self._tell("FULFILLMENT_ORDER_OPENED", "FulfillmentOrder", self.work)
        return self

    def hold(self) -> "Story":
        """Held for its address; work that was offered is taken back."""
        self.world.add(
            "order_holds", order_id=self.order["id"], kind="ADDRESS", reason="número?", placed_at=self.world.later(),
            placed_by_kind="STAFF", placed_by="Zoë",
        )  # fmt: skip
        self.order["on_hold"] = True
        if self.work["status"] == "OPEN":
            self.work["status"] = "SCHEDULED"
        self._tell("ORDER_HELD")
        return self

    def pick(self) -> "Story":
        """Accepted by the location and taken off the shelf."""
        self.order["status"] = "IN_FULFILLMENT"
        self.work.update(status="PICKING", accepted_at=self.world.later())
        for line, part in zip(self.lines, self.parts, strict=True):
            line["picked"], line["allocated"] = line["allocated"], 0
            part["picked"] = part["quantity"]
        self._tell("FULFILLMENT_ORDER_PICKED", "FulfillmentOrder", self.work)
        return self

    def ship(self) -> "Story":
        """Packed, given to a carrier, and paid for."""
        world = self.world
        self.shipment = world.add(
            "shipments", order_id=self.order["id"], fulfillment_order_id=self.work["id"], location_id=self.location_id,
            status="HANDED_OVER", carrier="correios", created_at=world.later(), event_sequence=0, delivered_at=None,
        )  # fmt: skip
        package = world.add(
            "packages", fulfillment_order_id=self.work["id"], shipment_id=self.shipment["id"], carrier="correios",
            weight_grams=1_200, tracking_number=f"BR{self.order['number']}", created_at=world.now,
        )  # fmt: skip
        for level, line, part in zip(self.levels, self.lines, self.parts, strict=True):
            units = line["picked"]
            line["shipped"], line["picked"], part["shipped"] = units, 0, units
            of = {"fulfillment_order_line_id": part["id"], "quantity": units}
            world.add("shipment_lines", shipment_id=self.shipment["id"], order_line_id=line["id"], **of)
            world.add("package_lines", package_id=package["id"], **of)
            act = ("Shipment", self.shipment["id"])
            world.move(level, "SHIP", units, ("ALLOCATED", OUTSIDE), act=act, line_id=line["id"])
        self.work.update(status="SHIPPED", shipped_at=world.now)
        self.order.update(fulfillment_status="FULFILLED", payment_status="PAID")
        self.capture = self._pay("CAPTURE", self.order["total_minor"], self.authorization)
        self._tell("SHIPMENT_CREATED", "Shipment", self.shipment)
        return self

    def deliver(self) -> "Story":
        """Delivered, so completed."""
        world = self.world
        self.shipment.update(status="DELIVERED", delivered_at=world.later(days=2))
        self.shipment.update(heard_at=world.now, heard_code="DELIVERED")
        for code in ("PICKED_UP", "DELIVERED"):
            world.add(
                "tracking_events", shipment_id=self.shipment["id"], code=code, message=f"{code} às 14h",
                place="São Paulo", occurred_at=world.now, recorded_at=world.now,
            )  # fmt: skip
        for line in self.lines:
            line.update(delivered=line["shipped"], delivered_at=world.now)
        self.order.update(status="COMPLETED", completed_at=world.now)
        self._tell("SHIPMENT_DELIVERED", "Shipment", self.shipment)
        self._tell("ORDER_COMPLETED")
        return self

    def ask_return(self, units: int = 1) -> "Story":
        """Units of the first line are announced and approved."""
        world, line = self.world, self.lines[0]
        self.back = world.add(
            "returns", number=str(900_000 + len(world.rows["returns"])), order_id=self.order["id"],
            channel_id=self.channel["id"], customer_id=self.order["customer_id"], location_id=self.location_id,
            method="MAIL", status="APPROVED", currency=self.order["currency"], requested_at=world.later(),
            estimated_refund_minor=units * line["unit_price_minor"], received_at=None, closed_at=None, event_sequence=0,
        )  # fmt: skip
        self.back_line = world.add(
            "return_lines", return_id=self.back["id"], order_line_id=line["id"], quantity=units, reason="DOES_NOT_FIT",
            comment="pequeno 👟", received_quantity=0, inspected_quantity=0,
        )  # fmt: skip
        world.add("return_labels", return_id=self.back["id"], carrier="correios", tracking_number="RT1", url=None,
                  created_at=world.now)  # fmt: skip
        line["in_open_returns"] += units
        self.order["return_status"] = "REQUESTED"
        self._tell("RETURN_REQUESTED", "Return", self.back)
        return self

    def receive(self) -> "Story":
        """Everything announced arrives."""
        world, line, units = self.world, self.lines[0], self.back_line["quantity"]
        self.back.update(status="RECEIVED", received_at=world.later())
        self.back_line["received_quantity"] = units
        line["in_open_returns"] -= units
        line["returned"] += units
        wanted = sum(each["quantity"] - each["canceled"] for each in self.lines)
        back = sum(each["returned"] for each in self.lines)
        self.order["return_status"] = "RETURNED" if back == wanted else "PARTIALLY_RETURNED"
        act = ("Return", self.back["id"])
        world.move(
            self.levels[0], "RETURN_RECEIVE", units, (OUTSIDE, "QUALITY_CONTROL"), act=act, line_id=self.back_line["id"]
        )
        self._tell("RETURN_RECEIVED", "Return", self.back)
        return self

    def inspect(self) -> "Story":
        """Looked at, put back for sale, and refunded."""
        world, units = self.world, self.back_line["quantity"]
        self.back.update(status="CLOSED", closed_at=world.later())
        self.back_line["inspected_quantity"] = units
        found = {"condition": "LIKE_NEW", "disposition": "RESTOCK", "inspected_at": world.now}
        world.add("return_inspections", return_line_id=self.back_line["id"], quantity=units, **found)
        act = ("Return", self.back["id"])
        world.move(
            self.levels[0], "REDISPOSE", units, ("QUALITY_CONTROL", "AVAILABLE"), act=act, line_id=self.back_line["id"]
        )
        amount = units * self.lines[0]["unit_price_minor"]
        self._charge(RETURN=-amount)
        self.refund = self._pay("REFUND", amount, self.capture, return_id=self.back["id"], reason="RETURN")
        self.order["payment_status"] = "PARTIALLY_REFUNDED"
        self._tell("RETURN_CLOSED", "Return", self.back)
        return self

    def wait(self) -> "Story":
        """One unit of the first line turns out not to be there; it may wait for supply."""
        line, part = self.lines[0], self.parts[0]
        line.update(allocated=line["allocated"] - 1, backordered=1, backordered_at=self.order["placed_at"])
        part["canceled"] += 1
        act, buckets = ("Pick", self.world.new_id()), ("ALLOCATED", "AVAILABLE")
        self.world.later()
        self.world.move(self.levels[0], "DEALLOCATE", 1, buckets, act=act, line_id=part["id"])
        self.world.add(
            "backorders", order_line_id=line["id"], order_id=self.order["id"], variant_id=line["variant_id"],
            quantity=1, policy="BACKORDER", limit_units=5, waiting_after=1, recorded_at=self.world.now,
        )  # fmt: skip
        self._tell("ORDER_BACKORDERED")
        return self

    def fill(self) -> "Story":
        """Supply arrives for the unit that waited."""
        line, part, world = self.lines[0], self.parts[0], self.world
        line.update(allocated=line["allocated"] + 1, backordered=0)
        part["quantity"] += 1
        world.later()
        decision = self._decision()
        act = ("RoutingDecision", decision["id"])
        world.move(self.levels[0], "ALLOCATE", 1, ("AVAILABLE", "ALLOCATED"), act=act, line_id=line["id"])
        world.add(
            "backorder_fills", order_line_id=line["id"], order_id=self.order["id"], variant_id=line["variant_id"],
            quantity=1, routing_decision_id=decision["id"], recorded_at=world.now,
        )  # fmt: skip
        self._tell("ORDER_BACKORDER_FILLED")
        return self

    def pay_elsewhere(self) -> "Story":
        """The whole amount was taken at a till and is only put on record."""
        self.world.add(
            "payments", order_id=self.order["id"], kind="CAPTURE", status="SUCCEEDED", provider="manual",
            amount_minor=self.order["total_minor"], currency=self.order["currency"], method="cash",
            occurred_at=self.world.later(), recorded_at=self.world.now,
        )  # fmt: skip
        self.order["payment_status"] = "PAID"
        self._tell("PAYMENT_CAPTURED")
        return self

    def cancel(self) -> "Story":
        """Everything is called off; the money was only promised."""
        world = self.world
        self.order.update(status="CANCELED", canceled_at=world.later(), payment_status="VOIDED")
        act = ("OrderCancellation", world.new_id())
        for level, line, part in zip(self.levels, self.lines, self.parts, strict=True):
            line["canceled"], line["allocated"] = line["quantity"], 0
            part["canceled"] = part["quantity"]
            world.move(level, "DEALLOCATE", line["quantity"], ("ALLOCATED", "AVAILABLE"), act=act, line_id=line["id"])
        self.work.update(status="CANCELED", closed_at=world.now)
        self._charge(CANCELLATION=-self.order["total_minor"])
        self._pay("VOID", self.order["total_minor"], self.authorization)
        self._tell("ORDER_CANCELED")
        return self

    def decline(self) -> "Story":
        """The location is closed, and the goods must come from there."""
        world, decision = self.world, self.decision
        gaps = [{"sku": line["sku"], "quantity": line["quantity"], "reason": "NO_STOCK"} for line in self.lines]
        for level, line, part in zip(self.levels, self.lines, self.parts, strict=True):
            line.update(open=line["quantity"], allocated=0, pinned_location_id=level["location_id"])
            part["short"] = part["quantity"]
            act = ("Rejection", self.work["id"])
            world.move(level, "DEALLOCATE", line["quantity"], ("ALLOCATED", "AVAILABLE"), act=act, line_id=part["id"])
        self.work.update(status="REJECTED", closed_at=world.later())
        self.order.update(unrouted_at=world.now, route_again_at=world.now + timedelta(minutes=5), route_attempts=1)
        world.add(
            "routing_decisions", order_id=self.order["id"], strategy="NONE", currency=decision["currency"], chosen=[],
            candidates=decision["candidates"], unfilled=gaps, decided_at=world.now, decided_by_kind="STAFF",
            decided_by="Zoë",
        )  # fmt: skip
        self._tell("FULFILLMENT_ORDER_REJECTED", "FulfillmentOrder", self.work)
        return self

    def call_off(self) -> "Story":
        """Everything is called off after the pick: the units wait in quality control until they are put back."""
        world = self.world
        self.order.update(status="CANCELED", canceled_at=world.later(), payment_status="VOIDED")
        act = ("OrderCancellation", world.new_id())
        for level, line, part in zip(self.levels, self.lines, self.parts, strict=True):
            line["canceled"], line["picked"] = line["quantity"], 0
            part["canceled"], part["picked"] = part["quantity"], 0
            buckets = ("ALLOCATED", "QUALITY_CONTROL")
            world.move(level, "DEALLOCATE", line["quantity"], buckets, act=act, line_id=line["id"])
        self.work.update(status="CANCELED", closed_at=world.now)
        self._charge(CANCELLATION=-self.order["total_minor"])
        self._pay("VOID", self.order["total_minor"], self.authorization)
        self._tell("ORDER_CANCELED")
        code = next(row["code"] for row in world.rows["locations"] if row["id"] == self.location_id)
        lines = [
            {"stockLevelId": gid("StockLevel", level), "fulfillmentOrderLineId": gid("FulfillmentOrderLine", part),
             "sku": line["sku"], "quantity": line["quantity"]}
            for level, line, part in zip(self.levels, self.lines, self.parts, strict=True)
        ]  # fmt: skip
        self.item = world.work_item(
            f"location:{code}", kind="PUT_BACK", location_id=self.location_id, subject_type="FulfillmentOrder",
            subject_id=self.work["id"], order_id=self.order["id"], customer_id=self.order["customer_id"],
            channel_id=self.channel["id"], payload={"lines": lines}, note="de volta à prateleira",
        )  # fmt: skip
        return self

    def put_back(self) -> "Story":
        """The units are on the shelf again."""
        world, act = self.world, ("WorkItem", self.item["id"])
        self.item.update(status="DONE", closed_at=world.later(), attempts=1, result={"note": "feito"})
        for level, line, part in zip(self.levels, self.lines, self.parts, strict=True):
            buckets = ("QUALITY_CONTROL", "AVAILABLE")
            world.move(level, "REDISPOSE", line["quantity"], buckets, act=act, line_id=part["id"])
        for type_ in ("WORK_ITEM_CLAIMED", "WORK_ITEM_COMPLETED"):
            self._tell(type_, "WorkItem", self.item)
        return self


FAR = datetime(2099, 1, 1, tzinfo=UTC)


def small_work(world: World, depot: Row, shop: Row, customer: Row) -> None:
    """A work item in each state, also in those that only the clock has left."""
    taken = {"lease": world.new_id(), "leased_by": "warehouse:wim", "leased_by_kind": "STAFF", "leased_by_name": "Wim"}
    here, there = {"location_id": depot["id"]}, {"location_id": shop["id"]}
    world.work_item("location:SAO1", priority=5, due_at=world.now, required_skills=["forklift", "cold “store”"], **here)
    world.work_item(
        "location:SAO1", "WORK_ITEM_CLAIMED", status="LEASED", attempts=1, **here, **{**taken, "ready_at": FAR}
    )
    world.work_item("location:SAO1", "WORK_ITEM_CLAIMED", status="LEASED", attempts=2, **here, **taken)
    failed = {"status": "FAILED", "failure": "no ladder 🪜", "assigned_to": "store:zoe"}
    told = ("WORK_ITEM_CLAIMED", "WORK_ITEM_FAILED")
    world.work_item("location:RIO1", *told, attempts=1, due_at=FAR, **there, **{**failed, "ready_at": FAR})
    world.work_item("desk:RIO1", *told, attempts=1, priority=-3, **there, **failed)
    about = {"subject_type": "Customer", "subject_id": customer["id"], "customer_id": customer["id"]}
    world.work_item("call-center", kind="CALL_BACK", due_at=world.now, payload={"phone": ["+55", None, 1.5]}, **about)
    dead = {"status": "DEAD", "failure": "nobody answers", "closed_at": world.now, "attempts": 5}
    world.work_item("call-center:refunds", "WORK_ITEM_CLAIMED", "WORK_ITEM_DEAD", kind="CALL_BACK", **about, **dead)


def small_demand(world: World, cap: Row, wanted: Row, place: Row) -> None:
    """Something that only supply has, and what was ordered of late by the clock that the database goes by."""
    bought = world.purchase("100005", world.rows["suppliers"][0], place, "ORDERED", "ORDERED", expected_at=FAR)
    world.purchase_line(bought, 1, cap, 40)
    today, shop = datetime.now(UTC).date(), world.rows["locations"][1]["id"]
    here = {"variant_id": wanted["variant_id"], "location_id": wanted["location_id"]}
    for days, units, where in ((0, 3, here), (20, 2_000, here), (40, 600, here), (3, 1, {**here, "location_id": shop})):
        world.add("demand_days", day=today - timedelta(days=days), units=units, **where)


def small_supply(world: World, depot: Row, shop: Row, shirt: Row, shoe: Row, levels: tuple[Row, Row, Row]) -> None:
    """Purchases, transfers and counts in every state; `levels` are shirts and shoes in the depot, shirts in the shop."""
    shirts, shoes, shirts_in_shop = levels
    inside, broken = (OUTSIDE, "AVAILABLE"), (OUTSIDE, "DAMAGED")
    acme = world.add("suppliers", code="ACME", name="Acme “Têxtil”", email="a@acme.example", phone="+551133334444",
                     lead_time_days=10,
                     created_at=world.now)  # fmt: skip
    other = world.add("suppliers", code="OTHER", name="Outro", created_at=world.now)
    world.purchase_line(world.purchase("100001", acme, depot, "DRAFT", expected_at=FAR), 1, shirt, 10)
    ordered = world.purchase("100002", other, shop, "ORDERED", "ORDERED", expected_at=FAR)
    world.purchase_line(ordered, 1, shirt, 20)
    bought = world.purchase("100003", acme, depot, "PARTIALLY_RECEIVED", "ORDERED", "RECEIVED", reference="PO-7")
    first, second = (
        world.purchase_line(bought, 1, shirt, 20, received=6, damaged=1),
        world.purchase_line(bought, 2, shoe, 5),
    )
    assert second["received"] == 0
    receipt = world.receipt(depot, purchase_order_id=bought["id"])
    act = ("GoodsReceipt", receipt["id"])
    world.move(shirts, "RECEIVE", 6, inside, act=act, line_id=first["id"])
    world.move(shirts, "RECEIVE", 1, broken, act=act, line_id=first["id"])
    gone = world.purchase("100004", other, depot, "CANCELED", "CANCELED")
    world.purchase_line(gone, 1, shoe, 3, canceled=3)

    world.transfer_line(world.transfer("100001", shop, depot, "DRAFT"), 1, shirt, 4)
    away = world.transfer("100002", depot, shop, "IN_TRANSIT", "SHIPPED")
    line = world.transfer_line(away, 1, shirt, 5, shipped=5)
    outside = ("AVAILABLE", OUTSIDE)
    world.move(shirts, "TRANSFER_OUT", 5, outside, act=("Transfer", away["id"]), line_id=line["id"])
    done = world.transfer("100003", depot, shop, "RECEIVED", "SHIPPED", "RECEIVED")
    line = world.transfer_line(done, 1, shirt, 4, shipped=4, received=2, damaged=1, missing=1)
    world.move(shirts, "TRANSFER_OUT", 4, outside, act=("Transfer", done["id"]), line_id=line["id"])
    act = ("GoodsReceipt", world.receipt(shop, transfer_id=done["id"])["id"])
    world.move(shirts_in_shop, "TRANSFER_IN", 2, inside, act=act, line_id=line["id"])
    world.move(shirts_in_shop, "TRANSFER_IN", 1, broken, act=act, line_id=line["id"])

    counting = world.count("100001", depot, "OPEN", "RECORDED")
    world.count_line(counting, 1, shirts, shirt, 90, 91)
    world.count_line(counting, 2, shoes, shoe, 40, None)
    counted = world.count("100002", shop, "COMPLETED", "RECORDED", "COMPLETED")
    world.count_line(counted, 1, shirts_in_shop, shirt, 29, 30)
    world.move(shirts_in_shop, "COUNT", 1, inside, act=("StockCount", counted["id"]), line_id=None)


def small_carts(world: World, channel: Row, items: list[tuple[Row, int]], elsewhere: Row, customer: Row) -> None:
    """A reservation in each state but the one that an order brings about."""
    world.cart(channel, items, customer)
    world.cart(channel, [*items, (elsewhere, 1)], reference="cart-1")
    for status in ("RELEASED", "EXPIRED"):
        world.end_cart(world.cart(channel, items, customer if status == "EXPIRED" else None), status)


def small_world() -> World:
    """Two locations, two channels and one order at each step of its life."""
    world = World()
    web, phone = world.channel("web", "BRL"), world.channel("phone", "JPY")
    depot, shop = world.location("SAO1"), world.location("RIO1", "STORE")
    ana, bob = world.customer("ana@example.com"), world.customer("bob@example.com", "GUEST")
    shirt, shoe = world.variant("SHIRT", web, 4_990), world.variant("SHOE", web, 12_000)
    shirts, shoes = world.level(shirt, depot, 100), world.level(shoe, depot, 50)
    shirts_in_shop = world.level(shirt, shop, 30)
    for place in (depot, shop):
        world.add("location_channels", location_id=place["id"], channel_id=web["id"])

    both = [(shirts, 2, 4_990), (shoes, 1, 12_000)]
    Story(world, web, both, ana)
    Story(world, web, both, ana).hold()
    Story(world, web, both, bob).confirm()
    Story(world, web, both, bob).confirm().hold()
    picking = Story(world, web, both, ana).confirm().pick()
    shipped = Story(world, web, both, ana).confirm().pick().ship()
    Story(world, web, [(shirts_in_shop, 3, 4_990)], bob).confirm().pick().ship().deliver()
    Story(world, web, both, ana).confirm().pick().ship().deliver().ask_return()
    Story(world, web, both, ana).confirm().pick().ship().deliver().ask_return().receive()
    Story(world, web, both, ana).confirm().pick().ship().deliver().ask_return(2).receive().inspect()
    Story(world, phone, [(shirts_in_shop, 1, 4_990)], None).cancel()
    Story(world, web, [(shoes, 1, 12_000)], bob).pay_elsewhere()
    Story(world, web, [(shoes, 2, 12_000)], ana).confirm().pick().call_off()
    Story(world, web, [(shirts_in_shop, 1, 4_990)], bob).confirm().pick().call_off().put_back()
    Story(world, web, [(shirts_in_shop, 2, 4_990)], ana).confirm().decline()
    shoe.update(backorder_policy="BACKORDER", backorder_limit=5)
    shirt.update(backorder_policy="PREORDER", backorder_limit=None, releases_at=FAR)
    Story(world, web, [(shoes, 2, 12_000)], ana).wait()
    Story(world, web, [(shoes, 2, 12_000)], bob).wait().fill()
    small_supply(world, depot, shop, shirt, shoe, (shirts, shoes, shirts_in_shop))
    small_work(world, depot, shop, ana)
    cap = world.variant("CAP", web, 990)
    world.level(cap, depot, 0)
    world.level(world.variant("SCARF", web, 1_990), shop, 5)
    small_demand(world, cap, shirts, depot)
    small_carts(world, web, [(shirts, 2), (shoes, 1)], shirts_in_shop, ana)
    Story(world, web, both, ana, cart=world.cart(web, [(shirts, 2), (shoes, 1)], ana))
    outfit = world.variant("OUTFIT", web, 15_000)
    for part, units in ((shirt, 2), (shoe, 1)):
        parts = {"kit_variant_id": outfit["id"], "component_variant_id": part["id"]}
        world.add("kit_components", quantity=units, **parts)
    Story(world, web, [(shirts, 2, 0), (shoes, 1, 0)], ana, kit=(outfit, 15_000))
    world.resolve(world.trouble("LATE_PICK", "FulfillmentOrder", picking.work, picking.order))
    world.trouble("LATE_SHIPMENT", "FulfillmentOrder", picking.work, picking.order, severity="HIGH")
    world.trouble("STUCK_TRACKING", "Shipment", shipped.shipment, shipped.order)
    world.trouble("PROMISE_AT_RISK", "Order", shipped.order, shipped.order, severity="CRITICAL")
    world.trouble("PAYMENT_EXPIRING", "Payment", picking.authorization, picking.order)
    for body, pinned in (("prefers “evenings” 🌙", True), ("called about 100001", False), ("called again", False)):
        world.note(ana, body, pinned=pinned)
    tell(world, ana)
    small_network(world, web, depot, shop)
    small_what_if(world, web, depot, shop)
    told = world.endpoint(1, types=["ORDER_PLACED", "STOCK_MOVED"], channel_id=web["id"], query="{ viewer { kind } }",
                          description="ERP “ü”", previous_secret="whsec_0", previous_secret_until=world.now)  # fmt: skip
    failing = world.endpoint(2, status="FAILING", failures=11, holds=1, held_until=world.now, format="CLOUDEVENTS")
    world.endpoint(3, status="DISABLED", disabled_reason="It is moved.", disabled_at=world.now, owner_subject="app")
    for event in range(1, 8):
        world.delivery(told, event, "DELIVERED", 200)
    world.delivery(told, None, "DEAD", 404, error="the receiver answered 404")
    world.delivery(told, 8, "DELIVERED", 500, 503, 200)
    world.delivery(failing, 8, "PENDING", 500, error="the receiver answered 500", next_attempt_at=world.now)
    world.add("idempotency_claims", actor="test", mutation="orderPlace", key="k1", digest="d", answer={"id": "x"},
              claimed_at=world.now)  # fmt: skip
    return world


def small_network(world: World, channel: Row, depot: Row, shop: Row) -> None:
    """What routing goes by: a location with a calendar and costs, what a carrier charges, rules that held and hold."""
    depot.update(
        tags=["cold “store”", "north"], time_zone="America/Sao_Paulo", working_days=["MONDAY", "SATURDAY"],
        cutoff=time(14, 30), handling_days=0, holiday_country="BR", holiday_subdivision="SP",
        closures=(date(2018, 12, 24),), daily_capacity=100,
    )  # fmt: skip
    for currency, packing in (("BRL", 150), ("JPY", 90)):
        world.add("location_costs", location_id=depot["id"], currency=currency, packing_minor=packing, handling_minor=7)
    rate = {"carrier": "correios", "currency": "BRL", "base_minor": 1_250, "per_kg_minor": 80,
            "per_kg_1000km_minor": 310, "location_kinds": ["STORE", "WAREHOUSE"], "location_ids": (),
            "countries": (), "takes_hazmat": False}  # fmt: skip
    for service, amount in (("PAC “ü”", 0), ("SEDEX", 2_990)):
        world.add(
            "shipping_prices", channel_id=channel["id"], service=service, currency=channel["currency"],
            amount_minor=amount,
        )  # fmt: skip
    world.add("carrier_rates", position=1, service="PAC “ü”", first_days=3, **rate)
    world.add("carrier_rates", position=2, service="SEDEX", first_days=1, km_per_day=812.5, max_weight_grams=30_000,
              **{**rate, "location_ids": (depot["id"], shop["id"]), "countries": ["BR"]})  # fmt: skip
    former = small_ruleset(world, channel, 1, "RETIRED", "the “first”", [], retired_at=world.now)
    world.event("ROUTING_RULESET_RETIRED", "RoutingRuleset", former, channel_id=channel["id"])
    everything = {
        "location_kind": ["STORE"], "location_codes": ["RIO1"], "location_tags": ["north"], "within_km": 50.5,
        "beyond_km": 1.5, "same_country": True, "same_region": False, "destination_countries": ["BR"],
        "destination_regions": ["SP"], "services": ["SEDEX"], "line_weight_above_grams": 10_000,
        "line_longest_above_mm": 900, "hazmat": True, "order_value_above_minor": 100, "order_value_below_minor": 900,
    }  # fmt: skip
    effects: list[Row] = [{"exclude": True}, {"only": True}, {"prefer": 1}, {"surcharge_minor": -250}, {"max_share": 0.25},
               {"min_parcel_value_minor": 5_000}]  # fmt: skip
    small_ruleset(world, channel, 2, "LIVE", "verão ☀", [(everything if n else {}, effect) for n, effect in enumerate(effects)],
                  max_parcels=2, markdowns=[{"location_id": str(shop["id"]), "minor": 120, "currency": "BRL"}])  # fmt: skip
    small_ruleset(world, channel, 3, "SHADOW", "inverno", [])


def small_ruleset(
    world: World, channel: Row, version: int, mode: str, name: str, rules: list[tuple[Row, Row]], **given: Any
) -> Row:
    """Rules of a channel, and told."""
    row = world.add(
        "routing_rulesets", channel_id=channel["id"], version=version, name=name, mode=mode, currency="BRL",
        rules=[
            {"position": place, "name": f"rule “{place}”", "currency": "BRL", "conditions": about, "effect": effect}
            for place, (about, effect) in enumerate(rules, start=1)
        ],
        allow_split=True, split_lines=True, ship_complete=False, late_allowed=True, wait_for_capacity=True,
        lateness_minor_per_day=500, split_minor=500,
        weights={"cost": "1", "lateness": "4", "split": "2", "stock": "0.5"}, activated_at=world.later(),
        activated_by_kind="STAFF", activated_by="Zoë", event_sequence=0, **{"markdowns": [], **given},
    )  # fmt: skip
    world.event("ROUTING_RULESET_ACTIVATED", "RoutingRuleset", row, channel_id=channel["id"])
    return row


def small_what_if(world: World, channel: Row, depot: Row, shop: Row) -> None:
    """A large simulation in every state, and what the rules in shadow would have decided, or will be asked."""
    some, none = (
        {"cost_minor": cost, "parcels": 3, "split_rate": rate, "on_time_rate": rate, "average_distance_km": km,
         "unfilled_units": 1}
        for cost, rate, km in ((12_345, 0.25, 350.125), (9_007_199_254_740_993, None, None))
    )  # fmt: skip
    order = world.rows["orders"][0]
    change = {"order_id": str(order["id"]), "ships_from": [str(depot["id"]), str(shop["id"])], "ships_to": [],
              "delta_minor": -1_205, "currency": "BRL"}  # fmt: skip
    result = {"currency": "BRL", "orders": 7, "current": some, "proposed": none, "changed_count": 30,
              "changed": [change] * 30}  # fmt: skip
    asked = {"channel_id": channel["id"], "ruleset_name": "e “se”?", "ruleset": {}, "placed_from": BEGIN,
             "placed_to": world.now, "total": 7, "requested_by_kind": "STAFF", "requested_by": "Zoë"}  # fmt: skip
    for status, ended in (
        ("WAITING", {}),
        ("RUNNING", {"processed": 2, "state": b"x"}),
        ("DONE", {"processed": 7, "result": result, "finished_at": world.now}),
        ("FAILED", {"error": "não “deu”", "finished_at": world.now}),
    ):
        world.add("routing_simulations", status=status, requested_at=world.later(), **asked, **ended)
    figures = {"cost_minor": 1_000, "orders_shipped": 1, "orders_split": 0, "orders_promised": 1, "orders_on_time": 1,
               "parcels": 1, "parcels_placed": 1, "distance_km": 12.5, "unfilled_units": 0}  # fmt: skip
    ruleset = world.rows["routing_rulesets"][-1]
    for decision, answered in zip(world.rows["routing_decisions"][:2], (True, False), strict=True):
        chosen = [{**each, "carrier": "correios"} for each in decision["chosen"]]
        answer = {"strategy": "LEAST_COST", "chosen": chosen, "changed": True, "live": figures,
                  "unfilled": [{"sku": "SHIRT", "quantity": 1, "reason": "NO_STOCK"}],
                  "shadow": {**figures, "cost_minor": 900}} if answered else {}  # fmt: skip
        world.add(
            "routing_shadows", decision_id=decision["id"], order_id=decision["order_id"], channel_id=channel["id"],
            ruleset_id=ruleset["id"], currency="BRL", decided_at=decision["decided_at"], **answer,
        )  # fmt: skip


def tell(world: World, customer: Row) -> None:
    """A message in every state, and a customer who chose."""
    shipment = world.rows["shipments"][0]
    order = next(row for row in world.rows["orders"] if row["id"] == shipment["order_id"])
    world.message(order, "ORDER_CONFIRMED", order, status="SENT", locale="pt-BR", subject="Pedido “confirmado” ✓")
    world.message(order, "SHIPPED", shipment, status="FAILED", reason="550 no such user")
    world.message(order, "DELAYED", order, status="SUPPRESSED", medium="SMS", recipient=None, reason="no address")
    world.message(order, "DELAYED", order, reason="451 try again")
    back = world.rows["returns"][0]
    returned = next(row for row in world.rows["orders"] if row["id"] == back["order_id"])
    world.message(returned, "RETURN_RECEIVED", back, status="SENT", locale="en", subject="We have it")
    customer["locale"] = order["locale"] = world.rows["channels"][0]["locale"] = "pt-BR"
    world.opt_out(customer, "DELIVERY", "EMAIL")
    world.opt_out(customer, "ORDER", "SMS")


def gid(typename: str, row: Row) -> str:
    """The id that clients see."""
    return ids.encode(typename, row["id"])


TABLES = {
    "Refund": "payments", "Allocation": "fulfillment_order_lines", "Pickup": "fulfillment_orders",
    "Incoming": "purchase_order_lines",
    "StockMovement": "stock_movements", "CustomerAddress": "customer_addresses", "StockLevel": "stock_levels",
    "FulfillmentOrderLine": "fulfillment_order_lines", "FulfillmentOrder": "fulfillment_orders",
    "RoutingDecision": "routing_decisions", "RoutingRuleset": "routing_rulesets", "CarrierRate": "carrier_rates",
    "RoutingSimulationJob": "routing_simulations", "OrderLine": "order_lines", "OrderHold": "order_holds",
    "OrderAdjustment": "order_adjustments", "CustomerNote": "customer_notes", "Exception": "exceptions",
    "WebhookEndpoint": "webhook_endpoints", "WebhookDelivery": "webhook_deliveries", "WorkItem": "work_items",
    "PurchaseOrder": "purchase_orders", "PurchaseOrderLine": "purchase_order_lines", "TransferLine": "transfer_lines",
    "GoodsReceipt": "goods_receipts", "StockCount": "stock_counts", "StockCountLine": "stock_count_lines",
    "BackorderFill": "backorder_fills", "TrackingEvent": "tracking_events", "ReturnLine": "return_lines",
}  # fmt: skip


def rows_of(typename: str, world: World) -> list[Row]:
    """The rows that may be objects of a type."""
    return world.rows.get(TABLES.get(typename, f"{typename.lower()}s"), [])
