"""docs/asyncapi.json says what the registry and the rooms' pages say."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from realtime import Event, Latest, protocol
from realtime.channels import root_router
from realtime.session import Session

ROOT = Path(__file__).parents[2]
PARSER = ROOT / "tests" / "asyncapi"
ROOMS = ("accounts", "chat", "commerce", "streams")


@pytest.fixture(scope="module")
def printed() -> str:
    """By a process of its own: tests declare error codes too."""
    command = [sys.executable, "-m", "config.cli", "asyncapi"]
    env = {**os.environ, "SOUK_DEBUG": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)
    return done.stdout.decode()


@pytest.fixture(scope="module")
def document(printed: str) -> Any:
    return json.loads(printed)


def of_rooms(kind: type[Struct]) -> Iterator[type[Struct]]:
    for below in kind.__subclasses__():
        yield from of_rooms(below)
        if below.__module__.startswith(ROOMS):
            yield below


def test_it_is_what_the_command_prints(printed: str) -> None:
    stands = (ROOT / "docs" / "asyncapi.json").read_text()
    assert stands == printed, "make written"


def test_every_event_of_the_rooms_has_its_channel() -> None:
    told = {event for events in root_router().events.values() for event in events}
    assert told == {*of_rooms(Event), *of_rooms(Latest)}


def test_channels_have_the_events_that_the_pages_say(document: Any) -> None:
    pages: dict[str, set[str]] = defaultdict(set)
    row = re.compile(r"^\| `(#|\w+:)<\w+>`[^|]*\|(.*)\|$", re.M)
    for room in ROOMS:
        text = (ROOT / "docs" / "rooms" / f"{room}.md").read_text()
        for name, events in row.findall(text):
            key = "user" if name == "#" else name.rstrip(":")
            pages[key] |= set(re.findall(r"`(\w+\.\w+)`(?: \([^)]*\))?[:,]", events))
    channels = {name: set(c["messages"]) for name, c in document["channels"].items()}
    channels.pop("socket")
    assert channels.pop("state") == {"Likes", "StockTick", "Viewers"}
    pages.pop("state")
    assert channels == pages


def test_what_has_a_name_of_its_own_on_the_wire_is_answered() -> None:
    assert {"connect", *Session._answers} == set(protocol.ORDERED)


def test_a_command_s_data_is_what_its_handler_takes(document: Any) -> None:
    operation = document["operations"]["comment.send"]
    assert operation["summary"] == "signed in"
    asks = document["channels"]["socket"]["messages"]["comment.send"]["payload"]
    call = asks["properties"]["rpc"]["properties"]
    assert call["method"] == {"const": "comment.send"}
    schema = document["components"]["schemas"]["SendComment"]
    assert call["data"] == {"$ref": "#/components/schemas/SendComment"}
    assert set(schema["required"]) == {"key", "stream", "text"}
    assert schema["additionalProperties"] is False


def test_its_own_parser_finds_nothing_wrong(printed: str) -> None:
    if not (PARSER / "node_modules").exists():
        why = "npm ci --prefix tests/asyncapi"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, "check.mjs"],
        input=printed,
        cwd=PARSER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 60
