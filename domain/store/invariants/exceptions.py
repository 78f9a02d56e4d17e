"""Exceptions: at most one of a kind about the same thing, told when it came and when it went."""

from domain.store.invariants import Invariant

ONE_OF_A_KIND_IS_OPEN = Invariant(
    "one_of_a_kind_is_open",
    "At most one exception of a kind is open about the same object.",
    """
    select 'Exception', min(id::text), '1 open', count(*) || ' open'
    from exceptions where resolved_at is null group by kind, subject_id having count(*) > 1
    """,
)

EXCEPTIONS_ARE_TOLD = Invariant(
    "exceptions_are_told",
    "Of an exception the log first tells that it was raised, and last, once it is over and no sooner, that it was resolved.",
    """
    select 'Exception', trouble.id,
           concat(trouble.event_sequence, ' events', case when trouble.resolved_at is not null then ', resolved' end),
           event.type || ' as number ' || event.sequence
    from exceptions trouble join events event on event.subject_id = trouble.id
    where (event.type = 'EXCEPTION_RAISED') <> (event.sequence = 1)
       or (event.type = 'EXCEPTION_RESOLVED')
          <> (event.sequence = trouble.event_sequence and trouble.resolved_at is not null)
    """,
)

SHIPMENTS_KNOW_WHAT_WAS_SAID_LAST = Invariant(
    "shipments_know_what_was_said_last",
    "A shipment's last word is the latest of its tracking events, unless it was handed over after that.",
    """
    select 'Shipment', shipment.id, concat(last.code, ' at ', last.occurred_at),
           concat(shipment.heard_code, ' at ', shipment.heard_at)
    from shipments shipment
    join lateral (
        select occurred_at, min(code) as code, array_agg(code) as codes from tracking_events
        where shipment_id = shipment.id group by occurred_at order by occurred_at desc limit 1
    ) last on true
    where shipment.heard_at is null or shipment.heard_at < last.occurred_at
       or (shipment.heard_at = last.occurred_at and coalesce(shipment.heard_code, '') <> all (last.codes))
    """,
)

INVARIANTS = (ONE_OF_A_KIND_IS_OPEN, EXCEPTIONS_ARE_TOLD, SHIPMENTS_KNOW_WHAT_WAS_SAID_LAST)
