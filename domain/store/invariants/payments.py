"""Payments: entries settle what was asked, never more than there is, and the status is what they amount to."""

from domain.store.invariants import Invariant

DERIVED = """
    with owed as (select order_id, sum(amount_minor) as minor from order_adjustments group by order_id),
    summed as (
        select order_id,
               coalesce(sum(amount_minor) filter (where kind = 'AUTHORIZATION'), 0) as authorized,
               coalesce(sum(amount_minor) filter (where kind = 'CAPTURE'), 0) as captured,
               coalesce(sum(amount_minor) filter (where kind = 'REFUND'), 0) as refunded,
               coalesce(sum(amount_minor) filter (where kind = 'CHARGEBACK'), 0) as charged_back
        from payments where status = 'SUCCEEDED' group by order_id
    ),
    used as (
        select order_id, parent_id, sum(amount_minor) as minor from payments
        where status = 'SUCCEEDED' and kind in ('CAPTURE', 'VOID') group by order_id, parent_id
    ),
    waiting as (
        select entry.order_id from payments entry
        left join used on used.order_id = entry.order_id and used.parent_id = entry.id
        where entry.status = 'SUCCEEDED' and entry.kind = 'AUTHORIZATION'
          and entry.amount_minor > coalesce(used.minor, 0)
        group by entry.order_id
    ),
    money as (
        select o.id, o.payment_status, authorized, captured, refunded, charged_back,
               waiting.order_id is not null as waiting,
               coalesce(owed.minor, 0) - coalesce(captured - refunded, 0) as balance
        from orders o
        left join owed on owed.order_id = o.id
        left join summed on summed.order_id = o.id
        left join waiting on waiting.order_id = o.id
    )
    select id, payment_status, balance,
           case when charged_back > 0 then 'CHARGED_BACK'
                when captured > 0 and balance < 0 then 'OVERPAID'
                when captured > 0 and refunded >= captured then 'REFUNDED'
                when captured > 0 and refunded > 0 then 'PARTIALLY_REFUNDED'
                when captured > 0 and balance > 0 then 'PARTIALLY_PAID'
                when captured > 0 then 'PAID'
                when waiting then 'AUTHORIZED'
                when authorized > 0 then 'VOIDED'
                else 'NONE' end as derived
    from money
"""
"""What `domain.payments` derives from entries, beside what is stored; a test keeps the two in step."""

PAYMENT_STATUS_IS_DERIVED = Invariant(
    "payment_status_is_derived",
    "An order's payment status is what its charges, credits and succeeded entries amount to.",
    f"select 'Order', id, derived, payment_status from ({DERIVED}) o where payment_status <> derived",
)

ANSWERS_SETTLE_WHAT_WAS_ASKED = Invariant(
    "answers_settle_what_was_asked",
    "Every settled entry settles one requested entry of the same order, kind, amount, currency and provider, and "
    "nothing is settled twice. Nobody asked for a chargeback, nor for what happened elsewhere and is only recorded.",
    """
    select 'Payment', answer.id, coalesce(concat_ws(' ', asked.kind, asked.amount_minor, asked.currency, asked.provider),
                                          'a requested entry'),
           concat_ws(' ', answer.status, answer.kind, answer.amount_minor, answer.currency, answer.provider,
                     case when answer.request_id is not null and answer.times > 1
                          then 'settled ' || answer.times || ' times' end)
    from (select *, count(*) over (partition by request_id) as times from payments) answer
    left join payments asked on asked.id = answer.request_id
    where (answer.status = 'REQUESTED' and answer.request_id is not null)
       or (answer.request_id is null and answer.status = 'FAILED')
       or (answer.status <> 'REQUESTED' and answer.request_id is null and answer.kind <> 'CHARGEBACK'
           and answer.provider <> 'manual' and answer.destination is distinct from 'MANUAL')
       or (answer.request_id is not null and (answer.times > 1 or asked.status is distinct from 'REQUESTED'
           or (answer.order_id, answer.kind, answer.amount_minor, answer.currency, answer.provider)
              is distinct from (asked.order_id, asked.kind, asked.amount_minor, asked.currency, asked.provider)))
    """,
)

