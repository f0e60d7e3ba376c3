"""`souk audit` speaks for all rooms."""

import pytest
from django.core.management import call_command

from config.management.commands.audit import Command


@pytest.mark.django_db(transaction=True)
def test_an_empty_house_is_clean() -> None:
    call_command("audit")


def test_every_room_that_keeps_promises_is_asked() -> None:
    rooms = [audit.__module__ for audit in Command.audits]
    assert rooms == ["streams.audit", "chat.audit", "commerce.audit"]
