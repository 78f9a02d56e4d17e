"""Random documents read the same on both executors, and nearly all run compiled: asked by whoever is not staff.

Those of staff are in a file of their own, so that two workers share them.
"""

import pytest

from tests.fuzz.run import ask_generated
from tests.referee import ROLES, STAFF, Referee

DOCUMENTS = 225


@pytest.mark.slow
@pytest.mark.parametrize("role", [role for role in ROLES if role not in STAFF])
async def test_random_documents_read_the_same_and_nearly_all_compiled(role: str, referee: Referee) -> None:
    tally = await ask_generated(referee, DOCUMENTS, role)
    assert tally.sound, "\n\n".join([str(tally), *tally.differences])
    assert tally.documents >= 200
