"""Networks in memory, and what a channel offers as a router sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.model import replace
from domain.placing import Catalog
from domain.routing.network import Network
from domain.store import network as stored
from domain.store.catalog import catalog

if TYPE_CHECKING:
    from resolvers.writing import Work


@dataclass(slots=True)
class Networks:
    """Each channel's, for as long as its version is the newest that anybody has heard of.

    A process has few channels, so nothing is ever dropped; with the year come other holidays.
    """

    known: dict[UUID, tuple[int, Network]] = field(default_factory=dict)

    async def of(self, connection: Any, channel_id: UUID, version: int) -> Network:
        """The channel's network, at least as new as `version`: what placing reads with the catalog."""
        year, found = self.known.get(channel_id, (0, None))
        if found is None or found.version < version or year != datetime.now(UTC).year:
            found = await self.latest(connection, channel_id)
        return found

    async def latest(self, connection: Any, channel_id: UUID) -> Network:
        """The channel's network as the database has it now."""
        found = await stored.load(connection, channel_id)
        _, known = self.known.get(channel_id, (0, None))
        if known is None or known.version <= found.version:
            self.known[channel_id] = (datetime.now(UTC).year, found)
        return found


HISTORY = timedelta(days=1)
"""What happened earlier than that takes nothing of any day's capacity."""


async def offered_by(
    work: Work,
    channel: str,
    skus: Iterable[str],
    *,
    customer_id: UUID | None = None,
    email: str | None = None,
    numbered: bool = False,
) -> Catalog | None:
    """What a channel offers of some SKUs, where it lies, and the network that it ships over; None: no such channel."""
    found = await catalog(
        work.ask,
        partial(work.world.networks.of, work.connection),
        channel,
        sorted(set(skus)),
        customer_id=customer_id,
        email=email,
        numbered=numbered,
        at=work.act.at,
    )
    if found and found.promise_model_id:
        found = await work.world.promises.known_to(work.connection, found)
    is_history = work.act.at < work.act.recorded_at - HISTORY
    return replace(found, is_history=True, days={}) if found and is_history else found
