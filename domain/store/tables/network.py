"""From where we ship, when, and what it costs."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    Integer,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.calendars import Weekday
from domain.stock import LocationKind
from domain.store.tables import columns as c

_EVERY_DAY = f"'{{{','.join(Weekday)}}}'"

locations = Table(
    "locations",
    c.metadata,
    c.id(),
    c.text("code"),
    c.text("name"),
    c.text("kind"),
    *c.address(),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    c.text("time_zone", nullable=True),
    Column("working_days", ARRAY(Text), nullable=False, server_default=text(_EVERY_DAY)),
    Column("cutoff", Time),
    Column("handling_days", Integer, nullable=False, server_default=text("1")),
    c.text("holiday_country", nullable=True),
    c.text("holiday_subdivision", nullable=True),
    Column("closures", ARRAY(Date), nullable=False, server_default=text("'{}'")),
    Column("daily_capacity", Integer),
    c.at("created_at", nullable=False),
    UniqueConstraint("code"),
    c.one_of("kind", LocationKind),
    CheckConstraint(f"working_days <> '{{}}' and working_days <@ {_EVERY_DAY}::text[]", name="works_some_days"),
    CheckConstraint("handling_days between 0 and 60", name="handles_within_days"),
    *c.never_negative("daily_capacity"),
)
"""`time_zone` is null for that of the channel that asks. A location that never works ships nothing, so it cannot be said."""

location_costs = Table(
    "location_costs",
    c.metadata,
    c.of("location_id", "locations", primary_key=True),
    Column("currency", Text, primary_key=True),
    c.minor("packing_minor"),
    c.minor("handling_minor"),
    *c.never_negative("packing_minor", "handling_minor"),
)
"""What a parcel and a unit cost there before any carrier, for channels of that currency."""

location_channels = Table(
    "location_channels",
    c.metadata,
    c.of("location_id", "locations", primary_key=True),
    c.of("channel_id", "channels", primary_key=True, index=True),
)

location_days = Table(
    "location_days",
    c.metadata,
    c.of("location_id", "locations", primary_key=True),
    Column("day", Date, primary_key=True),
    c.count("parcels"),
    *c.never_negative("parcels"),
)
"""Work that locations with a daily capacity were given for a day; kept by triggers on the work, locked by placing."""

carrier_rates = Table(
    "carrier_rates",
    c.metadata,
    c.id(),
    c.text("carrier"),
    c.text("currency"),
    Column("position", Integer, nullable=False),
    c.text("service"),
    c.minor("base_minor"),
    c.minor("per_kg_minor"),
    c.minor("per_kg_1000km_minor"),
    Column("first_days", Integer, nullable=False),
    Column("km_per_day", Double),
    Column("location_kinds", ARRAY(Text), nullable=False),
    Column("location_ids", ARRAY(Uuid), nullable=False),
    Column("countries", ARRAY(Text), nullable=False),
    Column("max_weight_grams", Integer),
    Column("takes_hazmat", Boolean, nullable=False),
    UniqueConstraint("currency", "carrier", "position"),
    CheckConstraint("km_per_day > 0", name="goes_somewhere"),
    *c.never_negative("base_minor", "per_kg_minor", "per_kg_1000km_minor", "first_days", "max_weight_grams"),
)
"""What carriers charge. A carrier's rates in a currency are replaced together; empty lists are no condition."""

public_holidays = Table(
    "public_holidays",
    c.metadata,
    Column("country", Text, primary_key=True),
    Column("subdivision", Text, primary_key=True),
    Column("day", Date, primary_key=True),
)
"""Days off by calendar, of this year and the next, for the calendars that locations go by; no part of a country is ''."""
