-- A shop as it is after three years: set-up, customers, and orders at every step of their lives, with all that hangs on
-- them. One statement after the other, each over the whole table; `benchmarks.grown` runs them in their order, with
-- foreign keys unchecked and secondary indexes dropped meanwhile.
--
-- Everything follows from an order's number `n` alone: the same number of orders gives the same rows in every run, and
-- a row's id can be told without a join. What is rare is equally rare at every size: 500 orders of one customer,
-- 40 of one channel, 30 of one store, 30 with one label, 30 ledger entries of one kind.

create schema growth;

create function growth.orders() returns bigint language sql immutable as $$ select {orders}::bigint $$;

create function growth.variants() returns bigint language sql immutable as $$ select {variants}::bigint $$;

create function growth.customers() returns bigint language sql immutable as $$ select {orders}::bigint / 4 + 1 $$;

create function growth.begin() returns timestamptz language sql stable as $$ select timestamptz '2023-01-01 00:00Z' $$;

create function growth.moment(n bigint) returns timestamptz language sql stable as $$
    select growth.begin() + interval '1096 days' * (n::float8 / growth.orders())
$$;

-- A die with so many sides, thrown by `n` on the table numbered `salt`: always the same.
create function growth.roll(n bigint, salt int, sides bigint) returns bigint language sql immutable as $$
    select (hashint8extended(n, salt) & 2147483647) % sides
$$;

