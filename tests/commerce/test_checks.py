"""The start is refused where a commit might be forgotten."""

import pytest
from django.core.checks import CheckMessage
from django.db import connection

from commerce.checks import commits_are_kept

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
