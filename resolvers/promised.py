"""What was learned of how long parcels take, in memory: each channel's newest."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.model import replace
from domain.placing import Catalog
from domain.promises import Model
from domain.store import promises as stored


@dataclass(slots=True)
class Promises:
    """By channel, the model that was used last; a process has few channels, so nothing is ever dropped."""

    known: dict[UUID, tuple[UUID, Model | None]] = field(default_factory=dict)

    async def known_to(self, connection: Any, catalog: Catalog) -> Catalog:
        """The catalog with its channel's model; a statement where that is a new one."""
        wanted = catalog.promise_model_id
        assert wanted is not None
        found = self.known.get(catalog.channel_id)
        if found is None or found[0] != wanted:
            found = self.known[catalog.channel_id] = wanted, await stored.load(connection, wanted)
        return replace(catalog, promises=found[1])
