"""The network that orders are routed over: locations' calendars and costs, carriers' rates, rules, prices, capacity.

Revision ID: 0011
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what routing knows, the versions by which it is kept in memory, and how decisions are explained."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
ALTER TABLE channels
    ADD COLUMN network_version BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN prices_solved_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE locations
    ADD COLUMN tags TEXT[] DEFAULT '{}' NOT NULL,
    ADD COLUMN time_zone TEXT,
    ADD COLUMN working_days TEXT[]
        DEFAULT '{MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY}' NOT NULL,
    ADD COLUMN cutoff TIME WITHOUT TIME ZONE,
    ADD COLUMN handling_days INTEGER DEFAULT 1 NOT NULL,
    ADD COLUMN holiday_country TEXT,
    ADD COLUMN holiday_subdivision TEXT,
    ADD COLUMN closures DATE[] DEFAULT '{}' NOT NULL,
    ADD COLUMN daily_capacity INTEGER,
    ADD CONSTRAINT ck_locations_works_some_days
        CHECK (
            working_days <> '{}'
            and working_days <@ '{MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY}'::text[]
        ),
    ADD CONSTRAINT ck_locations_handles_within_days CHECK (handling_days between 0 and 60),
    ADD CONSTRAINT ck_locations_daily_capacity_never_negative CHECK (daily_capacity >= 0);

ALTER TABLE variants ADD COLUMN hazmat BOOLEAN DEFAULT false NOT NULL;

ALTER TABLE routing_decisions
    ADD COLUMN objective JSONB,
    ADD COLUMN gap DOUBLE PRECISION,
    ADD COLUMN ruleset_version INTEGER;

ALTER TABLE fulfillment_orders ADD COLUMN capacity_day DATE;

CREATE TABLE location_costs (
    location_id UUID NOT NULL,
    currency TEXT NOT NULL,
    packing_minor BIGINT NOT NULL,
    handling_minor BIGINT NOT NULL,
    CONSTRAINT pk_location_costs PRIMARY KEY (location_id, currency),
    CONSTRAINT ck_location_costs_packing_minor_never_negative CHECK (packing_minor >= 0),
    CONSTRAINT ck_location_costs_handling_minor_never_negative CHECK (handling_minor >= 0),
    CONSTRAINT fk_location_costs_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);

CREATE TABLE carrier_rates (
    id UUID NOT NULL,
    carrier TEXT NOT NULL,
    currency TEXT NOT NULL,
    position INTEGER NOT NULL,
    service TEXT NOT NULL,
    base_minor BIGINT NOT NULL,
    per_kg_minor BIGINT NOT NULL,
    per_kg_1000km_minor BIGINT NOT NULL,
    first_days INTEGER NOT NULL,
    km_per_day DOUBLE PRECISION,
    location_kinds TEXT[] NOT NULL,
    location_ids UUID[] NOT NULL,
    countries TEXT[] NOT NULL,
    max_weight_grams INTEGER,
    takes_hazmat BOOLEAN NOT NULL,
    CONSTRAINT pk_carrier_rates PRIMARY KEY (id),
    CONSTRAINT uq_carrier_rates_currency_carrier_position UNIQUE (currency, carrier, position),
    CONSTRAINT ck_carrier_rates_goes_somewhere CHECK (km_per_day > 0),
    CONSTRAINT ck_carrier_rates_base_minor_never_negative CHECK (base_minor >= 0),
    CONSTRAINT ck_carrier_rates_per_kg_minor_never_negative CHECK (per_kg_minor >= 0),
    CONSTRAINT ck_carrier_rates_per_kg_1000km_minor_never_negative CHECK (per_kg_1000km_minor >= 0),
    CONSTRAINT ck_carrier_rates_first_days_never_negative CHECK (first_days >= 0),
    CONSTRAINT ck_carrier_rates_max_weight_grams_never_negative CHECK (max_weight_grams >= 0)
);

CREATE TABLE routing_rulesets (
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    mode TEXT NOT NULL,
    currency TEXT NOT NULL,
    rules JSONB NOT NULL,
    max_parcels INTEGER,
    allow_split BOOLEAN NOT NULL,
    split_lines BOOLEAN NOT NULL,
    ship_complete BOOLEAN NOT NULL,
    late_allowed BOOLEAN NOT NULL,
    wait_for_capacity BOOLEAN NOT NULL,
    lateness_minor_per_day BIGINT NOT NULL,
    split_minor BIGINT NOT NULL,
    markdowns JSONB NOT NULL,
    weights JSONB NOT NULL,
    activated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    activated_by_kind TEXT NOT NULL,
    activated_by TEXT NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_routing_rulesets PRIMARY KEY (id),
    CONSTRAINT uq_routing_rulesets_channel_id_version UNIQUE (channel_id, version),
    CONSTRAINT ck_routing_rulesets_mode CHECK (mode in ('LIVE', 'SHADOW', 'RETIRED')),
    CONSTRAINT ck_routing_rulesets_retired_at_iff_retired CHECK ((retired_at is not null) = (mode = 'RETIRED')),
    CONSTRAINT ck_routing_rulesets_lateness_minor_per_day_never_negative CHECK (lateness_minor_per_day >= 0),
    CONSTRAINT ck_routing_rulesets_split_minor_never_negative CHECK (split_minor >= 0),
    CONSTRAINT fk_routing_rulesets_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id)
);

CREATE UNIQUE INDEX uq_routing_rulesets_mode ON routing_rulesets (channel_id, mode) WHERE mode <> 'RETIRED';

CREATE TABLE routing_prices (
    channel_id UUID NOT NULL,
    location_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    price_minor DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_routing_prices PRIMARY KEY (channel_id, location_id, variant_id),
    CONSTRAINT fk_routing_prices_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id),
    CONSTRAINT fk_routing_prices_location_id FOREIGN KEY(location_id) REFERENCES locations (id),
    CONSTRAINT fk_routing_prices_variant_id FOREIGN KEY(variant_id) REFERENCES variants (id)
);

CREATE TABLE routing_capacity_prices (
    channel_id UUID NOT NULL,
    location_id UUID NOT NULL,
    price_minor DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_routing_capacity_prices PRIMARY KEY (channel_id, location_id),
    CONSTRAINT fk_routing_capacity_prices_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id),
    CONSTRAINT fk_routing_capacity_prices_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);

CREATE TABLE location_days (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    parcels INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_location_days PRIMARY KEY (location_id, day),
    CONSTRAINT ck_location_days_parcels_never_negative CHECK (parcels >= 0),
    CONSTRAINT fk_location_days_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);

CREATE FUNCTION change_network() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE channels SET network_version = network_version + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER network_changed AFTER INSERT OR UPDATE OR DELETE ON locations
    FOR EACH STATEMENT EXECUTE FUNCTION change_network();

CREATE TRIGGER network_changed AFTER INSERT OR UPDATE OR DELETE ON location_channels
    FOR EACH STATEMENT EXECUTE FUNCTION change_network();

CREATE TRIGGER network_changed AFTER INSERT OR UPDATE OR DELETE ON location_costs
    FOR EACH STATEMENT EXECUTE FUNCTION change_network();

CREATE TRIGGER network_changed AFTER INSERT OR UPDATE OR DELETE ON carrier_rates
    FOR EACH STATEMENT EXECUTE FUNCTION change_network();

CREATE FUNCTION change_network_of_channel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE channels SET network_version = network_version + 1 WHERE id = NEW.channel_id;
    RETURN NULL;
END $$;

CREATE TRIGGER network_changed AFTER INSERT OR UPDATE ON routing_rulesets
    FOR EACH ROW EXECUTE FUNCTION change_network_of_channel();

CREATE FUNCTION give_for_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO location_days AS d (location_id, day, parcels) VALUES (NEW.location_id, NEW.capacity_day, 1)
    ON CONFLICT (location_id, day) DO UPDATE SET parcels = d.parcels + 1;
    RETURN NULL;
END $$;

CREATE FUNCTION take_from_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE location_days SET parcels = parcels - 1 WHERE location_id = OLD.location_id AND day = OLD.capacity_day;
    RETURN NULL;
END $$;

CREATE TRIGGER counted AFTER INSERT ON fulfillment_orders FOR EACH ROW
    WHEN (NEW.capacity_day IS NOT NULL AND NEW.status NOT IN ('CANCELED', 'REJECTED'))
    EXECUTE FUNCTION give_for_day();

CREATE TRIGGER uncounted AFTER UPDATE OF status, location_id, capacity_day ON fulfillment_orders FOR EACH ROW
    WHEN (
        OLD.capacity_day IS NOT NULL AND OLD.status NOT IN ('CANCELED', 'REJECTED')
        AND (
            NEW.status IN ('CANCELED', 'REJECTED')
            OR (NEW.location_id, NEW.capacity_day) IS DISTINCT FROM (OLD.location_id, OLD.capacity_day)
        )
    )
    EXECUTE FUNCTION take_from_day();

CREATE TRIGGER counted_anew AFTER UPDATE OF status, location_id, capacity_day ON fulfillment_orders FOR EACH ROW
    WHEN (
        NEW.capacity_day IS NOT NULL AND NEW.status NOT IN ('CANCELED', 'REJECTED')
        AND (
            OLD.status IN ('CANCELED', 'REJECTED')
            OR (NEW.location_id, NEW.capacity_day) IS DISTINCT FROM (OLD.location_id, OLD.capacity_day)
        )
    )
    EXECUTE FUNCTION give_for_day()
"""
