"""Offers read: SDP as WHIP and WHEP send it (RFC 9725, RFC 8829).

Parsing is aiortc's, which asserts and indexes: every exception of it is BadSdp. What we
accept is narrower than SDP: at most one audio and one video m-line in one BUNDLE.
Pure. Neighbours: answers.py writes what goes back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aiortc.sdp import SessionDescription

from streams.media.contract import BadSdp, NoCommonCodec, Unacceptable

Kind = Literal["audio", "video"]

MAX_BYTES, MAX_LINES, MAX_FORMATS, MAX_CANDIDATES = 65_536, 1_000, 128, 64

_VIDEO = ("H264", "VP8")
_H264_ORDER = ("42e01f", "42001f", "4d001f", "640c1f")
_FMTP = (
    "level-asymmetry-allowed",
    "packetization-mode",
    "profile-level-id",
    "minptime",
    "useinbandfec",
    "stereo",
    "sprop-stereo",
)
_PROFILES = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]{1,32}")
_ICE = re.compile(r"[0-9A-Za-z+/]{4,256}")
_VALUE = re.compile(r"[0-9A-Za-z]{1,32}")
_SHA256 = re.compile(r"(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class Codec:
    """One payload type of an offer, with its retransmission payload type."""

    name: str  # "H264", "VP8", "opus"
    payload_type: int
    rtx: int | None
    clock: int
    channels: int | None
    fmtp: dict[str, str] = field(default_factory=dict)
    feedback: frozenset[str] = frozenset()

    @property
    def profile(self) -> str:
        """H264's profile-level-id in lower case; empty for others."""
        return self.fmtp.get("profile-level-id", "").lower()


@dataclass(frozen=True)
class Media:
    """One m-line of an offer: the codecs of it that we forward, best first."""

    index: int
    kind: Kind
    mid: str
    protocol: str
    codecs: tuple[Codec, ...]
    extensions: dict[str, int]


@dataclass(frozen=True)
class Offer:
    """What an offer asks for; ICE and DTLS are the BUNDLE's, so there is one of each.

    `setup` is the offerer's: actpass, active or passive.
    """

    media: tuple[Media, ...]
    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str

    def of(self, kind: Kind) -> Media | None:
        """The m-line of that kind, if there is one."""
        return next((m for m in self.media if m.kind == kind), None)

    def renewed(self, ufrag: str | None, pwd: str | None) -> "Offer":
        """After an ICE restart."""
        return replace(self, ufrag=ufrag or self.ufrag, pwd=pwd or self.pwd)


def parse_offer(text: str, directions: Sequence[str]) -> Offer:
    """Read an offer whose m-lines have one of `directions`.

    Raises BadSdp with the line for what is not SDP, Unacceptable with the m-line for
    what is SDP of a shape we do not take.
    """
    session = _parse(text)
    if not session.media:
        raise Unacceptable(m_line=-1, why="no m-line")
    media = tuple(_media(m, i, directions) for i, m in enumerate(session.media))
    kinds = [m.kind for m in media]
    if len(set(kinds)) != len(kinds):
        raise Unacceptable(m_line=len(kinds) - 1, why="at most one of a kind")
    mids = [m.mid for m in media]
    bundles = [sorted(g.items) for g in session.group if g.semantic == "BUNDLE"]
    if len(set(mids)) != len(mids) or bundles != [sorted(mids)]:
        raise Unacceptable(m_line=-1, why="one BUNDLE group of all m-lines is needed")
    first = session.media[0]
    if first.ice.iceLite:
        raise Unacceptable(m_line=-1, why="we are ice-lite, so the offerer must not be")
    for name in ("usernameFragment", "password"):
        if not _ICE.fullmatch(getattr(first.ice, name) or ""):
            raise Unacceptable(m_line=0, why=f"ice {name} missing or malformed")
    if first.dtls is None:
        raise Unacceptable(m_line=0, why="setup is missing")
    prints = tuple((f.algorithm, f.value) for f in first.dtls.fingerprints)
    if not any(a.lower() == "sha-256" and _SHA256.fullmatch(v) for a, v in prints):
        raise Unacceptable(m_line=0, why="a sha-256 fingerprint is needed")
    setup = {"auto": "actpass", "client": "active", "server": "passive"}
    return Offer(
        media,
        first.ice.usernameFragment,
        first.ice.password,
        prints,
        setup[first.dtls.role],
    )


