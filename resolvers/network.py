"""Networks in memory: each channel's, for as long as its version is the newest that anybody has heard of."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.routing.network import Network
from domain.store import network as stored


@dataclass(slots=True)
class Networks:
    """One for each channel; a process has few channels, so nothing is ever dropped."""

    known: dict[UUID, Network] = field(default_factory=dict)

    async def of(self, connection: Any, channel_id: UUID, version: int) -> Network:
        """The channel's network, at least as new as `version`: what placing reads with the catalog."""
        found = self.known.get(channel_id)
        if found is None or found.version < version:
            found = await self.latest(connection, channel_id)
        return found

    async def latest(self, connection: Any, channel_id: UUID) -> Network:
        """The channel's network as the database has it now."""
        found = await stored.load(connection, channel_id)
        known = self.known.get(channel_id)
        if known is None or known.version <= found.version:
            self.known[channel_id] = found
        return found
