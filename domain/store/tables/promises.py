"""What was learned of how long parcels take."""

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy.dialects.postgresql import JSONB

from domain.store.tables import columns as c

promise_models = Table(
    "promise_models",
    c.metadata,
    c.id(),
    c.of("channel_id", "channels"),
    c.at("learned_at", nullable=False),
    Column("parcels", Integer, nullable=False),
    Column("model", JSONB),
    Index("ix_promise_models_channel_id_id", "channel_id", "id"),
)
