"""Frames: bytes ready for a socket, built once for all viewers of a flavour.

Pure. A server's WebSocket frame carries no mask, so the same bytes serve everybody
(RFC 6455 §5.1, §5.2); a compressed one knows of none before it (deflate.py).
"""

from msgspec import Struct

from realtime.codecs import Codec, push
from realtime.deflate import WORTH_BYTES, deflated
from realtime.lanes import Lane

TEXT, BINARY, COMPRESSED = 0x81, 0x82, 0x40


class Frame(Struct, frozen=True, eq=False):
    """A whole WebSocket message, head and payload."""

    wire: bytes
    lane: Lane = Lane.RELIABLE
    channel: str = ""
    count: int = 0
    """Publications inside, for telling how many were shed."""
    exempt: bool = False


def header(opcode: int, size: int) -> bytes:
    """The head of an unmasked frame of `size` bytes."""
    if size < 126:
        return bytes((opcode, size))
    if size < 65536:
        return bytes((opcode, 126)) + size.to_bytes(2, "big")
    return bytes((opcode, 127)) + size.to_bytes(8, "big")


def plain(payload: str | bytes) -> Frame:
    """A message of no channel: text or bytes as they are."""
    if isinstance(payload, str):
        data = payload.encode()
        return Frame(header(TEXT, len(data)) + data)
    return Frame(header(BINARY, len(payload)) + payload)


def frame(
    codec: Codec,
    messages: list[bytes],
    lane: Lane = Lane.RELIABLE,
    channel: str = "",
    *,
    count: int = 0,
    exempt: bool = False,
    shared: bool = False,
) -> Frame:
    """One frame holding `messages`; `shared` by all viewers of the codec.

    Only what a room is told is compressed. A user's own frames may hold a secret beside
    what somebody else chose, and their length would tell it (CRIME).
    """
    payload = codec.join(messages)
    opcode = BINARY if codec.binary else TEXT
    private = not shared or channel.startswith("#")
    if codec.deflate and not private and len(payload) >= WORTH_BYTES:
        payload, opcode = deflated(payload), opcode | COMPRESSED
    return Frame(header(opcode, len(payload)) + payload, lane, channel, count, exempt)


def hidden(codec: Codec, channel: str, count: int) -> bytes:
    """Tells how many publications of a sampled channel were shed."""
    told = {"data": {"type": "lane.skipped", "count": count}}
    return push(codec, channel, pub=told)


def skipped(codec: Codec, channel: str, count: int) -> Frame:
    """The same to one viewer, by itself."""
    return frame(codec, [hidden(codec, channel, count)], Lane.SAMPLED, channel)
