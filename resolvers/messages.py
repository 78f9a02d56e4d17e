"""Messages to customers: read off the log, worded, handed to a gateway; and what customers choose to be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import orjson
import structlog

from domain import ids
from domain.acts import Act
from domain.events import Event, EventType
from domain.ids import new_id
from domain.messages import (
    TOPIC_OF,
    Letter,
    MessageGateway,
    MessageKind,
    MessageMedium,
    MessageStatus,
    MessageTopic,
    NotNow,
    Undeliverable,
    announced,
    ended,
    may_be_left,
    patience,
    refuse_odd_locale,
    refuse_unleavable,
    still_news,
    unwanted,
)
from domain.model import Decided
from domain.refusals import InvalidInput, NotFound
from domain.store import customers as stored_customers
from domain.store import messages as stored
from domain.store.changes import Changes, LostUpdate, write
from domain.store.jobs import Job, NewJob, enqueue
from domain.store.messages import Sender, Waiting
from domain.store.relays import LoggedEvent
from domain.viewer import Role, Scope, Viewer, ViewerKind
from resolvers.database import Connection
from resolvers.documents import RequestError
from resolvers.engine import Engine, Request
from resolvers.jobs import Again, Done, Kind, Outcome, retry_seconds
from resolvers.relays import Relay
from resolvers.wording import Unwordable, Wording, Words
from resolvers.writing import Outcome as Answer
from resolvers.writing import Work, World, verb

if TYPE_CHECKING:
    from schema.inputs.messages import CustomerMessagePreferencesSetInput, MessagesUnsubscribeInput

log = structlog.get_logger()

SEND_MESSAGE = "SEND_MESSAGE"
AT_ONCE = 8
LONGEST_REASON = 500
TOPICS = {kind.value: topic.value for kind, topic in TOPIC_OF.items()}

WRITER = Viewer(ViewerKind.APP, Role.APP, "messages", "Messages", frozenset({Scope.ORDERS_READ}))
"""Who asks the graph on a template's behalf: sees what any order is about, and nothing of stock or routing."""


@dataclass(frozen=True, slots=True)
class Post:
    """What it takes to write to customers."""

    engine: Engine
    wording: Wording
    gateways: Mapping[MessageMedium, MessageGateway]
    unsubscribe_url: str | None = None


# -- from the log --------------------------------------------------------------------------------------------------


def announcing(post: Post, after: Callable[[], None]) -> Relay:
    """Makes messages of events, and a job of each message."""

    async def pass_on(connection: Connection, events: list[LoggedEvent]) -> None:
        found = [
            announced(each.type, each.subject_id, each.order_id, each.data, (each.occurred_at, each.recorded_at))
            for each in events
        ]
        fresh = still_news([each for each in found if each is not None])
        made = await stored.announce(connection, fresh, list(post.gateways))
        await enqueue(connection, [_job(*each) for each in made])

    return Relay("messages", pass_on, after)


def _job(message_id: UUID, medium: str, order_id: UUID) -> NewJob:
    """What an order's customer is told comes in the order in which it happened, by each medium."""
    return NewJob(SEND_MESSAGE, {"message": message_id}, key=str(message_id), lane=f"{medium}/{order_id}")


# -- to the gateway ------------------------------------------------------------------------------------------------


def sending(post: Post) -> Kind:
    """Sends one message. It is tried until it is no news any more, however many attempts that takes."""

    async def handle(job: Job) -> Outcome:
        async with post.engine.database.writes.acquire() as connection:
            waiting = await stored.load(connection, UUID(job.payload["message"]), TOPICS)
        if waiting is None or waiting.message.status != MessageStatus.PENDING:
            return Done()
        return await _send(post, waiting, job)

    return Kind(SEND_MESSAGE, handle, slots=AT_ONCE, attempts=10_000)


