"""What other processes order (control.py), carried out on the sessions of this one.

An order may be lost with the store that held it. Then all it could have said is asked
for anew: who may still be in a channel, and who has signed out meanwhile.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from realtime.channel import Listener
from realtime.channels import namespace_of
from realtime.control import Disconnect, Unsubscribe, decode_order
from realtime.exceptions import CommandError
from realtime.hub import Hub
from realtime.protocol import BANNED, CLOSES, SIGNED_OUT, Close
from realtime.recovery import Publication
from realtime.sign_outs import TOGETHER, sign_outs
from realtime.wheel import Spoke

logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 10.0
"""Longer than a connect may take."""
DOUBT_SECONDS = 600.0
AGAIN_SECONDS = 1.0


class Guest(Listener, Spoke, Protocol):
    """A connected session."""

    @property
    def sign_outs(self) -> int: ...
    def evict(self, name: str, code: int, reason: str) -> None: ...
    def close(self, close: Close) -> None: ...
    async def retire(self, close: Close) -> None: ...


class Orders:
    """The process's tap of `!control`; `guests` are its connected sessions by user."""

    def __init__(self, hub: Hub, guests: dict[int | None, set[Guest]]) -> None:
        self._hub = hub
        self._guests = guests
        self._sent_off: dict[int, tuple[float, Close]] = {}
        self._doubted = asyncio.Event()

    def sent_off(self, viewer: int | None, since: float) -> Close | None:
        """How this user was ended `since` then, who was not yet among the guests."""
        at, close = self._sent_off.get(viewer or 0, (0.0, None))
        return close if at >= since else None

    def hear(self, publication: Publication) -> None:
        order = decode_order(publication.data)
        if isinstance(order, Disconnect):
            self._remember(order)
        for guest in list(self._guests.get(order.user, ())):
            match order:
                case Unsubscribe(channels=names, code=code):
                    for name in names:
                        guest.evict(name, code, "unsubscribed")
                case Disconnect(code=code):
                    guest.close(_ending(code))

    def _remember(self, order: Disconnect) -> None:
        now = asyncio.get_running_loop().time()
        self._sent_off = {
            user: told
            for user, told in self._sent_off.items()
            if told[0] > now - REMEMBERED_SECONDS
        }
        self._sent_off[order.user] = now, _ending(order.code)

    def missed(self) -> None:
        """Orders were lost: every subscription is asked for, and authorised, anew."""
        for channel in list(self._hub.channels.values()):
            if namespace_of(channel.name).authorize is not None:
                self._hub.lose(channel, channel.position)
        self._doubted.set()

    async def doubt(self) -> None:
        """A chore: each ten minutes, and when orders were lost, who may still be in?"""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(DOUBT_SECONDS):
                    await self._doubted.wait()
            self._doubted.clear()
            try:
                await self.look_again()
            except CommandError as error:
                logger.warning("sign-outs not compared: %s", error.message)
                self._doubted.set()
                await asyncio.sleep(AGAIN_SECONDS)

    async def look_again(self) -> None:
        """End those whose user has signed out, or been shut out, since they connected.

        One query for 500 users. Raises `UNAVAILABLE`, `BUSY`.
        """
        users = [user for user in self._guests if user is not None]
        for start in range(0, len(users), TOGETHER):
            await self._compare(users[start : start + TOGETHER])

    async def _compare(self, users: Iterable[int]) -> None:
        asked = {user: sign_outs().of(user) for user in users}
        times = await asyncio.gather(*asked.values())
        for user, now in zip(asked, times, strict=True):
            for guest in list(self._guests.get(user, ())):
                # Not `!=`: it may have come in with a newer pass while we asked.
                if now is None:
                    guest.close(BANNED)
                elif guest.sign_outs < now:
                    guest.close(SIGNED_OUT)


def _ending(code: int) -> Close:
    return CLOSES.get(code, Close(code, "disconnected"))
