"""Webhooks: nothing is forgotten on its way, nothing overtakes, and what is said to have arrived did."""

from domain.store.invariants import Invariant

PENDING_DELIVERIES_HAVE_A_JOB = Invariant(
    "pending_deliveries_have_a_job",
    "Whatever is still to be delivered has a living job that will.",
    """
    select 'WebhookDelivery', delivery.id, 'a job', 'none'
    from webhook_deliveries delivery
    where delivery.status = 'PENDING' and not exists (
        select from jobs
        where jobs.kind = 'WEBHOOK_DELIVERY' and dead_at is null and jobs.payload ->> 'delivery' = delivery.id::text
    )
    """,
)

ATTEMPTS_ARE_ON_RECORD = Invariant(
    "attempts_are_on_record",
    "A delivery counts its attempts, and each of them is on record.",
    """
    select 'WebhookDelivery', delivery.id, delivery.attempts || ' attempts',
           count(attempt.number) || ' up to number ' || coalesce(max(attempt.number), 0)
    from webhook_deliveries delivery left join webhook_attempts attempt on attempt.delivery_id = delivery.id
    group by delivery.id
    having count(attempt.number) <> delivery.attempts or coalesce(max(attempt.number), 0) <> delivery.attempts
    """,
)

WHAT_ARRIVED_WAS_ANSWERED = Invariant(
    "what_arrived_was_answered",
    "A delivery that arrived was answered with a status of 200 to 299.",
    """
    select 'WebhookDelivery', delivery.id, 'an answer of 200 to 299', 'none'
    from webhook_deliveries delivery
    where delivery.status = 'DELIVERED' and not exists (
        select from webhook_attempts attempt
        where attempt.delivery_id = delivery.id and attempt.response_status between 200 and 299
    )
    """,
)

DELIVERIES_KEEP_EACH_SUBJECTS_ORDER = Invariant(
    "deliveries_keep_each_subjects_order",
    "To one endpoint, no event of a subject arrives while an earlier one of it that was queued before still waits.",
    """
    select 'WebhookDelivery', later.id, 'not before ' || earlier.id, 'arrived at ' || later.ended_at
    from webhook_deliveries earlier join webhook_deliveries later
      on later.endpoint_id = earlier.endpoint_id and later.subject_id = earlier.subject_id
     and later.event_id > earlier.event_id
    where earlier.status = 'PENDING' and later.status = 'DELIVERED'
      and earlier.queued_at <= later.queued_at and later.ended_at > earlier.queued_at
    """,
)

INVARIANTS = (
    PENDING_DELIVERIES_HAVE_A_JOB,
    ATTEMPTS_ARE_ON_RECORD,
    WHAT_ARRIVED_WAS_ANSWERED,
    DELIVERIES_KEEP_EACH_SUBJECTS_ORDER,
)
