"""The log, how far its readers are, and what was already answered."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.store.tables import columns as c

event_ids = Sequence("events_id_seq", data_type=BigInteger, metadata=c.metadata)

events = Table(
    "events",
    c.metadata,
    Column("id", BigInteger, event_ids, server_default=event_ids.next_value(), primary_key=True),
    Column("epoch", Integer),
    Column("position", BigInteger),
    c.text("type"),
    c.text("subject_type"),
    Column("subject_id", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("customer_id", Uuid),
    Column("order_id", Uuid),
    Column("location_id", Uuid),
    Column("channel_id", Uuid),
    Column("variant_id", Uuid),
    c.text("actor_kind"),
    c.text("actor_id"),
    c.text("actor_name"),
    c.text("message"),
    Column("data", JSONB, nullable=False),
    c.at("occurred_at", nullable=False),
    c.at("recorded_at", nullable=False),
    # Each partition has beside these what is unique in it: (subject_id, sequence) and (epoch, position). See `months`.
    Index("ix_events_unstamped", "id", postgresql_where=text("position is null")),
    Index(
        "ix_events_order_id_epoch_position",
        "order_id",
        "epoch",
        "position",
        postgresql_where=text("order_id is not null"),
    ),
    Index(
        "ix_events_customer_id_epoch_position",
        "customer_id",
        "epoch",
        "position",
        postgresql_where=text("customer_id is not null"),
    ),
    # What has no place yet is in none of these, so that only the stamper writes them, not whoever waits for an answer.
    Index("ix_events_type_epoch_position", "type", "epoch", "position", postgresql_where=text("position is not null")),
    *(
        Index(
            "_".join(("ix_events", *keys)),
            *keys,
            postgresql_where=text(f"{keys[0]} is not null and position is not null"),
        )
        for column in ("location_id", "channel_id")
        for keys in ((column, "epoch", "position"), (column, "type", "epoch", "position"))
    ),
    Index(
        "ix_events_variant_id_epoch_position",
        "variant_id",
        "epoch",
        "position",
        postgresql_where=text("variant_id is not null and position is not null"),
    ),
    postgresql_partition_by="RANGE (id)",
)

event_days = Table(
    "event_days",
    c.metadata,
    Column("day", Date, primary_key=True),
    Column("first_epoch", Integer, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_epoch", Integer, nullable=False),
    Column("last_position", BigInteger, nullable=False),
)
"""Where in the log the events lie that happened on a day (UTC). They may be told late, so it is no index of the log."""

event_head = Table(
    "event_head",
    c.metadata,
    Column("epoch", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("floor_epoch", Integer, nullable=False, server_default=text("0")),
    Column("floor_position", BigInteger, nullable=False, server_default=text("0")),
    c.at("floor_recorded_at"),
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    CheckConstraint("singleton", name="one_row"),
)

relays = Table(
    "relays",
    c.metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
)
"""How far each of the log's readers has come."""

idempotency_claims = Table(
    "idempotency_claims",
    c.metadata,
    Column("actor", Text, primary_key=True),
    Column("mutation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("answer", JSONB),
    c.at("claimed_at", nullable=False),
    Index("ix_idempotency_claims_claimed_at", "claimed_at"),
)
