"""Frames as others write and read them."""

import pytest
from websockets.frames import Frame, Opcode

from app.frames import header


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 1_000, 65_535, 65_536, 1_000_000])
def test_a_header_is_what_others_write_before_so_much_text(length: int) -> None:
    text = b"x" * length
    assert header(length) + text == Frame(Opcode.TEXT, text).serialize(mask=False)
