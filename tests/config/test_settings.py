"""Settings come from the environment, and bad ones stop the start."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.secret import secret_key
from config.settings import database


def souk(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.cli", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_key_is_made_once_and_only_we_can_read_it(tmp_path: Path) -> None:
    key = secret_key(None, tmp_path)
    assert len(key) >= 50
    assert secret_key(None, tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_debug_souk_does_not_start_without_a_long_secret(
    secret: str, tmp_path: Path
) -> None:
    made = souk("check", SOUK_SECRET=secret, SOUK_DEBUG="", SOUK_DATA=str(tmp_path))
    assert made.returncode == 1
    assert "config.E001" in made.stderr


def test_a_long_secret_is_enough(tmp_path: Path) -> None:
    made = souk("check", SOUK_SECRET="s" * 50, SOUK_DEBUG="", SOUK_DATA=str(tmp_path))
    assert "config.E001" not in made.stderr


def test_a_database_may_live_behind_a_unix_socket() -> None:
    made = database("postgresql://ann@/souk?host=/run/pg")
    assert (made["HOST"], made["NAME"], made["USER"]) == ("/run/pg", "souk", "ann")


def test_a_database_that_was_away_is_not_waited_for_longer_than_it_was() -> None:
    """psycopg's pool doubles its pauses for five minutes, unless told to give up."""
    pool = database("postgresql://u@host/shop")["OPTIONS"]["pool"]
    assert pool["reconnect_timeout"] <= 2


def test_an_unknown_database_is_named() -> None:
    with pytest.raises(ValueError, match="DATABASE_URL: unknown scheme 'mysql'"):
        database("mysql://localhost/souk")


def test_the_demo_does_not_play_unless_told(tmp_path: Path) -> None:
    made = souk("demo", SOUK_DEBUG="1", SOUK_DEMO="", SOUK_DATA=str(tmp_path))
    assert made.returncode == 1
    assert "SOUK_DEMO=1" in made.stderr
