"""`make clients` counts what commands tell, and trusts none of them blindly."""

import os
import sys

import pytest

from tests.clients.__main__ import Check, run


def python(program: str) -> Check:
    """A check that runs a line of Python."""
    return Check("demo", (sys.executable, "-c", program))


@pytest.mark.parametrize(
    ("program", "held"),
    [
        ("print('ok   one'); print('ok   two')", [True, True]),
        ("print('ok   one'); print('FAIL two: why'); raise SystemExit(1)", [True, False]),
        ("print('nothing to count')", [True]),
        ("raise SystemExit('nothing to count')", [False]),
        ("print('ok   one'); raise SystemExit('the rest never ran')", [True, False]),
    ],
)
def test_each_line_counts_and_so_does_the_exit_code(program: str, held: list[bool]) -> None:
    assert run(python(program), dict(os.environ)) == held


def test_what_a_broken_command_said_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run(python("print('ok   one'); raise SystemExit('no such server')"), dict(os.environ))

    told = capsys.readouterr().out
    assert told.splitlines()[:2] == ["ok   demo: one", "FAIL demo: ended before it was done"]
    assert "no such server" in told
