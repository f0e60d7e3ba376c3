"""`souk audit` speaks for all rooms."""

import json

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_empty_house_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit")
    told = capsys.readouterr().out.splitlines()
    assert told
    assert all(" green" in line for line in told)


def test_every_room_that_keeps_promises_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("audit", "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["rule"][0] for one in told} == {"N", "C", "I"}


def test_one_rule_may_be_asked_for_alone(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit", "--json", only="I2,C1")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["rule"] for one in told] == ["C1", "I2"]
