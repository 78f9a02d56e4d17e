"""Webhooks: endpoints that are told what happens, their secrets, pings and replays."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from graphql import NonNullTypeNode, OperationType
from sqlalchemy import BigInteger, Integer
from strawberry import UNSET

from domain import ids, webhooks
from domain.model import Decided, replace
from domain.refusals import InvalidInput, InvalidTransition, NotFound
from domain.store import setup
from domain.store import webhooks as stored
from domain.store.log import Place
from domain.store.relays import LoggedEvent
from domain.store.webhooks import Range
from domain.viewer import Scope, Viewer
from domain.webhooks import ENABLED, EndpointStatus, WebhookEndpoint, disabled
from resolvers.documents import RequestError
from resolvers.reading.arguments import BadInput
from resolvers.reading.cursors import unpack
from resolvers.writing import Outcome, Work, World, verb

if TYPE_CHECKING:
    from schema.inputs.webhooks import (
        WebhookEndpointCreateInput,
        WebhookEndpointDeleteInput,
        WebhookEndpointTestInput,
        WebhookEndpointUpdateInput,
        WebhookReplayInput,
        WebhookSecretRotateInput,
    )

ENDPOINTS_LIMIT = 1_000
REPLAY_LIMIT = 5_000
COST_LIMIT = 10_000
"""Of a document that shapes a payload: it is asked for every event."""
LOG_ORDER = "POSITION"
"""The order to which the log's cursors belong."""
VARIABLES = ("id", "eventId")
"""What a document may ask for: the subject's id, and the event's."""


@verb("webhookEndpointCreate", Scope.WEBHOOKS_WRITE)
async def create(work: Work, input: WebhookEndpointCreateInput) -> Outcome:
    """Have another system told from now on."""
    webhooks.refuse_odd_url(input.url, strict=work.world.webhooks_strict)
    webhooks.refuse_odd_types(input.types or [])
    webhooks.refuse_too_many(await stored.count(work.connection), ENDPOINTS_LIMIT)
    await _refuse_odd_query(work, input.query)

    endpoint = webhooks.made(
        work.act,
        work.viewer,
        url=input.url,
        description=input.description,
        types=_types(input.types),
        channel_id=await _channel(work, input.channel),
        query=input.query,
        format=input.format.value,
    )

    work.store(None, Decided(records=(endpoint,)))
    return Outcome({"endpoint": endpoint.id})


@verb("webhookEndpointUpdate", Scope.WEBHOOKS_WRITE)
async def update(work: Work, input: WebhookEndpointUpdateInput) -> Outcome:
    """Change what is given, and nothing else. What the owner changes has from then on the rights that they have now."""
    endpoint = await _endpoint(work, input.id, "UPDATE")
    changes: dict[str, Any] = {}
    if input.url is not None:
        webhooks.refuse_odd_url(input.url, strict=work.world.webhooks_strict)
        changes["url"] = input.url
    if input.types is not None:
        webhooks.refuse_odd_types(input.types)
        changes["types"] = _types(input.types)
    if input.format is not None:
        changes["format"] = input.format.value
    if input.description is not UNSET:
        changes["description"] = input.description
    if input.channel is not UNSET:
        changes["channel_id"] = await _channel(work, input.channel)
    if input.query is not UNSET:
        await _refuse_odd_query(work, input.query)
        changes["query"] = input.query
    if work.viewer.subject == endpoint.owner_subject:
        changes |= webhooks.rights_of(work.viewer)
    changes |= await _switched(work, endpoint, input)

    work.changes.turn(endpoint, replace(endpoint, **changes))
    return Outcome({"endpoint": endpoint.id})


async def _switched(work: Work, endpoint: WebhookEndpoint, input: WebhookEndpointUpdateInput) -> dict[str, Any]:
    """Switched off, what is on its way is called off. Switched on, or moved when failing, all that waits is tried at once."""
    if input.enabled is False:
        return await _leave_alone(work, endpoint, f"{work.viewer.display_name} disabled it.", EndpointStatus.DISABLED)
    moved = input.url not in (None, endpoint.url) and endpoint.status == EndpointStatus.FAILING
    if not (input.enabled or moved):
        return {}
    await stored.try_now(work.connection, endpoint.id)
    return ENABLED


async def _leave_alone(work: Work, endpoint: WebhookEndpoint, reason: str, status: EndpointStatus) -> dict[str, Any]:
    if endpoint.listens:
        await stored.cancel_pending(work.connection, endpoint.id, reason)
    return disabled(work.act.recorded_at, reason, status)


@verb("webhookEndpointDelete", Scope.WEBHOOKS_WRITE)
async def delete(work: Work, input: WebhookEndpointDeleteInput) -> Outcome:
    """Tell it nothing any more."""
    endpoint = await _endpoint(work, input.id, "DELETE")

    reason = f"{work.viewer.display_name} deleted the endpoint."
    changes = await _leave_alone(work, endpoint, reason, EndpointStatus.DELETED)

    work.changes.turn(endpoint, replace(endpoint, **changes))
    return Outcome({"endpoint": endpoint.id})


