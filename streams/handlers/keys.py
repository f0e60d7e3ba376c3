"""`stream_key.*`."""

from contextlib import suppress

import msgspec

from realtime import CommandRouter, Connection, Rate, Unavailable, db, once
from streams.actions import ingests, keys, lifecycle
from streams.backends import backend
from streams.commands.keys import (
    CreateKey,
    Done,
    KeyList,
    KeyMade,
    ListKeys,
    RevokeKey,
)

router = CommandRouter()


@router.handles(rate=Rate(0.5, burst=10))
def create_key(connection: Connection, command: CreateKey) -> KeyMade:
    user = connection.user
    made = once(user, command, KeyMade, lambda: keys.create_key(user, command))
    # The stored answer is without it: no secret lies in the database in clear.
    return msgspec.structs.replace(made, secret=keys.secret_of(user, command))


@router.handles()
def list_keys(connection: Connection, command: ListKeys) -> KeyList:
    return keys.list_keys(connection.user)


@router.handles()
async def revoke_key(connection: Connection, command: RevokeKey) -> Done:
    user = connection.user

    def revoke() -> Done:
        keys.revoke_key(user, command.id)
        return Done()

    done = await db(once, user, command, Done, revoke)
    for ingest in await db(ingests.came_by, command.id):
        await db(lifecycle.ingest_closed, ingest.pk, "key_revoked")
        with suppress(Unavailable):
            await backend().hang_up(ingest.node, ingest.pk, "key_revoked")
    return done
