"""Orders between processes: put somebody out of channels, or off the socket.

They are publications on `!control`, which every process reads by position like any
reliable channel, so that an order survives a broken link. The hub obeys them.
"""

from collections.abc import Sequence

import msgspec

from realtime.channels import CONTROL
from realtime.events import Event
from realtime.publishing import publish, publish_on_commit


class Unsubscribe(Event, frozen=True, tag="control.unsubscribe"):
    user: int
    channels: list[str]
    code: int


class Disconnect(Event, frozen=True, tag="control.disconnect"):
    user: int
    code: int


Order = Unsubscribe | Disconnect

decode_order = msgspec.msgpack.Decoder(Order).decode
"""An order from a publication's data."""


async def unsubscribe(user: int, channels: Sequence[str], code: int) -> None:
    """Put `user` out of `channels` on every process, within a second.

    `code`: 2000–2499 for good, 2500 to let the client subscribe again and be asked
    anew. Raises `Unavailable`.
    """
    order = Unsubscribe(user=user, channels=list(channels), code=code)
    await publish(CONTROL.name, order)


async def disconnect(user: int, code: int) -> None:
    """End every connection of `user` with a close code. Raises `Unavailable`."""
    await publish(CONTROL.name, Disconnect(user=user, code=code))


def unsubscribe_on_commit(user: int, channels: Sequence[str], code: int) -> None:
    """`unsubscribe`, if and when the running transaction commits."""
    order = Unsubscribe(user=user, channels=list(channels), code=code)
    publish_on_commit(CONTROL.name, order)


def disconnect_on_commit(user: int, code: int) -> None:
    """`disconnect`, if and when the running transaction commits."""
    publish_on_commit(CONTROL.name, Disconnect(user=user, code=code))
