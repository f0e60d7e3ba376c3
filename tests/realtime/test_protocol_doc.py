"""docs/protocol.md has every code there is; its frames: tests/flows."""

from pathlib import Path

from realtime import exceptions
from realtime.protocol import CLOSES, COMMANDS

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def test_every_command_error_and_close_code_is_on_the_page() -> None:
    assert all(f"`{name}`" in PAGE for name in COMMANDS)
    own = vars(exceptions).values()
    codes = [code for code in own if isinstance(code, exceptions.ErrorCode)]
    assert len(codes) > 15
    for code in codes:
        assert f"{code.code} {code.name}" in PAGE
    for close in CLOSES.values():
        assert f"{close.code} {close.reason}" in PAGE
