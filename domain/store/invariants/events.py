"""The log: nothing missing, nothing twice, in order; and every claim of an idempotency key was answered."""

from domain.store.invariants import Invariant

EVENTS_ARE_NUMBERED_WITHOUT_GAPS = Invariant(
    "events_are_numbered_without_gaps",
    "The events of each subject are numbered from 1 without gaps; later, where the earlier ones were archived.",
    """
    select min(subject_type), subject_id, '1 to ' || count(*), min(sequence) || ' to ' || max(sequence)
    from events group by subject_id
    having (min(sequence) <> 1 and not (select floor_epoch > 0 from event_head))
        or min(sequence) < 1 or max(sequence) - min(sequence) + 1 <> count(*) or count(distinct sequence) <> count(*)
    """,
)

SUBJECTS_KNOW_THEIR_LAST_EVENT = Invariant(
    "subjects_know_their_last_event",
    "Every subject counts its events: what it has counted is its last event's number, unless all were archived.",
    """
    with last as (select subject_type, subject_id, max(sequence) as number from events group by 1, 2),
    subject (type, id, counted) as (
        select 'Order', id, event_sequence from orders
        union all select 'FulfillmentOrder', id, event_sequence from fulfillment_orders
        union all select 'RoutingRuleset', id, event_sequence from routing_rulesets
        union all select 'Shipment', id, event_sequence from shipments
        union all select 'Return', id, event_sequence from returns
        union all select 'StockLevel', id, version from stock_levels
        union all select 'Customer', id, event_sequence from customers
        union all select 'WorkItem', id, event_sequence from work_items
        union all select 'Exception', id, event_sequence from exceptions
        union all select 'PurchaseOrder', id, event_sequence from purchase_orders
        union all select 'Transfer', id, event_sequence from transfers
        union all select 'StockCount', id, event_sequence from stock_counts
        union all select 'Reservation', id, event_sequence from reservations
    )
    select coalesce(subject.type, last.subject_type), coalesce(subject.id, last.subject_id),
           coalesce(last.number, 0)::text, coalesce(subject.counted::text, 'no such object')
    from subject full join last on last.subject_type = subject.type and last.subject_id = subject.id
    where coalesce(last.number, 0) is distinct from subject.counted
      and not (last.number is null and (select floor_epoch > 0 from event_head))
      and (subject.id is not null
           or last.subject_type in
              ('Order', 'FulfillmentOrder', 'Shipment', 'Return', 'StockLevel', 'Customer', 'WorkItem', 'Exception',
               'PurchaseOrder', 'Transfer', 'StockCount', 'Reservation'))
    """,
)

POSITIONS_HAVE_NO_GAPS = Invariant(
    "positions_have_no_gaps",
    "In each epoch, positions follow without gap or double from the floor up to the head, and none lies beyond it.",
    """
    with head as (select * from event_head),
    run as (
        select epoch, min(position) as first, max(position) as last, count(*) as stamped, count(distinct position) as places
        from events where position is not null or epoch is not null group by epoch
    )
    select 'Epoch', coalesce(run.epoch, head.epoch),
           case when run.epoch = head.epoch then 'up to ' || head.position else 'without a gap' end,
           concat(coalesce(run.stamped, 0), ' events from ', run.first, ' to ', run.last)
    from run full join head on head.epoch = run.epoch
    where run.stamped <> run.places or run.last - run.first + 1 <> run.stamped or run.first < 1
       or (run.epoch = (select floor_epoch from head) and run.first <> (select floor_position + 1 from head))
       or run.epoch < (select floor_epoch from head)
       or run.epoch > coalesce((select epoch from head), 0)
       or (run.epoch = head.epoch and run.last <> head.position)
       or (run.stamped > 0 and (run.epoch is null or run.first is null))
    """,
)

POSITIONS_KEEP_EACH_SUBJECTS_ORDER = Invariant(
    "positions_keep_each_subjects_order",
    "Whoever reads by position meets each subject's events in the order of their numbers.",
    """
    select subject_type, subject_id, 'after ' || before, 'number ' || sequence || ' at ' || position
    from (select subject_type, subject_id, sequence, epoch, position,
                 lag(epoch) over earlier as epoch_before, lag(position) over earlier as before
          from events where position is not null
          window earlier as (partition by subject_id order by sequence, id)) event
    where (epoch, position) < (epoch_before, before)
    """,
)

DAYS_KNOW_THEIR_EVENTS = Invariant(
    "days_know_their_events",
    "No event stands in the log before the place where those of its day are said to begin.",
    """
    select 'Event', event.id, concat('not before ', known.first_epoch, ':', known.first_position),
           concat(event.epoch, ':', event.position)
    from events event left join event_days known on known.day = (event.occurred_at at time zone 'UTC')::date
    where event.position is not null
      and ((event.epoch, event.position) < (known.first_epoch, known.first_position) or known.day is null)
    """,
)

CLAIMS_HAVE_ANSWERS = Invariant(
    "claims_have_answers",
    "An idempotency key that was claimed has its answer: both were committed together.",
    """
    select 'IdempotencyClaim', key, 'an answer', mutation || ' by ' || actor from idempotency_claims
    where answer is null
    """,
)

INVARIANTS = (
    EVENTS_ARE_NUMBERED_WITHOUT_GAPS,
    SUBJECTS_KNOW_THEIR_LAST_EVENT,
    POSITIONS_HAVE_NO_GAPS,
    POSITIONS_KEEP_EACH_SUBJECTS_ORDER,
    DAYS_KNOW_THEIR_EVENTS,
    CLAIMS_HAVE_ANSWERS,
)
