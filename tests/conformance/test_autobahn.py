"""Autobahn's cases, on the edge as it ships with an echo behind it."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.conformance.cases import RFC_6455, verdicts


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """Where the echo answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.echo"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SOUK_DEBUG": "1", "SOUK_DATA": str(settings.SOUK_DATA)},
    )
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().replace("http", "ws")
        process.terminate()
        assert process.wait(10) == 0


def test_all_247_cases_of_the_protocol_itself_pass(echo: str) -> None:
    told = verdicts(echo, RFC_6455)
    assert [verdict for verdict in told if not verdict.passed] == []
    assert len(told) == 247


def test_a_close_says_what_was_wrong(echo: str) -> None:
    wrong = {
        "3.1": 1002,  # a reserved bit
        "4.1.1": 1002,  # a reserved opcode
        "5.1": 1002,  # a ping in fragments
        "6.3.1": 1007,  # no UTF-8
        "7.5.1": 1007,  # a reason that is no UTF-8
        "7.9.1": 1002,  # a code nobody may send
        "7.1.6": 1009,  # 256 KiB
    }
    assert {v.case: v.code for v in verdicts(echo, list(wrong))} == wrong


DEFLATE = ("12.1.4", "12.5.12", "13.1.1", "13.3.1", "13.6.1", "13.7.1")
"""A few of the 154 that `bench.conformance` runs."""
DECLINED = {"13.3.1"}
"""Its only offer leaves us a window of 9 bits."""


def test_cases_of_compression_pass_where_the_offer_can_be_taken(echo: str) -> None:
    told = {verdict.case: verdict for verdict in verdicts(echo, DEFLATE)}
    declined = {c for c, v in told.items() if v.behavior == "UNIMPLEMENTED"}
    assert declined == DECLINED
    assert [v for c, v in told.items() if not v.passed and c not in DECLINED] == []