async def _send(post: Post, waiting: Waiting, job: Job) -> Outcome:
    message = waiting.message
    reason = unwanted(message, opted_out=waiting.opted_out)
    if reason is not None:
        return await _end(post, waiting, MessageStatus.SUPPRESSED, reason)
    if waiting.age > patience(MessageKind(message.kind)):
        return await _end(post, waiting, MessageStatus.FAILED, f"too late: {message.reason or 'nobody sent it'}")
    gateway = post.gateways.get(MessageMedium(message.medium))
    if gateway is None:
        return await _later(post, waiting, job, f"no gateway carries {message.medium}")
    try:
        words, letter = await _letter(post, waiting)
        answer = await gateway.send(letter)
    except (Unwordable, Undeliverable) as error:
        return await _end(post, waiting, MessageStatus.FAILED, str(error))
    except NotNow as error:
        return await _later(post, waiting, job, str(error))
    log.info("a message was sent", message=str(message.id), kind=message.kind, medium=message.medium, answer=answer)
    return await _end(post, waiting, MessageStatus.SENT, None, words)


def _kept(reason: str) -> str:
    """What somebody else's server or template said, as it can be kept."""
    return reason.replace("\0", "")[:LONGEST_REASON]


async def _later(post: Post, waiting: Waiting, job: Job, reason: str) -> Outcome:
    reason = _kept(reason)
    async with post.engine.database.writes.acquire() as connection:
        await stored.note(connection, waiting.message.id, reason)
    return Again(retry_seconds(job.attempts), reason)


async def _end(
    post: Post, waiting: Waiting, status: MessageStatus, reason: str | None, words: Words | None = None
) -> Outcome:
    """Put on record what became of a message, and tell the log."""
    world = post.engine.world
    now = world.now()
    after = replace(waiting.message, status=status.value, reason=reason and _kept(reason), ended_at=now)
    if words is not None:
        after = replace(after, locale=words.locale, subject=words.subject)
    changes = Changes()
    changes.turn(waiting.message, after)
    changes.log(Act(new_id(), now, now, "SYSTEM", "messages", "Messages"), [ended(after)])
    try:
        async with world.database.writes.acquire() as connection, connection.transaction():
            await write(connection, changes)
    except (LostUpdate, asyncpg.UniqueViolationError):
        # Our lease ran out, and whoever had the job next has said so already.
        log.warning("a message was on record already", message=str(after.id))
    world.stamp_soon()
    return Done()


# -- in words ------------------------------------------------------------------------------------------------------


async def _letter(post: Post, waiting: Waiting) -> tuple[Words, Letter]:
    message = waiting.message
    kind, medium = MessageKind(message.kind), MessageMedium(message.medium)
    url = unsubscribe_url(post, kind, medium, message.customer_id)
    about = (ids.encode("Order", message.order_id), ids.encode(message.cause_type, message.cause_id))
    words = await worded(post, (kind, medium), waiting.sender, about, first(waiting.locales), url)
    assert message.recipient is not None, "a message to nobody is suppressed"
    return words, letter(message.id, message.recipient, words, url)


def letter(id_: UUID, recipient: str, words: Words, url: str | None) -> Letter:
    """Words on their way to somebody."""
    return Letter(id_, recipient, words.subject, words.text, words.html, words.locale, url)


def first(locales: Iterable[str]) -> str | None:
    """The language that is meant, if anybody said."""
    return next(iter(locales), None)


async def worded(
    post: Post,
    what: tuple[MessageKind, MessageMedium],
    sender: Sender,
    about: tuple[str, str],
    locale: str | None,
    url: str | None = None,
) -> Words:
    """A kind of message about an order and a cause, by their ids, as they are now."""
    kind, medium = what
    data = await _asked(post.engine, post.wording.document(kind, sender), f"{kind.lower()}.graphql", about)
    return post.wording.write(kind, medium, sender, locale, data, url)