@verb("webhookSecretRotate", Scope.WEBHOOKS_WRITE)
async def rotate(work: Work, input: WebhookSecretRotateInput) -> Outcome:
    """Sign with a new secret, and for a while with the old one too."""
    endpoint = await _endpoint(work, input.id, "ROTATE_SECRET")

    changes = webhooks.changes_of_rotation(endpoint, work.act, input.overlap_seconds)

    work.changes.turn(endpoint, replace(endpoint, **changes))
    return Outcome({"endpoint": endpoint.id})


@verb("webhookEndpointTest", Scope.WEBHOOKS_WRITE)
async def test(work: Work, input: WebhookEndpointTestInput) -> Outcome:
    """Send a ping, once, whether the endpoint is held or disabled or not."""
    endpoint = await _endpoint(work, input.id, "TEST")
    return Outcome({"delivery": await stored.ping(work.connection, endpoint.id)})


async def _count(world: World, viewer: Viewer, input: WebhookReplayInput, outcome: Outcome) -> Outcome:
    """How much was replayed. A twin's answer is counted anew: the log does not change."""
    if "events" in outcome.values:
        return outcome
    async with world.database.writes.acquire() as connection, connection.transaction():
        endpoint = await stored.lock(connection, outcome.subjects["endpoint"], viewer)
        if endpoint is None:
            return outcome
        events = await stored.in_range(connection, endpoint, range_of(input), REPLAY_LIMIT)
        return Outcome(outcome.subjects, _replayed(events, await stored.wanted(connection, endpoint, events)))


@verb("webhookReplay", Scope.WEBHOOKS_WRITE, finish=_count)
async def replay(work: Work, input: WebhookReplayInput) -> Outcome:
    """Send a range of the log again, or for the first time, under the ids that its events had or would have had."""
    endpoint = await _endpoint(work, input.endpoint_id, "REPLAY", field=("endpointId",))
    if not endpoint.listens:
        raise InvalidTransition(endpoint.status, "REPLAY", ("ENABLE", "TEST", "DELETE"))
    events = await stored.in_range(work.connection, endpoint, range_of(input), REPLAY_LIMIT)
    wanted = await stored.wanted(work.connection, endpoint, events)

    rows = [stored.row_of(endpoint, event) for event in wanted]
    await stored.queue(work.connection, rows, anew=True, held={endpoint.id: endpoint.held_until})
    return Outcome({"endpoint": endpoint.id}, _replayed(events, wanted))


def _replayed(events: list[LoggedEvent], wanted: list[Any]) -> dict[str, Any]:
    last = events[-1] if len(events) == REPLAY_LIMIT else None
    cursor = orjson.dumps([LOG_ORDER, last.epoch, last.position]) if last else None
    return {"events": len(wanted), "cursor": cursor and base64.b64encode(cursor).decode()}


def range_of(input: WebhookReplayInput) -> Range:
    """The part of the log that is asked for; it begins somewhere."""
    if input.after is None and input.occurred_from is None:
        raise InvalidInput("say where to begin: `after` a cursor, or `occurredFrom` a moment", field=("after",))
    return Range(
        _place(input.after, "after") or Place(0, 0),
        _place(input.until, "until"),
        input.occurred_from,
        input.occurred_to,
    )


def _place(cursor: str | None, name: str) -> Place | None:
    try:
        return Place(*unpack(cursor, LOG_ORDER, [Integer(), BigInteger()])) if cursor is not None else None
    except BadInput as error:
        raise InvalidInput(error.message, field=(name,)) from None


# -- what is common ----------------------------------------------------------------------------------------------------


async def _endpoint(work: Work, id_: str, action: str, *, field: tuple[str, ...] = ("id",)) -> WebhookEndpoint:
    """The endpoint, locked; refused where the viewer may not manage it, or it is deleted."""
    key = ids.decode("WebhookEndpoint", id_)
    found = await stored.lock(work.connection, key, work.viewer) if key else None
    if found is None:
        raise NotFound("WebhookEndpoint", id_, field=field)
    if found.status == EndpointStatus.DELETED:
        raise InvalidTransition(found.status, action, ())
    return found


def _types(types: list[Any] | None) -> tuple[str, ...]:
    return tuple(each.value for each in types or ())


async def _channel(work: Work, code: str | None) -> UUID | None:
    if code is None:
        return None
    found = await setup.channels_by_code(work.connection, [code])
    if code not in found:
        raise NotFound("Channel", code, field=("channel",))
    return found[code][0]


async def _refuse_odd_query(work: Work, text: str | None) -> None:
    """A document is one query that the schema knows, of the subject or the event, and not too dear."""
    if text is None:
        return
    try:
        document = await work.world.document(text, None)
    except RequestError as error:
        raise InvalidInput(str(error), field=("query",)) from None
    if document.kind is not OperationType.QUERY:
        raise InvalidInput("the document is one query", field=("query",))
    for definition in document.operation.variable_definitions or ():
        type_ = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
        name = getattr(getattr(type_, "name", None), "value", None)
        if definition.variable.name.value not in VARIABLES or name != "ID":
            raise InvalidInput("its only variables are `$id: ID!` and `$eventId: ID!`", field=("query",))
    if document.cost.of({}) > COST_LIMIT:
        reason = f"it costs {document.cost.of({})} for every event; at most {COST_LIMIT} are allowed"
        raise InvalidInput(reason, field=("query",))
