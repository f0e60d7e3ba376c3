"""The start is refused where a commit might be forgotten, or taxes cannot be read."""

from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.db import connection
from pytest_django.fixtures import Settings

from commerce.checks import carriers_fit, commits_are_kept, policies_are_there

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def found() -> list[CheckMessage]:
    return commits_are_kept(databases=["default"])


def test_the_house_s_own_settings_pass(show: object) -> None:
    assert found() == []


def test_a_database_that_forgets_is_refused(show: object) -> None:
    sloppy, strict, expected = (
        ("SET synchronous_commit = off", "RESET synchronous_commit", "commerce.E001")
        if connection.vendor == "postgresql"
        else ("PRAGMA synchronous = OFF", "PRAGMA synchronous = FULL", "commerce.E002")
    )
    with connection.cursor() as cursor:
        cursor.execute(sloppy)
        try:
            assert [message.id for message in found()] == [expected]
        finally:
            cursor.execute(strict)


def test_taxes_nobody_can_read_are_refused(settings: Settings, tmp_path: Path) -> None:
    table = tmp_path / "taxes.json"
    settings.SOUK_TAX_POLICY = "commerce.policies.TableTax"
    settings.SOUK_TAX_TABLE = str(table)
    assert [message.id for message in policies_are_there()] == ["commerce.E003"]
    table.write_text('{"DE": [{"name": "VAT", "rate": 19}]}')
    assert [message.id for message in policies_are_there()] == ["commerce.E003"]
    table.write_text('{"DE": [{"name": "VAT", "rate_bp": 1900}]}')
    assert policies_are_there() == []
    settings.SOUK_COUPON_POLICY = "commerce.policies.Nobody"
    assert [message.id for message in policies_are_there()] == ["commerce.E003"]


def test_a_carrier_has_a_short_name_and_a_long_secret(settings: Settings) -> None:
    assert carriers_fit() == []
    settings.SOUK_CARRIERS = {"sf": "a secret of some length"}
    assert carriers_fit() == []
    for wrong in ({"sf": "short"}, {"": "x" * 20}, {"a-long-carrier": "x" * 20}):
        settings.SOUK_CARRIERS = wrong
        assert [message.id for message in carriers_fit()] == ["commerce.E004"]
