"""Customers: what staff noted was told."""

from domain.store.invariants import Invariant

NOTES_ARE_TOLD = Invariant(
    "notes_are_told",
    "Every note about a customer is in the log, once, as that customer's, unless it was archived.",
    """
    select 'CustomerNote', note.id, '1 event of customer ' || note.customer_id,
           count(event.id) || ' of ' || coalesce(string_agg(event.customer_id::text, ', '), 'nobody')
    from customer_notes note
    left join events event on event.subject_id = note.id and event.type = 'CUSTOMER_NOTE_ADDED'
    group by note.id
    having (count(*) filter (where event.customer_id = note.customer_id) <> 1 or count(event.id) <> 1)
       and not (count(event.id) = 0 and note.created_at <= coalesce((select floor_recorded_at from event_head), '-infinity'))
    """,
)

INVARIANTS = (NOTES_ARE_TOLD,)
