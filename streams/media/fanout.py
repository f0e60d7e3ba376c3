"""One packet to many viewers: SRTP protect and a send each, nothing else.

The plain packet is the same for all; keys are not. libsrtp works in place, so one
buffer serves every viewer without an allocation. Neighbours: relay.py, viewer.py.
"""

from collections.abc import Iterable
from typing import Any

from pylibsrtp._binding import ffi, lib

from streams.media.peer import Peer

_SIZE = 2_048
_LARGEST = _SIZE - 144  # SRTP_MAX_TRAILER_LEN of libsrtp


class Fanout:
    """The buffer, and what could not leave (lost; the viewer asks again)."""

    def __init__(self) -> None:
        self.lost = 0
        self._cell: Any = ffi.new("char[]", _SIZE)
        self._view = memoryview(ffi.buffer(self._cell))
        self._length: Any = ffi.new("int *")

    def send(self, packet: bytes, peers: Iterable[Peer]) -> None:
        """Send a plain RTP packet to each connected peer."""
        size = len(packet)
        if size > _LARGEST:
            return
        view, cell, length, protect = (
            self._view,
            self._cell,
            self._length,
            lib.srtp_protect,
        )
        for peer in peers:
            view[:size] = packet
            length[0] = size
            if protect(peer.sending, cell, length) or not peer.path.send(
                view[: length[0]]
            ):
                self.lost += 1
