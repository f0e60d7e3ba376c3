"""The last comments of a room, for whoever joins.

From the channel's history, without what was removed; where that was lost with the
store, or holds few, from what was written down. One reading for all who join at once.
"""

import msgspec

from chat.events import CommentSent, CommentView
from chat.models import Comment
from chat.readings import ByKey
from realtime import Unavailable, db, history
from realtime.loops import PerLoop

RECENT = 50

_decode = msgspec.msgpack.Decoder(CommentSent).decode


async def recent(stream: int) -> list[CommentView]:
    """At most 50, oldest first; nothing whose removal was told before the call."""
    return await _readings()[stream].fresh()


async def in_history(stream: int) -> list[CommentView]:
    """What the channel still holds, oldest first; nothing while the store is away."""
    try:
        held = await history(f"comments:{stream}", RECENT)
    except Unavailable:
        return []
    found: dict[str, CommentView] = {}
    for publication in held.publications:
        try:
            comment = _decode(publication.data)
        except msgspec.ValidationError:
            continue  # another event of the channel
        found.setdefault(comment.id, comment)
    return list(found.values())


async def _read(stream: int) -> list[CommentView]:
    return await db(_complete, stream, await in_history(stream))


def _complete(stream: int, held: list[CommentView]) -> list[CommentView]:
    rows = Comment.objects.filter(stream=stream)
    ids = [comment.id for comment in held]
    removed = rows.filter(pk__in=ids, removed_at__isnull=False)
    gone = set(removed.values_list("pk", flat=True))
    shown = [comment for comment in held if comment.id not in gone]
    if len(held) < RECENT:
        older = rows.shown().exclude(pk__in=ids).order_by("-offset_ms", "-id")
        shown += [CommentView.of(row) for row in older[: RECENT - len(shown)]]
        shown.sort(key=lambda comment: comment.at)
    return shown


_readings = PerLoop(lambda: ByKey(_read))
