"""`stream.*`."""

from contextlib import suppress

from realtime import CommandRouter, Connection, Rate, Unavailable, db, once
from streams import database
from streams.actions import lifecycle, passes, streams, views
from streams.backends import backend
from streams.calls import Declined
from streams.clock import epoch_ms
from streams.commands.streams import (
    CreateStream,
    EndStream,
    GetHealth,
    GetStream,
    GoLive,
    ListStreams,
    Publishing,
    PublishTicket,
    StreamList,
    StreamMade,
    StreamState,
    StreamVersion,
    StreamView,
    UpdateStream,
    Watching,
    WatchStream,
)
from streams.errors import MEDIA_UNAVAILABLE
from streams.events import StreamHealth
from streams.health import health

router = CommandRouter()


@router.handles(rate=Rate(0.5, burst=20))
def create_stream(connection: Connection, command: CreateStream) -> StreamMade:
    user = connection.user

    def create() -> StreamMade:
        stream = streams.create_stream(user, command)
        return StreamMade(stream.pk, stream.version)

    return once(user, command, StreamMade, create)


@router.handles()
def update_stream(connection: Connection, command: UpdateStream) -> StreamVersion:
    user = connection.user

    def update() -> StreamVersion:
        streams.directed(user, command.stream)
        return StreamVersion(streams.update_stream(command).version)

    return once(user, command, StreamVersion, update)


@router.handles()
def go_live(connection: Connection, command: GoLive) -> StreamState:
    user = connection.user

    def go() -> StreamState:
        passes.refuse_banned_director(user, command.stream)
        stream = lifecycle.go_live(command.stream)
        return StreamState(stream.state, stream.version)

    return once(user, command, StreamState, go)


@router.handles()
async def end_stream(connection: Connection, command: EndStream) -> StreamState:
    user = connection.user

    def end() -> tuple[StreamState, str]:
        def act() -> StreamState:
            streams.directed(user, command.stream)
            stream = lifecycle.end(command.stream, "host")
            return StreamState(stream.state, stream.version)

        state = once(user, command, StreamState, act)
        return state, streams.directed(user, command.stream).node

    state, node = await db(end)
    with suppress(Unavailable):
        await backend().stop(node, command.stream, "ended")
    return state


@router.handles(anonymous=True)
def get_stream(connection: Connection, command: GetStream) -> StreamView:
    return views.get_stream(connection.viewer, command.stream)


@router.handles(anonymous=True)
def list_streams(connection: Connection, command: ListStreams) -> StreamList:
    viewer = connection.viewer if command.kind == "live" else connection.user
    return views.list_streams(viewer, command)


@router.handles(anonymous=True)
def watch(connection: Connection, command: WatchStream) -> Watching:
    return passes.watch(connection.viewer, command.stream)


@router.handles()
def ticket(connection: Connection, command: PublishTicket) -> Publishing:
    return passes.publish_ticket(connection.user, command.stream)


@router.handles()
async def get_health(connection: Connection, command: GetHealth) -> StreamHealth:
    stream = await db(streams.directed, connection.user, command.stream)
    try:
        stats = await backend().stats(stream.node, stream.pk)
    except (Declined, Unavailable):
        raise MEDIA_UNAVAILABLE(retry_after_ms=2000) from None
    return health(stats, epoch_ms(await db(database.now)))
