"""A room that is bad at keeping secrets, for tests of the log."""

import logging

from django.db import IntegrityError

from realtime import Command, CommandRouter, Connection, db

router = CommandRouter()
log = logging.getLogger(__name__)


class Blurt(Command, frozen=True, tag="secret.blurt"):
    text: str


@router.handles()
async def blurt(connection: Connection, command: Blurt) -> None:
    """Fails as a database does: with the row among its words."""
    await db(log.warning, "on its way\nDETAIL: (%s)", command.text)
    try:
        int(command.text)
    except ValueError as error:
        raise IntegrityError(f"refused\nDETAIL: ({command.text})") from error
