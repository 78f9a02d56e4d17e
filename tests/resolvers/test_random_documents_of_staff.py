"""Random documents read the same on both executors, and nearly all run compiled: asked by staff."""

import pytest

from tests.fuzz.run import ask_generated
from tests.referee import STAFF, Referee

DOCUMENTS = 225


@pytest.mark.slow
@pytest.mark.parametrize("role", STAFF)
async def test_random_documents_read_the_same_and_nearly_all_compiled(role: str, referee: Referee) -> None:
    tally = await ask_generated(referee, DOCUMENTS, role)
    assert tally.sound, "\n\n".join([str(tally), *tally.differences])
    assert tally.documents >= 200