async def _asked(engine: Engine, document: str, name: str, about: tuple[str, str]) -> dict[str, Any]:
    """What the graph answers; it has seen what the message is about, also where a replica answers."""
    variables = dict(zip(("orderId", "causeId"), about, strict=True))
    request = Request(document, variables=variables, after=await engine.database.mark())
    try:
        answer = orjson.loads(await engine.answer(request, WRITER, may_mutate=False))
    except RequestError as error:
        raise Unwordable(f"{name}: {error}") from error
    if answer.get("errors"):
        raise Unwordable(f"{name}: {answer['errors'][0]['message']}")
    return answer["data"]  # type: ignore[no-any-return]


def unsubscribe_url(post: Post, kind: MessageKind, medium: MessageMedium, customer_id: UUID | None) -> str | None:
    """The link by which a customer leaves the message's topic; None where they may not, or nobody would listen."""
    topic, seal = TOPIC_OF[kind], post.engine.world.seal
    if post.unsubscribe_url is None or seal is None or customer_id is None or not may_be_left(topic, medium):
        return None
    token = seal({"customer": str(customer_id), "topic": topic.value, "medium": medium.value})
    return f"{post.unsubscribe_url}{'&' if '?' in post.unsubscribe_url else '?'}{urlencode({'token': token})}"


# -- what customers choose -----------------------------------------------------------------------------------------


@verb("customerMessagePreferencesSet", Scope.MESSAGES_CHOOSE)
async def choose(work: Work, input: CustomerMessagePreferencesSetInput) -> Answer:
    """Set what a customer is told, and in which language."""
    key = ids.decode("Customer", input.customer_id)
    customer_id = await stored_customers.keep(work.connection, key, work.viewer) if key else None
    if customer_id is None:
        raise NotFound("Customer", input.customer_id, field=("customerId",))
    refuse_odd_locale(input.locale, "locale")
    left = None if input.opt_outs is None else [(each.topic, each.medium) for each in input.opt_outs]
    for index, pair in enumerate(left or ()):
        refuse_unleavable(*pair, "optOuts", str(index))

    sequence = await stored.choose(work.connection, customer_id, input.locale)
    assert sequence is not None, "the customer is kept"
    if left is not None:
        await stored.opt_out(work.connection, customer_id, left, work.act.at, of_nothing_else=True)
    work.store(None, _chosen(customer_id, sequence))
    return Answer({"customer": customer_id})


async def _with_topic(world: World, _viewer: Viewer, input: MessagesUnsubscribeInput, outcome: Answer) -> Answer:
    _, topic, medium = _unsealed(world, input.token)
    return replace(outcome, values={"topic": topic, "medium": medium})


@verb("messagesUnsubscribe", Scope.ORDERS_PLACE, finish=_with_topic)
async def unsubscribe(work: Work, input: MessagesUnsubscribeInput) -> Answer:
    """Leave the topic that a message's link names. Whoever has the link got the message."""
    customer_id, topic, medium = _unsealed(work.world, input.token)

    sequence = await stored.choose(work.connection, customer_id, None)
    if sequence is None:
        raise InvalidInput("this customer is not there any more", field=("token",))
    await stored.opt_out(work.connection, customer_id, [(topic, medium)], work.act.at, of_nothing_else=False)
    work.store(None, _chosen(customer_id, sequence))
    return Answer()


def _unsealed(world: World, token: str) -> tuple[UUID, MessageTopic, MessageMedium]:
    claims = world.unseal(token) if world.unseal else None
    if claims is None:
        raise InvalidInput("this is no link of ours", field=("token",))
    return UUID(claims["customer"]), MessageTopic(claims["topic"]), MessageMedium(claims["medium"])


def _chosen(customer_id: UUID, sequence: int) -> Decided:
    told = "A customer chose what to be told."
    event = Event(EventType.CUSTOMER_MESSAGES_CHOSEN, "Customer", customer_id, told, {}, customer_id=customer_id)
    return Decided(events=(replace(event, sequence=sequence),))
