"""Questions about returns."""

from typing import Any
from uuid import UUID

NUMBER_AND_WINDOW = "select 'R' || nextval('return_number'), return_window_days from channels where id = $1"


async def number_and_window(connection: Any, channel_id: UUID) -> tuple[str, int]:
    """A fresh return number, and how many days after delivery the channel takes goods back."""
    row = await connection.fetchrow(NUMBER_AND_WINDOW, channel_id)
    return row[0], row[1]
