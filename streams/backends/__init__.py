"""Who moves the media: our own media processes, or (a later day) another engine.

`SOUK_MEDIA_BACKEND` names the class.
"""

from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from msgspec import Struct

from streams.media.contract import Answer, Fragment, StreamStats


class Opening(Struct, frozen=True):
    """An ingest that was accepted, as a backend needs to know it.

    `codec` is the video codec of the stream's earlier generation.
    """

    ingest: str
    stream: int
    generation: int
    node: str
    codec: str | None
    max_kbps: int


class MediaBackend(Protocol):
    """Each call raises `calls.Declined` with a refusal of `media/contract.py`, and
    `Unavailable` when no media process answers in three seconds.

    `hang_up` and `stop` wait for no answer: what they want is in SQL already, and a
    media process that did not hear them finds it there.
    """

    async def publish(self, opening: Opening, sdp_offer: str, via: str) -> Answer: ...

    async def play(
        self, node: str, session: str, stream: int, user: int | None, sdp: str, via: str
    ) -> Answer: ...

    async def patch(
        self, node: str, session: str, if_match: str | None, fragment: str
    ) -> Fragment | None: ...

    async def close(self, node: str, session: str, reason: str) -> bool: ...

    async def hang_up(self, node: str, session: str, reason: str) -> None: ...

    async def stop(self, node: str, stream: int, reason: str) -> None: ...

    async def stats(self, node: str, stream: int) -> StreamStats: ...


@cache
def backend() -> MediaBackend:
    """The one that the settings name."""
    made: MediaBackend = import_string(settings.SOUK_MEDIA_BACKEND)()
    return made