def _parse(text: str) -> Any:
    lines = text.splitlines()
    if not text.startswith("v=0"):
        raise BadSdp(line=1, why="v=0 is expected")
    if len(text) > MAX_BYTES or len(lines) > MAX_LINES:
        raise BadSdp(line=0, why="too long")
    if sum(line.startswith("a=candidate") for line in lines) > MAX_CANDIDATES:
        raise BadSdp(line=0, why="too many candidates")
    if sum(len(x.split()) - 3 for x in lines if x.startswith("m=")) > MAX_FORMATS:
        raise BadSdp(line=0, why="too many formats")
    for number, line in enumerate(lines, 1):
        if line and not re.match(r"[a-z]=", line):
            raise BadSdp(line=number, why="not SDP")
    try:
        return SessionDescription.parse(text)
    except Exception as error:
        number = _line_that_fails(lines)
        raise BadSdp(line=number, why=type(error).__name__) from error


def _line_that_fails(lines: list[str]) -> int:
    """Halve until a prefix parses and the same with one line more does not."""
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            SessionDescription.parse("\r\n".join(lines[:middle]))
            good = middle
        except Exception:  # the parser asserts and indexes
            bad = middle
    return bad


def _media(m: Any, index: int, directions: Sequence[str]) -> Media:
    if m.kind not in ("audio", "video"):
        raise Unacceptable(m_line=index, why=f"{m.kind[:32]} is not taken")
    if m.profile not in _PROFILES:
        raise Unacceptable(m_line=index, why="UDP/TLS/RTP/SAVPF is needed")
    if not m.rtcp_mux:
        raise Unacceptable(m_line=index, why="rtcp-mux is needed")
    if not _TOKEN.fullmatch(m.rtp.muxId or ""):
        raise Unacceptable(m_line=index, why="mid is missing or malformed")
    if (m.direction or "sendrecv") not in directions:
        raise Unacceptable(
            m_line=index, why=f"direction must be {' or '.join(directions)}"
        )
    codecs = _codecs(m)
    if not codecs:
        raise Unacceptable(m_line=index, why="no codec that we forward")
    extensions = {e.uri: e.id for e in m.rtp.headerExtensions if 0 < e.id < 256}
    return Media(index, m.kind, m.rtp.muxId, m.profile, codecs, extensions)


def _codecs(m: Any) -> tuple[Codec, ...]:
    offered = [c for c in m.rtp.codecs if c.payloadType in m.fmt]
    rtx = {
        str(c.parameters.get("apt")): c.payloadType
        for c in offered
        if c.mimeType.lower() == "video/rtx"
    }
    found = []
    for c in offered:
        # What we echo is what we know; a stranger's text ends here.
        fmtp = {k.strip(): str(v).strip() for k, v in c.parameters.items()}
        fmtp = {k: v for k, v in fmtp.items() if k in _FMTP and _VALUE.fullmatch(v)}
        codec = Codec(
            _spelled(c.mimeType.split("/")[1]),
            c.payloadType,
            rtx.get(str(c.payloadType)),
            c.clockRate,
            c.channels,
            fmtp,
            frozenset(f"{f.type} {f.parameter or ''}".strip() for f in c.rtcpFeedback),
        )
        if _forwarded(m.kind, codec):
            found.append(codec)
    return tuple(sorted(found, key=_preference))


def _spelled(name: str) -> str:
    return "opus" if name.lower() == "opus" else name.upper()


def _forwarded(kind: str, codec: Codec) -> bool:
    if kind == "audio":
        return codec.name == "opus" and codec.clock == 48_000 and codec.channels == 2
    if codec.name not in _VIDEO or codec.clock != 90_000:
        return False
    return codec.name != "H264" or codec.fmtp.get("packetization-mode") == "1"


def _preference(codec: Codec) -> tuple[int, int]:
    family = _VIDEO.index(codec.name) if codec.name in _VIDEO else 0
    known = codec.profile in _H264_ORDER
    return family, _H264_ORDER.index(codec.profile) if known else len(_H264_ORDER)


def choose(media: Media, codec: str | None) -> Codec:
    """A publisher's codec: that of the earlier generation if offered, else the best."""
    return next((c for c in media.codecs if c.name == codec), media.codecs[0])


def match(media: Media, on_air: Codec) -> Codec:
    """The viewer's payload type for what is on air. Raises NoCommonCodec."""
    same = [c for c in media.codecs if c.name == on_air.name]
    if not same:
        raise NoCommonCodec(codec=on_air.name)
    wanted = on_air.profile[:2]
    return next((c for c in same if c.profile[:2] == wanted), same[0])
