"""How many watch: counted, told when it changes, saved."""

import msgspec
import pytest

from realtime import db
from realtime.broker import broker
from streams.actions.nodes import Room
from streams.audience import Audience
from streams.media.contract import SessionView
from streams.models import Stream

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("link"),
]


def viewer(stream: int, user: int | None, state: str = "active") -> SessionView:
    fields = {"session": "s", "kind": "viewer", "stream": stream, "state": state}
    return msgspec.convert({**fields, "user": user}, SessionView)


async def told(stream: Stream) -> object:
    latest = await broker().latest(f"state:{stream.pk}")
    return msgspec.msgpack.decode(latest["viewers"])


async def test_bare_players_count_by_their_session_pages_do_not_count_twice(
    live: Stream,
) -> None:
    sessions = [
        viewer(live.pk, None),
        viewer(live.pk, None),
        viewer(live.pk, None, "connecting"),
        viewer(live.pk, 0),  # a page of somebody not signed in
        viewer(live.pk, 7),
        viewer(live.pk + 1, None),
    ]
    await Audience().tell([Room(live.pk, 0, 0, 0)], sessions)
    assert await told(live) == {"now": 2, "peak": 2, "total": 2}


async def test_peak_and_total_go_on_from_what_was_saved_and_never_fall(
    live: Stream,
) -> None:
    audience = Audience()
    await audience.tell([Room(live.pk, 4, 9, 30)], [viewer(live.pk, None)])
    assert await told(live) == {"now": 1, "peak": 9, "total": 30}
    await db(live.refresh_from_db)
    assert (live.viewers, live.peak, live.total) == (1, 9, 30)


async def test_a_room_that_ended_is_saved_a_last_time(live: Stream) -> None:
    audience = Audience()
    await audience.tell([Room(live.pk, 0, 0, 0)], [])
    await audience.tell([Room(live.pk, 0, 0, 0)], [viewer(live.pk, None)] * 3)
    await db(live.refresh_from_db)
    assert live.peak == 0  # saved every ten seconds
    await audience.tell([], [])
    await db(live.refresh_from_db)
    assert (live.viewers, live.peak) == (3, 3)
