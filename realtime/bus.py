"""What travels between processes: a publication in its envelope. Pure."""

import msgspec
from msgspec import Raw, Struct

from realtime.recovery import Publication


class Carried(Struct, array_like=True, frozen=True):
    """The bus's envelope, in MessagePack: version, flags, milliseconds, event."""

    version: int
    flags: int
    at: int
    data: Raw


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Carried).decode


def pack(publication: Publication) -> bytes:
    return _encode(Carried(1, publication.flags, publication.at, Raw(publication.data)))


def unpack(offset: int, epoch: str, envelope: bytes) -> Publication:
    carried = _decode(envelope)
    data = bytes(carried.data)
    return Publication(offset, epoch, data, carried.flags, carried.at)
