"""Fragments of SDP in PATCH: trickled candidates and ICE restarts (RFC 9725 §4.3).

Candidates are checked for syntax and dropped: an ICE-lite server answers checks and
never sends to a candidate. Pure. Neighbours: engine.py decides, sdp.py reads offers.
"""

import re
from typing import NamedTuple

from streams.media.answers import Local, transport_lines
from streams.media.contract import BadSdp
from streams.media.sdp import MAX_CANDIDATES, Offer

_MAX_BYTES = 8_192
_LINE = re.compile(r"[a-z]=[\x20-\x7e]*")
_CANDIDATE = re.compile(
    r"a=candidate:[\w+/]{1,32} \d{1,3} \S+ \d{1,10} \S+ \d{1,5} typ \S+( \S+ \S+)*",
    re.ASCII,
)
_UFRAG = re.compile(r"[0-9A-Za-z+/]{4,256}")
_PWD = re.compile(r"[0-9A-Za-z+/]{22,256}")


class Asked(NamedTuple):
    """The ICE session that a fragment is about; None: not said."""

    ufrag: str | None
    pwd: str | None


def parse_fragment(text: str) -> Asked:
    """Read an `application/trickle-ice-sdpfrag`. Raises BadSdp with the line."""
    if len(text) > _MAX_BYTES:
        raise BadSdp(line=0, why="too long")
    found: dict[str, str] = {}
    candidates = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line and not _LINE.fullmatch(line):
            raise BadSdp(line=number, why="not SDP")
        name, _, value = line.partition(":")
        if name == "a=candidate":
            candidates += 1
            if not _CANDIDATE.fullmatch(line) or candidates > MAX_CANDIDATES:
                raise BadSdp(line=number, why="candidate")
        rule = {"a=ice-ufrag": _UFRAG, "a=ice-pwd": _PWD}.get(name)
        if rule is None:
            continue
        if not rule.fullmatch(value) or found.setdefault(name, value) != value:
            raise BadSdp(line=number, why=name[2:])
    return Asked(found.get("a=ice-ufrag"), found.get("a=ice-pwd"))


def restart_fragment(offer: Offer, local: Local) -> str:
    """Our half of the new ICE session."""
    first = offer.media[0]
    lines = [
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(m.mid for m in offer.media),
        f"m={first.kind} 9 {first.protocol} {first.codecs[0].payload_type}",
        f"a=mid:{first.mid}",
        *transport_lines(local),
    ]
    return "\r\n".join(lines) + "\r\n"
