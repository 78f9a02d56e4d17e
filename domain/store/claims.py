"""Idempotency claims: (actor, mutation, key) with a digest of the input and the answer's subjects."""

from datetime import datetime
from typing import Any

CLAIM = """
    insert into idempotency_claims (actor, mutation, key, digest, claimed_at)
    values ($1, $2, $3, $4, $5)
    on conflict (actor, mutation, key) do nothing
    returning digest
"""

ANSWERED = """
    select digest, answer::json as answer from idempotency_claims where actor = $1 and mutation = $2 and key = $3
"""


async def claim(connection: Any, actor: str, mutation: str, key: str, digest: str, now: datetime) -> Any:
    """Claim a key; None when it is ours now, else the claim that stands. Waits for a twin that is still at work."""
    if await connection.fetchval(CLAIM, actor, mutation, key, digest, now) is not None:
        return None
    return await connection.fetchrow(ANSWERED, actor, mutation, key)


KEPT_DAYS = 30
"""How long a key is remembered: nobody repeats a request after that long without meaning a new one."""

FORGET = """
    delete from idempotency_claims where ctid = any (array(
        select ctid from idempotency_claims where claimed_at < now() - make_interval(days => $1)
        order by claimed_at limit $2
    ))
"""


async def forget(connection: Any, limit: int) -> int:
    """Forget up to so many keys that are too old; how many there were."""
    tag: str = await connection.execute(FORGET, KEPT_DAYS, limit)
    return int(tag.rpartition(" ")[2])
