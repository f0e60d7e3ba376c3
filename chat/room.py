"""A live room in memory: what decides whether somebody may speak.

A fresh comment costs no query: the room is read again while people talk, so an ended
show and a new role are known within a second.
"""

from msgspec import Struct

from chat.models import LiveRoom
from chat.readings import ByKey
from realtime import db
from realtime.exceptions import NOT_FOUND
from realtime.loops import PerLoop
from streams.models import Stream
from streams.roles import RoleName, parts_in

LOOK_SECONDS = 1.0
STAFF: tuple[RoleName, ...] = ("host", "assistant", "moderator")
"""Who moderates, and speaks without waiting."""


class Room(Struct, frozen=True):
    stream: Stream
    parts: dict[int, str]
    """Role by user, guests of a private stream among them."""
    likes: int
    """As SQL knows them."""

    def role_of(self, user: int | None) -> RoleName:
        if user is None:
            return "viewer"
        if user == self.stream.host_id:
            return "host"
        match self.parts.get(user):
            case "assistant" | "moderator" | "service" as role:
                return role
        return "viewer"

    def admits(self, user: int | None) -> bool:
        """Whether they may be here at all."""
        private = self.stream.visibility == Stream.Visibility.PRIVATE
        return not private or user == self.stream.host_id or user in self.parts


def read_room(stream_id: int) -> Room:
    """In a database thread. Raises `not_found`."""
    stream = Stream.objects.select_related("room").filter(pk=stream_id).first()
    if stream is None:
        raise NOT_FOUND()
    room = getattr(stream, "room", None)
    likes = room.likes if isinstance(room, LiveRoom) else 0
    return Room(stream=stream, parts=parts_in(stream), likes=likes)


async def room_of(stream: int, user: int | None) -> Room:
    """The room as it was within the last second, for somebody who may be in it.

    Raises `not_found` for a stream that is not, or not for them.
    """
    room = await rooms()[stream].recent(LOOK_SECONDS)
    if not room.admits(user):
        raise NOT_FOUND()
    return room


rooms = PerLoop(lambda: ByKey(lambda stream: db(read_room, stream)))