-- An id as a UUIDv7 drawn at that moment would be.
create function growth.id(drawn timestamptz, kind int, n bigint) returns uuid language sql stable as $$
    select (lpad(to_hex((extract(epoch from drawn) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
            || '8' || lpad(to_hex(n), 15, '0'))::uuid
$$;

create function growth.set_up_id(kind int, n bigint) returns uuid language sql stable as $$
    select growth.id(growth.begin(), kind, n)
$$;

-- -- where we sell and from where we ship --

insert into channels (id, code, name, currency, time_zone, created_at)
select growth.set_up_id(1, n), code, initcap(code), 'BRL', 'America/Sao_Paulo', growth.begin()
from unnest(array['web', 'app', 'phone', 'fair']) with ordinality channel (code, n);

insert into locations (id, code, name, kind, line1, city, region, postal_code, country, latitude, longitude, created_at)
select growth.set_up_id(2, n), case when n <= 10 then 'DC' else 'ST' end || lpad(n::text, 2, '0'), 'Location ' || n,
       case when n <= 10 then 'WAREHOUSE' else 'STORE' end, 'Rua ' || n, 'São Paulo', 'SP', '01304-001', 'BR',
       -23.5 + n * 0.1, -46.6 + n * 0.1, growth.begin()
from generate_series(1, 50) n;

insert into location_channels (location_id, channel_id)
select growth.set_up_id(2, place), growth.set_up_id(1, channel)
from generate_series(1, 50) place, generate_series(1, 4) channel;

-- -- what we sell: three variants to a product --

insert into products (id, code, name, category, created_at)
select growth.set_up_id(3, n), 'P' || lpad(n::text, 6, '0'), 'Product ' || n, 'category ' || n % 20, growth.begin()
from generate_series(0, growth.variants() / 3) n;

insert into variants (id, product_id, sku, name, weight_grams, length_mm, width_mm, height_mm, created_at)
select growth.set_up_id(4, n), growth.set_up_id(3, n / 3), 'SKU-' || lpad(n::text, 6, '0'), 'Variant ' || n,
       100 + n % 900, 100, 100, 100, growth.begin()
from generate_series(0, growth.variants() - 1) n;

insert into variant_prices (variant_id, channel_id, currency, amount_minor)
select growth.set_up_id(4, n), growth.set_up_id(1, channel), 'BRL', 990 + growth.roll(n, 1, 50000)
from generate_series(0, growth.variants() - 1) n, generate_series(1, 4) channel;

-- -- who buys: first and last names as frequent as they are, the first customer with many orders --

create unlogged table growth.customer as
select c, growth.id(moment, 5, c) as id, moment, first_name, last_name,
       lower(translate(first_name || '.' || last_name, 'ãáâçéêíóôú ', 'aaaceeioou.')) || c || '@example.com' as email,
       '+5511' || lpad((900000000 + c)::text, 9, '0') as phone,
       lpad((1000 + growth.roll(c, 12, 8000))::text, 5, '0') || '-' || lpad(growth.roll(c, 13, 1000)::text, 3, '0')
           as postal_code
from generate_series(1, growth.customers()) c
cross join lateral (select
    growth.begin() + interval '1000 days' * ((c - 1)::float8 / growth.customers()) as moment,
    (array['Maria', 'José', 'Ana', 'João', 'Antônio', 'Francisco', 'Carlos', 'Paulo', 'Pedro', 'Lucas', 'Luiz',
           'Marcos', 'Luís', 'Gabriel', 'Rafael', 'Francisca', 'Daniel', 'Marcelo', 'Bruno', 'Eduardo', 'Felipe',
           'Rodrigo', 'Manoel', 'Mateus', 'André', 'Fernando', 'Fábio', 'Leonardo', 'Gustavo', 'Guilherme', 'Leandro',
           'Tiago', 'Anderson', 'Ricardo', 'Márcio', 'Jorge', 'Alexandre', 'Roberto', 'Edson', 'Iracema'])
        [1 + floor(40 * power(growth.roll(c, 10, 100000) / 100000.0, 2))::int] as first_name,
    (array['Silva', 'Santos', 'Oliveira', 'Souza', 'Rodrigues', 'Ferreira', 'Alves', 'Pereira', 'Lima', 'Gomes',
           'Costa', 'Ribeiro', 'Martins', 'Carvalho', 'Almeida', 'Lopes', 'Soares', 'Fernandes', 'Vieira', 'Barbosa',
           'Rocha', 'Dias', 'Nascimento', 'Andrade', 'Moreira', 'Nunes', 'Marques', 'Machado', 'Mendes', 'Freitas',
           'Cardoso', 'Ramos', 'Gonçalves', 'Santana', 'Teixeira', 'Araújo', 'Borges', 'Correia', 'Monteiro',
           'Nogueira', 'Xavier', 'Yamamoto', 'Zanetti', 'Quaresma', 'Wanderley'])
        [1 + floor(45 * power(growth.roll(c, 11, 100000) / 100000.0, 2))::int] as last_name
) drawn;

insert into customers (id, kind, email, first_name, last_name, display_name, phone, tags, created_at)
select id, case when c = 1 or c % 3 = 0 then 'REGISTERED' else 'GUEST' end, email, first_name, last_name,
       first_name || ' ' || last_name, phone, case when c % 50 = 0 then array['vip'] else array[]::text[] end, moment
from growth.customer;

insert into customer_addresses (id, customer_id, line1, city, region, postal_code, country, is_default, created_at)
select growth.id(moment, 6, c), id, 'Rua Augusta ' || c, 'São Paulo', 'SP', postal_code, 'BR', true, moment
from growth.customer;

create unique index on growth.customer (c);

-- -- what is to happen: one row for each order, one for each of its three lines --
--
-- Nearly all is done; what is open is among the last twentieth, as in life.

create unlogged table growth.story as
select n, at, growth.id(at, 16, n) as order_id, growth.id(at, 17, n) as decision_id, growth.id(at, 18, n) as work_id,
       growth.id(at, 19, n) as shipment_id, growth.id(at, 20, n) as package_id, growth.id(at, 21, n) as return_id,
       growth.id(at, 25, n) as exception_id,
       case when fate in ('COMPLETED', 'SHIPPED') and growth.roll(n, 14, 10) < 7 then 'LATE_PICK'
            when fate = 'HELD' then 'PROMISE_AT_RISK' when fate = 'PICKING' then 'LATE_PICK' end as trouble,
       customer.id as customer_id, customer.c as customer, growth.set_up_id(1, channel) as channel_id,
       location, growth.set_up_id(2, location) as location_id, fate,
       fate in ('PENDING', 'CONFIRMED', 'COMPLETED') and location > 10 and growth.roll(n, 7, 10) = 0 as pickup,
       case when fate <> 'COMPLETED' then null when regret < 6 then 'REQUESTED' when regret < 14 then 'APPROVED'
            when regret < 16 then 'DECLINED' when regret < 21 then 'RECEIVED' when regret < 50 then 'CLOSED'
       end as back,
       case when n % (growth.orders() / 30) = 1 then array['press'] when growth.roll(n, 8, 100) < 20 then array['gift']
            when growth.roll(n, 8, 100) < 22 then array['gift', 'vip'] else array[]::text[] end as tags
from generate_series(1, growth.orders()) n
cross join lateral (select
    growth.moment(n) as at,
    growth.roll(n, 3, 1000) as regret,
    case when n % (growth.orders() / 500) = 0 then 1
         else 2 + floor((growth.customers() - 1) * power(growth.roll(n, 4, 1000000) / 1000001.0, 1.3))::bigint end as c,
    case when n % (growth.orders() / 40) = 2 then 4 when growth.roll(n, 5, 100) < 80 then 1
         when growth.roll(n, 5, 100) < 97 then 2 else 3 end as channel,
    case when n % (growth.orders() / 30) = 3 then 50 when growth.roll(n, 6, 100) < 70 then 1 + growth.roll(n, 9, 10)
         else 11 + growth.roll(n, 9, 39) end as location,
    case when n > growth.orders() * 0.95 and n % (growth.orders() / 30) <> 3
         then (array['DRAFT', 'PENDING', 'CONFIRMED', 'HELD', 'PICKING', 'SHIPPED'])[1 + growth.roll(n, 2, 6)]
         when growth.roll(n, 2, 1000) < 5 then 'EXPIRED' when growth.roll(n, 2, 1000) < 35 then 'CANCELED'
         else 'COMPLETED' end as fate
) drawn
join growth.customer using (c);

create unlogged table growth.line as
select n, at, fate, order_id, position, growth.id(at, 32 + position, n) as line_id,
       growth.id(at, 36 + position, n) as part_id, growth.id(at, 40 + position, n) as return_line_id, decision_id,
       work_id, shipment_id, package_id, return_id, pickup, case when position = 1 then back end as back,
       location, location_id, variant, growth.set_up_id(4, variant) as variant_id,
       growth.set_up_id(7, variant * 64 + location) as level_id, 'SKU-' || lpad(variant::text, 6, '0') as sku,
       'Variant ' || variant as name, 1 + growth.roll(n * 4 + position, 2, 3)::int as quantity,
       990 + growth.roll(variant, 1, 50000) as price
from growth.story
cross join generate_series(1, 3) position
cross join lateral (select
    8 * growth.roll(n * 4 + position, 1, growth.variants() / 8) + (64 - location) % 8 as variant
) drawn;

-- -- orders and their lines --

create unlogged table growth.worth as
select n, sum(quantity * price)::bigint as subtotal, min(price) filter (where position = 1) as first_price
from growth.line group by n;

create unique index on growth.worth (n);

insert into orders (id, number, channel_id, customer_id, external_reference, status, payment_status, fulfillment_status,
                    return_status, currency, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor,
                    email, phone, first_name, last_name, line1, city, region, postal_code, country, latitude, longitude,
                    tags, on_hold, deliver_by_latest, created_at, placed_at, confirmed_at, canceled_at, completed_at,
                    cancel_reason, version, event_sequence)
select order_id, (100000 + n)::text, channel_id, customer_id, case when n % 2 = 0 then 'EXT-' || n end,
       case fate when 'HELD' then 'CONFIRMED' when 'PICKING' then 'IN_FULFILLMENT' when 'SHIPPED' then 'IN_FULFILLMENT'
            else fate end,
       case when fate in ('DRAFT', 'EXPIRED') then 'NONE' when fate = 'CANCELED' then 'VOIDED'
            when back = 'CLOSED' then 'PARTIALLY_REFUNDED' when fate in ('SHIPPED', 'COMPLETED') then 'PAID'
            else 'AUTHORIZED' end,
       case when fate in ('SHIPPED', 'COMPLETED') then 'FULFILLED' else 'UNFULFILLED' end,
       case when back in ('RECEIVED', 'CLOSED') then 'PARTIALLY_RETURNED'
            when back in ('REQUESTED', 'APPROVED') then 'REQUESTED' else 'NONE' end,
       'BRL', subtotal, 0, 1000, 0, subtotal + 1000, email, phone, first_name, last_name, 'Rua Augusta ' || customer,
       'São Paulo', 'SP', postal_code, 'BR', -23.5, -46.6, tags, fate = 'HELD', at + interval '5 days', at, at,
       case when fate in ('CONFIRMED', 'HELD', 'PICKING', 'SHIPPED', 'COMPLETED') then at + interval '1 hour' end,
       case when fate = 'CANCELED' then at + interval '2 hours' end,
       case when fate = 'COMPLETED' then at + interval '3 days' end,
       case when fate = 'CANCELED' then 'CUSTOMER_REQUEST' end, 1,
       case when fate in ('DRAFT', 'EXPIRED') then 1 when fate = 'PENDING' then 2 when fate = 'COMPLETED' then 5
            when fate in ('CONFIRMED', 'PICKING', 'CANCELED') then 3 else 4 end
from growth.story
join growth.worth using (n)
join growth.customer on customer.c = story.customer;

insert into order_tags (tag, placed_at, order_id) select unnest(tags), at, order_id from growth.story;

insert into order_lines (id, order_id, position, variant_id, sku, name, quantity, open, allocated, picked, shipped,
                         delivered, canceled, returned, in_open_returns, currency, unit_price_minor, total_minor,
                         delivered_at)
select line_id, order_id, position, variant_id, sku, name, quantity,
       case when fate in ('DRAFT', 'EXPIRED') then quantity else 0 end,
       case when fate in ('PENDING', 'CONFIRMED', 'HELD') then quantity else 0 end,
       case when fate = 'PICKING' then quantity else 0 end,
       case when fate in ('SHIPPED', 'COMPLETED') then quantity else 0 end,
       case when fate = 'COMPLETED' then quantity else 0 end, case when fate = 'CANCELED' then quantity else 0 end,
       case when back in ('RECEIVED', 'CLOSED') then 1 else 0 end,
       case when back in ('REQUESTED', 'APPROVED') then 1 else 0 end, 'BRL', price, quantity * price,
       case when fate = 'COMPLETED' then at + interval '3 days' end
from growth.line;

insert into order_holds (id, order_id, kind, reason, placed_at, placed_by_kind, placed_by)
select growth.id(at, 22, n), order_id, 'ADDRESS', 'the street has no such number', at + interval '1 hour', 'STAFF', 'Zoë'
from growth.story where fate = 'HELD';

-- -- money --

insert into order_adjustments (id, order_id, kind, amount_minor, currency, act_id, occurred_at)
select growth.id(at, 48 + entry, n), order_id, kind, amount, 'BRL', growth.id(at, 23, n * 4 + entry / 2), at
from growth.story
join growth.worth using (n)
cross join lateral (values
    (0, 'ITEMS', subtotal, true),
    (1, 'SHIPPING', 1000, true),
    (2, 'CANCELLATION', -subtotal - 1000, fate = 'CANCELED'),
    (4, 'RETURN', -first_price, back = 'CLOSED')
) posted (entry, kind, amount, happened)
where fate not in ('DRAFT', 'EXPIRED') and happened;

insert into payments (id, order_id, kind, status, provider, amount_minor, currency, request_id, parent_id, method, last4,
                      reason, return_id, occurred_at, recorded_at, expires_at)
select growth.id(at, 56 + entry, n), order_id, kind, status, 'test', amount, 'BRL',
       case when status = 'SUCCEEDED' then growth.id(at, 56 + entry - 1, n) end, growth.id(at, 56 + parent, n),
       'credit_card', case when status = 'SUCCEEDED' then '4242' end, case when kind = 'REFUND' then 'RETURN' end,
       case when kind = 'REFUND' then return_id end, at + since, at + since,
       case when kind = 'AUTHORIZATION' and status = 'SUCCEEDED' then at + since + interval '7 days' end
from growth.story
join growth.worth using (n)
cross join lateral (values
    (0, 'AUTHORIZATION', 'REQUESTED', subtotal + 1000, null::int, interval '0', true),
    (1, 'AUTHORIZATION', 'SUCCEEDED', subtotal + 1000, null, interval '1 second', true),
    (2, 'VOID', 'REQUESTED', subtotal + 1000, 1, interval '2 hours', fate = 'CANCELED'),
    (3, 'VOID', 'SUCCEEDED', subtotal + 1000, 1, interval '2 hours', fate = 'CANCELED'),
    (4, 'CAPTURE', 'REQUESTED', subtotal + 1000, 1, interval '20 hours', fate in ('SHIPPED', 'COMPLETED')),
    (5, 'CAPTURE', 'SUCCEEDED', subtotal + 1000, 1, interval '20 hours', fate in ('SHIPPED', 'COMPLETED')),
    (6, 'REFUND', 'REQUESTED', first_price, 5, interval '12 days', back = 'CLOSED'),
    (7, 'REFUND', 'SUCCEEDED', first_price, 5, interval '12 days', back = 'CLOSED')
) posted (entry, kind, status, amount, parent, since, happened)
where fate not in ('DRAFT', 'EXPIRED') and happened;

-- -- routing, work, parcels --

insert into routing_decisions (id, order_id, strategy, currency, chosen, candidates, unfilled, decided_at)
select decision_id, order_id, 'NEAREST_WITH_EVERYTHING', 'BRL',
       format('[{"location_id": "%s", "lines": [], "distance_km": 12.5}]', location_id)::jsonb,
       format('[{"location_id": "%s", "feasible": true, "distance_km": 12.5}]', location_id)::jsonb, '[]', at
from growth.story where fate not in ('DRAFT', 'EXPIRED');

insert into fulfillment_orders (id, order_id, location_id, routing_decision_id, kind, status, due_at, created_at,
                                accepted_at, packed_at, ready_at, pickup_code, shipped_at, closed_at, event_sequence)
select work_id, order_id, location_id, decision_id, case when pickup then 'PICKUP' else 'DELIVERY' end,
       case when fate in ('PENDING', 'HELD') then 'SCHEDULED' when fate = 'CONFIRMED' then 'OPEN'
            when fate = 'PICKING' then 'PICKING' when fate = 'CANCELED' then 'CANCELED'
            when pickup then 'PICKED_UP' else 'SHIPPED' end,
       at + interval '1 day', at, case when fate in ('PICKING', 'SHIPPED', 'COMPLETED') then at + interval '10 hours' end,
       case when fate in ('SHIPPED', 'COMPLETED') then at + interval '15 hours' end,
       case when fate = 'COMPLETED' and pickup then at + interval '15 hours' end,
       case when pickup then lpad(growth.roll(n, 30, 1000000)::text, 6, '0') end,
       case when fate in ('SHIPPED', 'COMPLETED') then at + interval '20 hours' end,
       case when fate = 'CANCELED' then at + interval '2 hours' end,
       case when fate in ('SHIPPED', 'COMPLETED') then 2 else 1 end
from growth.story where fate not in ('DRAFT', 'EXPIRED');

insert into order_locations (location_id, placed_at, order_id)
select location_id, at, order_id from growth.story where fate not in ('DRAFT', 'EXPIRED');

insert into fulfillment_order_lines (id, fulfillment_order_id, order_line_id, stock_level_id, variant_id, location_id, sku,
                                     name, quantity, picked, shipped, canceled)
select part_id, work_id, line_id, level_id, variant_id, location_id, sku, name, quantity,
       case when fate in ('PICKING', 'SHIPPED', 'COMPLETED') then quantity else 0 end,
       case when fate in ('SHIPPED', 'COMPLETED') then quantity else 0 end,
       case when fate = 'CANCELED' then quantity else 0 end
from growth.line where fate not in ('DRAFT', 'EXPIRED');

insert into shipments (id, order_id, fulfillment_order_id, location_id, status, carrier, service, estimated_delivery,
                       created_at, handed_over_at, delivered_at, heard_at, heard_code, event_sequence)
select shipment_id, order_id, work_id, location_id, case when fate = 'SHIPPED' then 'HANDED_OVER' else 'DELIVERED' end,
       'correios', 'SEDEX', at + interval '4 days', at + interval '15 hours', at + interval '20 hours',
       case when fate = 'COMPLETED' then at + interval '3 days' end,
       at + case when fate = 'COMPLETED' then interval '3 days' else interval '20 hours' end,
       case when fate = 'COMPLETED' then 'DELIVERED' else 'PICKED_UP' end, case when fate = 'SHIPPED' then 1 else 2 end
from growth.story where fate in ('SHIPPED', 'COMPLETED') and not pickup;

insert into shipment_lines (id, shipment_id, order_line_id, fulfillment_order_line_id, quantity)
select growth.id(at, 72 + position, n), shipment_id, line_id, part_id, quantity
from growth.line where fate in ('SHIPPED', 'COMPLETED') and not pickup;

insert into packages (id, fulfillment_order_id, shipment_id, weight_grams, carrier, tracking_number, created_at)
select package_id, work_id, shipment_id, 900, 'correios', 'BR' || lpad(n::text, 9, '0') || 'SP', at + interval '15 hours'
from growth.story where fate in ('SHIPPED', 'COMPLETED') and not pickup;

insert into package_lines (id, package_id, fulfillment_order_line_id, quantity)
select growth.id(at, 76 + position, n), package_id, part_id, quantity
from growth.line where fate in ('SHIPPED', 'COMPLETED') and not pickup;

insert into tracking_events (id, shipment_id, package_id, code, message, place, occurred_at, recorded_at)
select growth.id(at, 80 + entry, n), shipment_id, package_id, code, code || ' às 14h', 'São Paulo', at + since, at + since
from growth.story
cross join lateral (values (0, 'PICKED_UP', interval '20 hours', true),
                           (1, 'DELIVERED', interval '3 days', fate = 'COMPLETED')) told (entry, code, since, happened)
where fate in ('SHIPPED', 'COMPLETED') and not pickup and happened;

-- -- returns: one unit of the first line --

insert into returns (id, number, order_id, channel_id, customer_id, location_id, method, status, currency,
                     estimated_refund_minor, requested_at, approved_at, received_at, closed_at, decline_reason,
                     event_sequence)
select return_id, (100000 + n)::text, order_id, channel_id, customer_id, location_id,
       case when location > 10 then 'IN_STORE' else 'MAIL' end, back, 'BRL', first_price, at + interval '5 days',
       case when back in ('APPROVED', 'RECEIVED', 'CLOSED') then at + interval '6 days' end,
       case when back in ('RECEIVED', 'CLOSED') then at + interval '10 days' end,
       case when back = 'CLOSED' then at + interval '12 days' end, case when back = 'DECLINED' then 'worn' end,
       case back when 'REQUESTED' then 1 when 'RECEIVED' then 3 when 'CLOSED' then 4 else 2 end
from growth.story join growth.worth using (n) where back is not null;

insert into return_lines (id, return_id, order_line_id, quantity, reason, received_quantity, inspected_quantity)
select return_line_id, return_id, line_id, 1, 'DOES_NOT_FIT', case when back in ('RECEIVED', 'CLOSED') then 1 else 0 end,
       case when back = 'CLOSED' then 1 else 0 end
from growth.line where back is not null;

insert into return_labels (id, return_id, carrier, tracking_number, created_at)
select growth.id(at, 84, n), return_id, 'correios', 'RT' || n, at + interval '6 days'
from growth.story where back in ('APPROVED', 'RECEIVED', 'CLOSED');

insert into return_inspections (id, return_line_id, quantity, condition, disposition, inspected_at)
select growth.id(at, 85, n), return_line_id, 1, 'LIKE_NEW', 'RESTOCK', at + interval '12 days'
from growth.line where back = 'CLOSED';

-- -- stock: what moved, then balances as each level saw them --

create unlogged table growth.move as
select growth.set_up_id(9, variant * 64 + location) as id, growth.set_up_id(7, variant * 64 + location) as level_id,
       growth.set_up_id(4, variant) as variant_id, growth.set_up_id(2, location) as location_id, 0::bigint as n,
       growth.begin() as at, 'COUNT' as kind, 10000000 as quantity, null as source, 'AVAILABLE' as target,
       'StockAdjustment' as act_type, growth.set_up_id(8, variant * 64 + location) as act_id, null::uuid as line_id
from generate_series(0, growth.variants() - 1) variant, generate_series(1, 50) location
where (variant + location) % 8 = 0
union all
select growth.id(at, 88 + 8 * position + entry, n), level_id, variant_id, location_id, n, at + since, kind,
       case when entry > 2 then 1 else quantity end, source, target, act_type, act_id,
       case when entry > 2 then return_line_id else line_id end
from growth.line
cross join lateral (values
    (0, 'ALLOCATE', interval '0', 'AVAILABLE', 'ALLOCATED', 'RoutingDecision', decision_id, true),
    (1, 'DEALLOCATE', interval '2 hours', 'ALLOCATED', 'AVAILABLE', 'OrderCancellation', growth.id(at, 24, n),
        fate = 'CANCELED'),
    (2, 'SHIP', interval '20 hours', 'ALLOCATED', null, case when pickup then 'FulfillmentOrder' else 'Shipment' end,
        case when pickup then work_id else shipment_id end, fate in ('SHIPPED', 'COMPLETED')),
    (3, 'RETURN_RECEIVE', interval '10 days', null, 'QUALITY_CONTROL', 'Return', return_id,
        back in ('RECEIVED', 'CLOSED')),
    (4, 'REDISPOSE', interval '12 days', 'QUALITY_CONTROL', 'AVAILABLE', 'Return', return_id, back = 'CLOSED')
) moved (entry, kind, since, source, target, act_type, act_id, happened)
where fate not in ('DRAFT', 'EXPIRED') and happened
union all
select growth.id(at, 120, n), level_id, variant_id, location_id, n, at + interval '1 minute', 'ADJUST', 1, null,
       'AVAILABLE', 'StockAdjustment', growth.id(at, 121, n), null
from growth.line where position = 1 and n % (growth.orders() / 30) = 4;

create unlogged table growth.moved as
select move.*, row_number() over entries as version,
       sum(case 'AVAILABLE' when source then -quantity when target then quantity else 0 end) over entries as available,
       sum(case 'ALLOCATED' when source then -quantity when target then quantity else 0 end) over entries as allocated,
       sum(case 'QUALITY_CONTROL' when source then -quantity when target then quantity else 0 end) over entries
           as quality_control
from growth.move window entries as (partition by level_id order by at, id rows unbounded preceding);

insert into stock_movements (id, stock_level_id, variant_id, location_id, kind, quantity, from_bucket, from_balance_after,
                             to_bucket, to_balance_after, act_type, act_id, line_id, actor_kind, actor_name, occurred_at,
                             recorded_at)
select id, level_id, variant_id, location_id, kind, quantity,
       source, case source when 'AVAILABLE' then available when 'ALLOCATED' then allocated
                           when 'QUALITY_CONTROL' then quality_control end,
       target, case target when 'AVAILABLE' then available when 'ALLOCATED' then allocated
                           when 'QUALITY_CONTROL' then quality_control end,
       act_type, act_id, line_id, 'APP', 'shop', at, at
from growth.moved order by at, id;

insert into stock_levels (id, variant_id, location_id, available, allocated, quality_control, version)
select distinct on (level_id) level_id, variant_id, location_id, available, allocated, quality_control, version
from growth.moved order by level_id, version desc;

insert into demand_days (variant_id, location_id, day, units)
select variant_id, location_id, (at at time zone 'UTC')::date, sum(quantity)
from growth.line where fate not in ('DRAFT', 'EXPIRED', 'CANCELED') group by 1, 2, 3;

-- -- what went wrong: most of it is over --

insert into exceptions (id, kind, severity, subject_type, subject_id, order_id, customer_id, location_id, channel_id,
                        detected_at, due_at, explanation, suggested_actions, resolved_at, resolution, event_sequence)
select exception_id, trouble, case when n % (growth.orders() / 30) = 5 then 'CRITICAL' else 'MEDIUM' end,
       case trouble when 'LATE_PICK' then 'FulfillmentOrder' else 'Order' end,
       case trouble when 'LATE_PICK' then work_id else order_id end, order_id, customer_id,
       case trouble when 'LATE_PICK' then location_id end, channel_id, at + interval '12 hours', at + interval '12 hours',
       'It is late.', array['fulfillmentOrderPick'],
       case when fate in ('COMPLETED', 'SHIPPED') then at + interval '14 hours' end,
       case when fate in ('COMPLETED', 'SHIPPED') then 'Everything is picked.' end,
       case when fate in ('COMPLETED', 'SHIPPED') then 2 else 1 end
from growth.story where trouble is not null;

-- -- the log, in the order in which it happened: two years of it by months, and before them one as it was migrated --

create function growth.first_id(at timestamptz) returns bigint language sql stable as $$
    select case when at < '2024-01-01 00:00Z' then 0
                when at >= '2026-01-01 00:00Z' then (2025 * 12 + 11) * {ids_in_a_month} -- nobody began another month
                else (extract(year from at) * 12 + extract(month from at) - 1)::bigint * {ids_in_a_month} end
$$;

insert into events (id, epoch, position, type, subject_type, subject_id, sequence, customer_id, order_id, location_id,
                    channel_id, actor_kind, actor_id, actor_name, message, data, occurred_at, recorded_at)
select growth.first_id(at) + place, 1, place, type, subject_type, subject_id, sequence, customer_id, order_id, location_id,
       channel_id, 'APP', 'app:shop', 'shop', type, '{}', at, at
from (
  select *, row_number() over (order by at, order_id, sequence) as place from (
    select at + since as at, type, subject_type, subject_id, sequence, customer_id, order_id,
           case when subject_type not in ('Order', 'Exception') or trouble = 'LATE_PICK' and subject_type <> 'Order' then location_id end
               as location_id, channel_id
    from growth.story
    cross join lateral (values
        ('ORDER_DRAFTED', 'Order', order_id, 1, interval '0', fate in ('DRAFT', 'EXPIRED')),
        ('ORDER_PLACED', 'Order', order_id, 1, interval '0', fate not in ('DRAFT', 'EXPIRED')),
        ('PAYMENT_AUTHORIZED', 'Order', order_id, 2, interval '1 second', fate not in ('DRAFT', 'EXPIRED')),
        ('FULFILLMENT_ORDER_CREATED', 'FulfillmentOrder', work_id, 1, interval '2 seconds',
            fate not in ('DRAFT', 'EXPIRED')),
        ('ORDER_CONFIRMED', 'Order', order_id, 3, interval '1 hour',
            fate in ('CONFIRMED', 'HELD', 'PICKING', 'SHIPPED', 'COMPLETED')),
        ('ORDER_HELD', 'Order', order_id, 4, interval '61 minutes', fate = 'HELD'),
        ('ORDER_CANCELED', 'Order', order_id, 3, interval '2 hours', fate = 'CANCELED'),
        ('SHIPMENT_CREATED', 'Shipment', shipment_id, 1, interval '15 hours',
            fate in ('SHIPPED', 'COMPLETED') and not pickup),
        ('FULFILLMENT_ORDER_SHIPPED', 'FulfillmentOrder', work_id, 2, interval '20 hours',
            fate in ('SHIPPED', 'COMPLETED')),
        ('PAYMENT_CAPTURED', 'Order', order_id, 4, interval '20 hours', fate in ('SHIPPED', 'COMPLETED')),
        ('SHIPMENT_DELIVERED', 'Shipment', shipment_id, 2, interval '3 days', fate = 'COMPLETED' and not pickup),
        ('ORDER_COMPLETED', 'Order', order_id, 5, interval '73 hours', fate = 'COMPLETED'),
        ('RETURN_REQUESTED', 'Return', return_id, 1, interval '5 days', back is not null),
        ('RETURN_DECLINED', 'Return', return_id, 2, interval '6 days', back = 'DECLINED'),
        ('RETURN_APPROVED', 'Return', return_id, 2, interval '6 days', back in ('APPROVED', 'RECEIVED', 'CLOSED')),
        ('RETURN_RECEIVED', 'Return', return_id, 3, interval '10 days', back in ('RECEIVED', 'CLOSED')),
        ('RETURN_CLOSED', 'Return', return_id, 4, interval '12 days', back = 'CLOSED'),
        ('EXCEPTION_RAISED', 'Exception', exception_id, 1, interval '12 hours', trouble is not null),
        ('EXCEPTION_RESOLVED', 'Exception', exception_id, 2, interval '14 hours',
            trouble is not null and fate in ('COMPLETED', 'SHIPPED'))
    ) happened (type, subject_type, subject_id, sequence, since, did)
    where did
    union all
    select moved.at, 'STOCK_MOVED', 'StockLevel', level_id, version, customer_id, order_id, moved.location_id, channel_id
    from growth.moved left join growth.story on story.n = moved.n
  ) told
) placed;

insert into event_days (day, first_epoch, first_position, last_epoch, last_position)
select (occurred_at at time zone 'UTC')::date, min(epoch), min(position), max(epoch), max(position)
from events group by 1;

-- -- people's work: one item for every order; what is not of the last days has ended --

insert into work_items (id, kind, queue, location_id, status, priority, due_at, required_skills, subject_type, subject_id,
                        order_id, attempts, max_attempts, ready_at, lease, leased_by, leased_by_kind, leased_by_name,
                        failure, created_at, closed_at)
select growth.id(at, 30, n), case when n % (growth.orders() / 30) = 0 then 'RECALL' else 'COUNT_SHELF' end,
       case when place is null then 'call-center'
            else 'location:' || case when place <= 10 then 'DC' else 'ST' end || lpad(place::text, 2, '0') end,
       growth.set_up_id(2, place), status, growth.roll(n, 91, 3), case when growth.roll(n, 92, 2) = 0 then at + interval '1 day' end,
       case when growth.roll(n, 93, 10) = 0 then '{forklift}'::text[] else '{}' end, 'Order', order_id, order_id,
       case when status = 'READY' then 0 else 1 end, 5, case when status in ('LEASED', 'FAILED') then '9000-01-01' else at end,
       case when status = 'LEASED' then growth.id(at, 31, n) end, case when status = 'LEASED' then 'growth' end,
       case when status = 'LEASED' then 'STAFF' end, case when status = 'LEASED' then 'Growth' end,
       case when status in ('FAILED', 'DEAD') then 'nobody there' end, at,
       case when status in ('DONE', 'DEAD') then at + interval '2 hours' end
from (
    select n, at, order_id, case when n % 10 > 0 then growth.roll(n, 90, 50) + 1 end as place,
           case when n < growth.orders() - 500 then case when n % 1000 = 0 then 'DEAD' else 'DONE' end
                else (array['READY', 'READY', 'LEASED', 'FAILED'])[n % 4 + 1] end as status
    from growth.story
) item;

-- -- carts: one for every order, all but the last of them over --

insert into reservations (id, channel_id, customer_id, order_id, holder, reference, status, created_at, expires_at, ended_at)
select growth.id(at, 32, n), channel_id, customer_id, case when status = 'CONSUMED' then order_id end,
       'shopper:' || channel_id, 'cart-' || n, status, at, at + interval '15 minutes',
       case when status <> 'ACTIVE' then at + interval '10 minutes' end
from (
    select n, at, order_id, channel_id, customer_id,
           case when n >= growth.orders() - 100 then 'ACTIVE'
                else (array['CONSUMED', 'CONSUMED', 'RELEASED', 'EXPIRED'])[n % 4 + 1] end as status
    from growth.story
) cart;

insert into reservation_lines (id, reservation_id, stock_level_id, variant_id, location_id, sku, quantity, held)
select growth.id(at, 33, n), growth.id(at, 32, n), level_id, variant_id, location_id, sku, 1, 0
from (
    select n, at, (array_agg(line.id order by line.id))[1] as line_id
    from growth.story join fulfillment_orders work using (order_id)
    join fulfillment_order_lines line on line.fulfillment_order_id = work.id
    where n < growth.orders() - 100 group by n, at
) first
join lateral (
    select stock_level_id as level_id, variant_id, location_id, sku from fulfillment_order_lines where id = line_id
) part on true;

update event_head set position = (select max(position) from events);

-- -- what routing goes by: two versions of rules, two rates -------------------------------------------------------------

insert into routing_rulesets (id, channel_id, version, name, mode, currency, rules, allow_split, split_lines,
                              ship_complete, late_allowed, wait_for_capacity, lateness_minor_per_day, split_minor,
                              markdowns, weights, activated_at, activated_by_kind, activated_by,
                              retired_at)
select ('00000000-0000-7000-8000-00000000000' || n)::uuid, id, n, 'growth', case n when 1 then 'RETIRED' else 'LIVE' end,
       currency, '[]', true, true, false, true, true, 500, 500, '[]',
       '{"cost": "1", "lateness": "1", "split": "1", "stock": "1"}', now(), 'STAFF', 'Growth',
       case n when 1 then now() end
from channels, generate_series(1, 2) n where code = 'web';

insert into carrier_rates (id, carrier, currency, position, service, base_minor, per_kg_minor, per_kg_1000km_minor,
                           first_days, location_kinds, location_ids, countries, takes_hazmat)
select ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'correios', currency, n, 'PAC', 1000 * n, 80, 300, n, '{}', '{}',
       '{}', true
from channels, generate_series(1, 2) n where code = 'web';

-- -- supply: bought, moved and counted all along; what ended moved nothing, and what is awaited is rare --

insert into suppliers (id, code, name, lead_time_days, created_at)
select growth.set_up_id(40, n), 'SUP-' || n, 'Supplier ' || n, n, growth.begin() from generate_series(1, 40) n;

create unlogged table growth.supply as
select n, at, growth.id(at, 41, n) as bought_id, growth.id(at, 42, n) as moved_id, growth.id(at, 43, n) as counted_id,
       growth.set_up_id(2, growth.roll(n, 71, 50) + 1) as here, growth.set_up_id(2, growth.roll(n, 71, 49) + 2) as there,
       n > growth.orders() * 3 / 5 - 60 as is_open, variant, growth.set_up_id(4, variant) as variant_id,
       'SKU-' || lpad(variant::text, 6, '0') as sku
from (
    select n, growth.begin() + interval '1096 days' * (n::float8 / (growth.orders() * 3 / 5)) as at,
           growth.roll(n, 72, growth.variants()) as variant
    from generate_series(1, growth.orders() * 3 / 5) n
) drawn;

insert into purchase_orders (id, number, supplier_id, location_id, status, currency, expected_at, created_at, ordered_at,
                             closed_at)
select bought_id, n::text, growth.set_up_id(40, n % 40 + 1), here, case when is_open then 'ORDERED' else 'CANCELED' end, 'BRL',
       at + interval '10 days', at, at, case when not is_open then at end
from growth.supply;

insert into purchase_order_lines (id, purchase_order_id, position, variant_id, sku, name, ordered, canceled, currency,
                                  unit_cost_minor)
select growth.id(at, 44, n), bought_id, 1, variant_id, sku, 'Variant ' || variant, 10, case when is_open then 0 else 10 end,
       'BRL', 420
from growth.supply;

insert into transfers (id, number, from_location_id, to_location_id, status, expected_at, created_at, closed_at)
select moved_id, n::text, here, there, case when is_open then 'DRAFT' else 'CANCELED' end, at + interval '2 days', at,
       case when not is_open then at end
from growth.supply where here <> there;

insert into transfer_lines (id, transfer_id, position, variant_id, sku, name, quantity)
select growth.id(at, 45, n), moved_id, 1, variant_id, sku, 'Variant ' || variant, 3 from growth.supply where here <> there;

insert into goods_receipts (id, purchase_order_id, location_id, received_at, recorded_at, actor_kind, actor_name)
select growth.id(at, 46, n), bought_id, here, at, at, 'STAFF', 'Growth' from growth.supply where n <= 100;

insert into stock_counts (id, number, location_id, status, started_at, closed_at)
select counted_id, n::text, here, case when is_open then 'OPEN' else 'COMPLETED' end, at, case when not is_open then at end
from growth.supply;

insert into stock_count_lines (id, stock_count_id, position, stock_level_id, variant_id, sku, name, expected)
select growth.id(supply.at, 47, n), counted_id, 1, level.id, level.variant_id, sku, 'Variant', 5
from growth.supply supply join stock_levels level on level.id = growth.set_up_id(7, variant * 64 + (8 - variant % 8));

insert into backorders (id, order_line_id, order_id, variant_id, quantity, policy, waiting_after, recorded_at)
select growth.id(now(), 48, row_number() over ()), id, order_id, variant_id, 1, 'BACKORDER', 1, now()
from (select id, order_id, variant_id from order_lines order by id limit 40) line;

insert into backorder_fills (id, order_line_id, order_id, variant_id, quantity, routing_decision_id, recorded_at)
select growth.id(now(), 49, row_number() over ()), line.order_line_id, line.order_id, line.variant_id, 1,
       (select id from routing_decisions where order_id = line.order_id limit 1), now()
from backorders line;

-- -- another system that hears of orders; one in a hundred deliveries never arrived, and a second that hears of nothing --

insert into webhook_endpoints (id, url, secret, types, format, status, owner_subject, owner, created_at)
select ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'https://example.com/' || n, 'whsec_' || n, '{}', 'STANDARD',
       'ACTIVE', 'growth', '{"kind": "STAFF", "name": "Growth", "role": "OPERATIONS", "scopes": []}', now()
from generate_series(1, 2) n;

insert into webhook_deliveries (id, endpoint_id, event_id, type, subject_id, status, attempts, response_status,
                                queued_at, ended_at)
select ('00000000-0000-7000-9000-' || lpad(to_hex(position), 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001', id, type,
       subject_id, case when position % 100 = 0 then 'DEAD' else 'DELIVERED' end, 1,
       case when position % 100 = 0 then 500 else 200 end, occurred_at, occurred_at
from events where subject_type = 'Order';

insert into webhook_attempts (delivery_id, number, began_at, duration_ms, response_status)
select id, 1, queued_at, 12, response_status from webhook_deliveries;

select setval(pg_get_serial_sequence('events', 'id'), (select max(id) from events)),
       setval('order_number', 100001 + growth.orders()), setval('return_number', 100001 + growth.orders());

drop schema growth cascade;
