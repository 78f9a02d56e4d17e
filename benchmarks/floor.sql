-- The floor's writer: the rows that placing an order of three lines makes, written by hand in one procedure.
-- It looks up the channel, the buyer, prices and stock, locks the levels in order, and inserts what orderPlace inserts.
create or replace function floor_place_order(p jsonb) returns json language plpgsql as $$
declare
    v_now timestamptz := clock_timestamp();
    v_order uuid := gen_random_uuid();
    v_decision uuid := gen_random_uuid();
    v_ful uuid := gen_random_uuid();
    v_customer uuid;
    v_channel channels;
    v_number text := nextval('order_number');
    v_total bigint := 0;
    v_line record;
    v_level record;
    v_position int := 0;
    v_line_id uuid;
    v_location uuid;
    v_lines json;
begin
    insert into idempotency_claims (actor, mutation, key, digest, claimed_at)
    values ('floor', 'orderPlace', p ->> 'key', md5(p::text), v_now);
    select * into v_channel from channels where code = p ->> 'channel';
    select id into v_customer from customers where lower(email) = lower(p ->> 'email') and kind in ('REGISTERED', 'GUEST');
    if v_customer is null then
        v_customer := gen_random_uuid();
        insert into customers (id, kind, display_name, created_at, email, first_name, last_name, phone)
        values (v_customer, 'GUEST', p ->> 'email', v_now, p ->> 'email', null, null, null);
    end if;
    perform 1 from stock_levels s join variants v on v.id = s.variant_id
        where v.sku in (select l ->> 'sku' from jsonb_array_elements(p -> 'lines') l)
        order by s.variant_id, s.location_id for update of s;
    select sum(vp.amount_minor * (l ->> 'quantity')::int) into v_total
        from jsonb_array_elements(p -> 'lines') l
        join variants v on v.sku = l ->> 'sku'
        join variant_prices vp on vp.variant_id = v.id and vp.channel_id = v_channel.id and vp.currency = v_channel.currency;
    select s.location_id into v_location from stock_levels s join variants v on v.id = s.variant_id
        where v.sku = p -> 'lines' -> 0 ->> 'sku' limit 1;
    insert into orders (id, number, channel_id, customer_id, status, payment_status, fulfillment_status, return_status,
        currency, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, email, line1, city, postal_code,
        country, latitude, longitude, created_at, placed_at, version, event_sequence)
    values (v_order, v_number, v_channel.id, v_customer, 'PENDING', 'NONE', 'UNFULFILLED', 'NONE', v_channel.currency,
        v_total, 0, 0, 0, v_total, p ->> 'email', p ->> 'line1', p ->> 'city', p ->> 'postalCode', p ->> 'country',
        (p ->> 'latitude')::float, (p ->> 'longitude')::float, v_now, v_now, 1, 1);
    insert into order_adjustments (id, order_id, kind, amount_minor, currency, act_id, occurred_at)
    values (gen_random_uuid(), v_order, 'ITEMS', v_total, v_channel.currency, v_order, v_now);
    insert into routing_decisions (id, order_id, strategy, currency, chosen, candidates, unfilled, decided_at)
    values (v_decision, v_order, 'NEAREST', v_channel.currency,
        jsonb_build_array(jsonb_build_object('location_id', v_location, 'lines', p -> 'lines', 'distance_km', 0)),
        jsonb_build_array(jsonb_build_object('location_id', v_location, 'feasible', true, 'distance_km', 0)), '[]', v_now);
    insert into fulfillment_orders (id, order_id, location_id, routing_decision_id, kind, status, priority, due_at,
        created_at, version, event_sequence)
    values (v_ful, v_order, v_location, v_decision, 'DELIVERY', 'SCHEDULED', 0, v_now + interval '1 day', v_now, 1, 1);
    insert into events (type, subject_type, subject_id, sequence, customer_id, order_id, channel_id, actor_kind, actor_id,
        actor_name, message, data, occurred_at, recorded_at)
    values ('ORDER_PLACED', 'Order', v_order, 1, v_customer, v_order, v_channel.id, 'APP', 'floor', 'Floor',
        'Order ' || v_number || ' was placed.', '{}', v_now, v_now),
        ('FULFILLMENT_ORDER_CREATED', 'FulfillmentOrder', v_ful, 1, v_customer, v_order, v_channel.id, 'APP', 'floor',
        'Floor', 'Work for order ' || v_number || ' was given out.', '{}', v_now, v_now);
    for v_line in
        select v.id, v.sku, v.name, (l ->> 'quantity')::int as quantity, vp.amount_minor
        from jsonb_array_elements(p -> 'lines') l
        join variants v on v.sku = l ->> 'sku'
        join variant_prices vp on vp.variant_id = v.id and vp.channel_id = v_channel.id and vp.currency = v_channel.currency
        order by v.id
    loop
        v_position := v_position + 1;
        v_line_id := gen_random_uuid();
        insert into order_lines (id, order_id, position, variant_id, sku, name, quantity, allocated, currency,
            unit_price_minor, total_minor)
        values (v_line_id, v_order, v_position, v_line.id, v_line.sku, v_line.name, v_line.quantity, v_line.quantity,
            v_channel.currency, v_line.amount_minor, v_line.amount_minor * v_line.quantity);
        update stock_levels set available = available - v_line.quantity, allocated = allocated + v_line.quantity,
            version = version + 1
        where variant_id = v_line.id and location_id = v_location
        returning id, available, allocated, version into v_level;
        insert into fulfillment_order_lines (id, fulfillment_order_id, order_line_id, stock_level_id, variant_id,
            location_id, sku, name, quantity)
        values (gen_random_uuid(), v_ful, v_line_id, v_level.id, v_line.id, v_location, v_line.sku, v_line.name,
            v_line.quantity);
        insert into stock_movements (id, stock_level_id, variant_id, location_id, kind, quantity, from_bucket,
            from_balance_after, to_bucket, to_balance_after, act_type, act_id, line_id, actor_kind, actor_name,
            occurred_at, recorded_at)
        values (gen_random_uuid(), v_level.id, v_line.id, v_location, 'ALLOCATE', v_line.quantity, 'AVAILABLE',
            v_level.available, 'ALLOCATED', v_level.allocated, 'RoutingDecision', v_decision, v_line_id, 'APP', 'Floor',
            v_now, v_now);
        insert into events (type, subject_type, subject_id, sequence, customer_id, order_id, location_id, channel_id,
            actor_kind, actor_id, actor_name, message, data, occurred_at, recorded_at)
        values ('STOCK_MOVED', 'StockLevel', v_level.id, v_level.version, v_customer, v_order, v_location, v_channel.id,
            'APP', 'floor', 'Floor', 'ALLOCATE: ' || v_line.quantity, '{}', v_now, v_now);
    end loop;
    update idempotency_claims set answer = jsonb_build_object('order', v_order)
    where actor = 'floor' and mutation = 'orderPlace' and key = p ->> 'key';
    select json_agg(json_build_object('id', 'lin_' || l.id, 'sku', l.sku, 'quantity', l.quantity) order by l.position)
        into v_lines from order_lines l where l.order_id = v_order;
    return json_build_object('data', json_build_object('orderPlace', json_build_object('order', json_build_object(
        'id', 'ord_' || v_order, 'number', v_number, 'status', 'PENDING',
        'total', json_build_object('amount', (v_total * 0.01)::text, 'currency', v_channel.currency),
        'lines', v_lines), 'userErrors', '[]'::json)));
end $$;
