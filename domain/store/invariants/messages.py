"""Messages: none is forgotten."""

from domain.store.invariants import Invariant

PENDING_MESSAGES_HAVE_A_JOB = Invariant(
    "pending_messages_have_a_job",
    "Whatever a customer is still to be told has a job that tells it.",
    """
    select 'Message', message.id, '1 job', count(jobs.id) || ' jobs'
    from messages message
    left join jobs on jobs.kind = 'SEND_MESSAGE' and jobs.key = message.id::text and jobs.dead_at is null
    where message.status = 'PENDING' group by message.id having count(jobs.id) <> 1
    """,
)

INVARIANTS = (PENDING_MESSAGES_HAVE_A_JOB,)
