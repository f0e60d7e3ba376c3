"""Accounts over the socket."""

from accounts import actions
from accounts.commands import (
    Followed,
    GetProfile,
    ListFollows,
    People,
    Profile,
    SetFollow,
)
from realtime import CommandRouter, Connection, once

router = CommandRouter()


@router.handles()
def set_follow(connection: Connection, command: SetFollow) -> Followed:
    user = connection.user
    return once(
        user,
        command,
        Followed,
        lambda: actions.set_follow(user, command.user, command.on),
    )


@router.handles()
def list_follows(connection: Connection, command: ListFollows) -> People:
    return actions.list_follows(
        connection.user, command.who, command.cursor, command.limit
    )


@router.handles(anonymous=True)
def get_profile(connection: Connection, command: GetProfile) -> Profile:
    return actions.profile(command.user, connection.viewer)
