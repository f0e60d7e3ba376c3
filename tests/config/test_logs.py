"""A line of the log, as machines read it and as people do."""

import json
import logging
import sys
from typing import Any

from config.logs import described


def line(*, plain: bool, **record: Any) -> str:
    given = dict(described(plain=plain)["formatters"]["lines"])
    formatter = given.pop("()")(**given)
    made = logging.makeLogRecord({"name": "souk", "levelname": "ERROR", **record})
    return str(formatter.format(made))


def failure() -> Any:
    try:
        int("a secret")
    except ValueError:
        return sys.exc_info()


def test_machines_are_told_types_and_places_and_no_words() -> None:
    told = json.loads(line(plain=False, msg="no\nsecret", exc_info=failure()))
    assert told["event"] == "no"
    assert told["error"] == ["builtins.ValueError"]
    assert told["where"][0].endswith(" failure")
    assert "secret" not in json.dumps(told)


def test_machines_are_told_the_stack_of_what_stands_still() -> None:
    told = json.loads(
        line(plain=False, msg="stood\nlong", where=["a.py:1 f"], text="x")
    )
    assert (told["event"], told["where"]) == ("stood", ["a.py:1 f"])
    assert "text" not in told


def test_people_read_all_of_it() -> None:
    told = line(plain=True, msg="no\nmore", exc_info=failure(), where=["a.py:1 f"])
    assert "no\nmore" in told
    assert "a secret" in told and "Traceback" in told
    assert "a.py" not in told