ENTRIES_FOLLOW_THEIR_KIND = Invariant(
    "entries_follow_their_kind",
    "Captures and voids follow a succeeded authorization of their order, refunds and chargebacks a succeeded capture.",
    """
    select 'Payment', entry.id,
           case when entry.kind in ('CAPTURE', 'VOID') then 'an AUTHORIZATION'
                when entry.kind in ('REFUND', 'CHARGEBACK') then 'a CAPTURE' else 'nothing before it' end,
           coalesce(parent.status || ' ' || parent.kind, 'nothing')
    from payments entry left join payments parent on parent.id = entry.parent_id
    where (entry.parent_id is null and entry.kind = 'VOID')
       or (entry.parent_id is not null and (
           entry.kind = 'AUTHORIZATION' or parent.status is distinct from 'SUCCEEDED'
           or parent.order_id is distinct from entry.order_id
           or parent.kind is distinct from
              case when entry.kind in ('CAPTURE', 'VOID') then 'AUTHORIZATION' else 'CAPTURE' end))
    """,
)

NO_MORE_TAKEN_THAN_PROMISED = Invariant(
    "no_more_taken_than_promised",
    "What was captured from an authorization and released of it is no more than was authorized.",
    """
    select 'Payment', promised.id, 'at most ' || promised.amount_minor, sum(entry.amount_minor)::text
    from payments promised join payments entry on entry.parent_id = promised.id
    where promised.kind = 'AUTHORIZATION' and entry.status = 'SUCCEEDED' and entry.kind in ('CAPTURE', 'VOID')
    group by promised.id, promised.amount_minor having sum(entry.amount_minor) > promised.amount_minor
    """,
)

NO_MORE_GIVEN_BACK_THAN_TAKEN = Invariant(
    "no_more_given_back_than_taken",
    "What went back is no more than was captured, for an order as for each capture.",
    """
    select 'Order', order_id, 'at most ' || coalesce(taken, 0), back::text
    from (select order_id, sum(amount_minor) filter (where kind = 'CAPTURE') as taken,
                 sum(amount_minor) filter (where kind = 'REFUND') as back
          from payments where status = 'SUCCEEDED' group by order_id) total
    where back > coalesce(taken, 0)
    union all
    select 'Payment', capture.id, 'at most ' || capture.amount_minor, sum(entry.amount_minor)::text
    from payments capture join payments entry on entry.parent_id = capture.id
    where capture.kind = 'CAPTURE' and entry.kind = 'REFUND' and entry.status = 'SUCCEEDED'
    group by capture.id, capture.amount_minor having sum(entry.amount_minor) > capture.amount_minor
    """,
)

REFUNDS_ARE_CREDITED = Invariant(
    "refunds_are_credited",
    "What went back for returned goods, or as goodwill, is also posted as a credit.",
    """
    with refunded as (
        select entry.order_id,
               case when coalesce(entry.return_id, asked.return_id) is not null then 'RETURN' else 'GOODWILL' end as kind,
               sum(entry.amount_minor) as minor
        from payments entry left join payments asked on asked.id = entry.request_id
        where entry.kind = 'REFUND' and entry.status = 'SUCCEEDED'
          and (coalesce(entry.return_id, asked.return_id) is not null
               or coalesce(entry.reason, asked.reason) in ('RETURN', 'GOODWILL'))
        group by 1, 2
    ),
    credited as (select order_id, kind, -sum(amount_minor) as minor from order_adjustments group by 1, 2)
    select 'Order', refunded.order_id, concat(refunded.kind, ' credits of at least ', refunded.minor),
           coalesce(credited.minor, 0)::text
    from refunded left join credited using (order_id, kind)
    where refunded.minor > coalesce(credited.minor, 0)
    """,
)

INVARIANTS = (
    PAYMENT_STATUS_IS_DERIVED,
    ANSWERS_SETTLE_WHAT_WAS_ASKED,
    ENTRIES_FOLLOW_THEIR_KIND,
    NO_MORE_TAKEN_THAN_PROMISED,
    NO_MORE_GIVEN_BACK_THAN_TAKEN,
    REFUNDS_ARE_CREDITED,
)
