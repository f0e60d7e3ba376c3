"""permessage-deflate (RFC 7692) as one compressed frame for all viewers asks for it.

Pure. No context outlives a message, in either direction: the same bytes are right for
everybody, and an idle connection holds no window.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence

EXTENSION = "permessage-deflate"
WORTH_BYTES = 1024
"""Smaller messages go as they are."""

LEVEL, WINDOW_BITS, MEMORY = 1, 13, 6
"""A tick of comments: 1 % more bytes than by zlib's defaults, half the time. We may use
less than the 15 bits that were agreed on (RFC 7692 §7.1.2.1)."""
TAIL = b"\x00\x00\xff\xff"

ALLOWED: dict[str, tuple[str | bool, ...]] = {
    "server_no_context_takeover": (True,),
    "client_no_context_takeover": (True,),
    "server_max_window_bits": ("15",),
    "client_max_window_bits": (True, *map(str, range(8, 16))),
}

Offers = Iterable[tuple[str, Mapping[str, Sequence[str | bool]]]]
"""Extensions with their parameters; True: a parameter without a value."""


def agree(offers: Offers) -> str | None:
    """What we answer to the first offer that we can take; None: no compression.

    Both `no_context_takeover` may be answered to any offer (§7.1.1). An offer that
    leaves us less than 15 bits is declined, or flavours would multiply.
    """
    for name, parameters in offers:
        if name == EXTENSION and all(map(_fits, parameters, parameters.values())):
            answer = f"{name}; server_no_context_takeover; client_no_context_takeover"
            asked = "server_max_window_bits" in parameters
            return f"{answer}; server_max_window_bits=15" if asked else answer
    return None


def _fits(name: str, values: Sequence[str | bool]) -> bool:
    """Whether a parameter is one of ours, once, with a value we can keep to."""
    return len(values) == 1 and values[0] in ALLOWED.get(name, ())


def deflated(message: bytes) -> bytes:
    """A message's payload, compressed on its own (§7.2.1)."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS, MEMORY)
    packed = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed.removesuffix(TAIL)
