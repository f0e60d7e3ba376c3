"""Answers written: what WHIP and WHEP get back (RFC 9725, RFC 8829).

One codec in every answer, our ICE-lite half with the reachable candidate first, and to
a viewer the primary `a=ssrc` before the RTX one: otherwise Chromium decodes no video.
Pure. Neighbour: sdp.py, which read the offer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streams.media.sdp import Codec, Kind, Media, Offer

TRANSPORT_CC = (
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


@dataclass(frozen=True)
class Local:
    """Our half of the transport, to be written into an answer."""

    ufrag: str
    pwd: str
    fingerprint: str  # SHA-256, upper case hex with colons
    candidates: tuple[tuple[str, int], ...]  # (address, port), reachable first

    def renewed(self, ufrag: str, pwd: str) -> "Local":
        """After an ICE restart."""
        return replace(self, ufrag=ufrag, pwd=pwd)


@dataclass(frozen=True)
class Sender:
    """What we send to a viewer on one m-line."""

    ssrc: int
    rtx_ssrc: int
    cname: str


def answer_publisher(
    offer: Offer, chosen: dict[Kind, Codec], local: Local, max_kbps: int
) -> str:
    """The answer to who sends: recvonly, with the feedback we give."""
    lines = _session(offer, local)
    for media in offer.media:
        codec = chosen[media.kind]
        feedback = [
            f for f in ("nack", "nack pli", "ccm fir") if f in codec.feedback
        ] + congestion(media, codec)[:1]
        lines += _m_line(media, codec, local, offer.setup, "recvonly", feedback)
        if media.kind == "video":
            lines.insert(lines.index(f"a=mid:{media.mid}"), f"b=TIAS:{max_kbps * 1000}")
        uri = {"transport-cc": TRANSPORT_CC, "goog-remb": ABS_SEND_TIME}
        for kind in congestion(media, codec)[:1]:
            if uri[kind] in media.extensions:
                lines.append(f"a=extmap:{media.extensions[uri[kind]]} {uri[kind]}")
    return "\r\n".join(lines) + "\r\n"


def congestion(media: Media, codec: Codec) -> list[str]:
    """How this m-line may be told about congestion, best first."""
    kinds = []
    if "transport-cc" in codec.feedback and TRANSPORT_CC in media.extensions:
        kinds.append("transport-cc")
    if "goog-remb" in codec.feedback:
        kinds.append("goog-remb")
    return kinds


def answer_viewer(
    offer: Offer, chosen: dict[Kind, Codec], local: Local, senders: dict[Kind, Sender]
) -> str:
    """The answer to who watches: sendonly, the primary SSRC before the RTX one."""
    lines = _session(offer, local)
    for media in offer.media:
        codec, sender = chosen[media.kind], senders[media.kind]
        feedback = [f for f in ("nack", "nack pli", "ccm fir") if f in codec.feedback]
        lines += _m_line(media, codec, local, offer.setup, "sendonly", feedback)
        msid = f"{sender.cname} {media.kind}"
        lines.append(f"a=msid:{msid}")
        ssrcs = [sender.ssrc] + ([sender.rtx_ssrc] if codec.rtx is not None else [])
        if len(ssrcs) == 2:
            lines.append(f"a=ssrc-group:FID {ssrcs[0]} {ssrcs[1]}")
        for ssrc in ssrcs:
            lines.append(f"a=ssrc:{ssrc} cname:{sender.cname}")
            lines.append(f"a=ssrc:{ssrc} msid:{msid}")
    return "\r\n".join(lines) + "\r\n"


def _session(offer: Offer, local: Local) -> list[str]:
    return [
        "v=0",
        f"o=- {int(local.fingerprint[:23].replace(':', ''), 16) >> 1} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(m.mid for m in offer.media),
        "a=msid-semantic: WMS *",
    ]


def _m_line(
    media: Media,
    codec: Codec,
    local: Local,
    setup: str,
    direction: str,
    feedback: Sequence[str],
) -> list[str]:
    pt, rtx = codec.payload_type, codec.rtx
    formats = f"{pt}" if rtx is None else f"{pt} {rtx}"
    channels = f"/{codec.channels}" if codec.channels else ""
    lines = [
        f"m={media.kind} 9 {media.protocol} {formats}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{media.mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=rtcp-rsize",
        f"a=rtpmap:{pt} {codec.name}/{codec.clock}{channels}",
        *(f"a=rtcp-fb:{pt} {f}" for f in feedback),
    ]
    if codec.fmtp:
        fmtp = ";".join(f"{k}={v}" for k, v in codec.fmtp.items())
        lines.append(f"a=fmtp:{pt} {fmtp}")
    if rtx is not None:
        lines += [f"a=rtpmap:{rtx} rtx/{codec.clock}", f"a=fmtp:{rtx} apt={pt}"]
    return lines + [
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{'active' if setup == 'passive' else 'passive'}",
        *transport_lines(local),
    ]


def transport_lines(local: Local) -> list[str]:
    """ICE of an answer or of an sdpfrag: the reachable candidate first."""
    return [
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.pwd}",
        "a=ice-options:trickle ice2",
        *(
            f"a=candidate:{n} 1 udp {2130706431 - n} {address} {port} typ host"
            for n, (address, port) in enumerate(local.candidates, 1)
        ),
        "a=end-of-candidates",
    ]
