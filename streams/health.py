"""How a stream's incoming media is, in words for the host. Pure."""

from collections.abc import Iterator

from streams.events import StreamHealth, Verdict
from streams.media.contract import StreamStats

LOW_KBPS = 500
LONG_GOP_S = 4.0
LOSS_PCT, BAD_LOSS_PCT = 2.0, 8.0
SMALL_PIXELS = 360


def health(stats: StreamStats, at: int) -> StreamHealth:
    """`at` in epoch ms."""
    hints = list(_hints(stats)) if stats.ingest else []
    return StreamHealth(
        stream=stats.stream,
        at=at,
        verdict=_verdict(stats, hints),
        hints=hints,
        kbps=stats.kbps,
        fps=stats.fps,
        width=stats.width,
        height=stats.height,
        video=stats.video,
        audio=stats.audio,
        keyframe_s=stats.keyframe_s,
        key_age_s=stats.key_age_s,
        loss_pct=stats.loss_pct,
        jitter_ms=stats.jitter_ms,
        rtt_ms=stats.rtt_ms,
        nacks=stats.nacks,
        plis=stats.plis,
        viewers=stats.viewers,
    )


def _hints(stats: StreamStats) -> Iterator[str]:
    if stats.video is None:
        yield "no_video"
    elif stats.kbps < LOW_KBPS:
        yield "low_bitrate"
    if stats.audio is None:
        yield "no_audio"
    if stats.keyframe_s is not None and stats.keyframe_s > LONG_GOP_S:
        yield "long_gop"
    if stats.loss_pct > LOSS_PCT:
        yield "loss"
    if stats.width and stats.height:
        if min(stats.width, stats.height) < SMALL_PIXELS:
            yield "small_picture"
        if stats.width > stats.height:
            yield "landscape"


def _verdict(stats: StreamStats, hints: list[str]) -> Verdict:
    if stats.ingest is None or stats.kbps == 0:
        return "no_data"
    if stats.loss_pct > BAD_LOSS_PCT or "no_video" in hints:
        return "bad"
    return "ok" if {"loss", "low_bitrate", "long_gop"} & set(hints) else "good"
