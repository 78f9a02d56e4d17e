"""Idempotency claims: (actor, mutation, key) with a digest of the input and the answer's subjects."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import orjson

CLAIM = """
    with mine as (
        insert into idempotency_claims (actor, mutation, key, digest, claimed_at)
        values (${}, ${}, ${}, ${}, ${})
        on conflict (actor, mutation, key) do nothing
        returning 1
    )
    select exists (select from mine), ({})
"""

LOOK = """
    select (
        select json_build_array(digest, answer) from idempotency_claims
        where actor = ${} and mutation = ${} and key = ${}
    ), ({})
"""

ANSWERED = """
    select digest, answer::json as answer from idempotency_claims where actor = $1 and mutation = $2 and key = $3
"""


class Claim(NamedTuple):
    """Whose key it is and for what, and the digest of what was asked with it."""

    actor: str
    mutation: str
    key: str
    digest: str
    claimed_at: datetime


class Claimed(Exception):
    """The key stands for a request that was answered before."""

    def __init__(self, digest: str, answer: bytes) -> None:
        super().__init__()
        self.digest = digest
        self.answer = answer


async def claim(connection: Any, wanted: Claim, question: str, parameters: Sequence[Any]) -> Any:
    """The one value that `question` gives, and the key claimed with the same statement; or `Claimed` is raised.

    It waits for a twin that is still at work.
    """
    asked = _with(CLAIM, question, len(parameters), len(wanted))
    is_mine, value = await connection.fetchrow(asked, *parameters, *wanted)
    if not is_mine:
        raise Claimed(*await connection.fetchrow(ANSWERED, wanted.actor, wanted.mutation, wanted.key))
    return value


async def look(connection: Any, wanted: Claim, question: str, parameters: Sequence[Any]) -> Any:
    """The one value that `question` gives, as of a moment at which nobody had answered to the key; or `Claimed` is raised.

    It waits for nobody: a twin that is still at work is met when the key is kept with the answer.
    """
    names = wanted.actor, wanted.mutation, wanted.key
    answered, value = await connection.fetchrow(_with(LOOK, question, len(parameters), len(names)), *parameters, *names)
    if answered is not None:
        digest, answer = orjson.loads(answered)
        raise Claimed(digest, orjson.dumps(answer))
    return value


@cache
def _with(template: str, question: str, parameters: int, more: int) -> str:
    """Numbered so that the question's own parameters keep their places."""
    return template.format(*range(parameters + 1, parameters + 1 + more), question)


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
