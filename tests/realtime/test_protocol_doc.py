"""docs/protocol.md shows frames that are true, and every code there is."""

import json
import re
from pathlib import Path

from realtime import exceptions
from realtime.codecs import JSON
from realtime.protocol import CLOSES, COMMANDS

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def shown(arrow: str) -> list[str]:
    return re.findall(rf"^{arrow} (.*)$", PAGE, re.M)


def test_what_clients_send_there_is_read_by_the_codec() -> None:
    lines = shown("→")
    assert len(lines) > 6
    for line in lines:
        (envelope,) = JSON.split(line)
        ((name, _),) = envelope.commands()
        assert name in ("connect", "subscribe", "rpc", "refresh")


def test_what_the_server_sends_there_is_a_reply_or_a_push() -> None:
    lines = shown("←")
    assert len(lines) > 8
    for line in lines:
        message = json.loads(line)
        assert message.keys() == {"push"} or message["id"] >= 1


def test_every_command_error_and_close_code_is_on_the_page() -> None:
    assert all(f"`{name}`" in PAGE for name in COMMANDS)
    own = vars(exceptions).values()
    codes = [code for code in own if isinstance(code, exceptions.ErrorCode)]
    assert len(codes) > 15
    for code in codes:
        assert f"{code.code} {code.name}" in PAGE
    for close in CLOSES.values():
        assert f"{close.code} {close.reason}" in PAGE
