"""What waits for one viewer, by lane and bound."""

import json

import pytest

from realtime.backlog import RELIABLE_BYTES, SAMPLED_BYTES, Backlog, Full
from realtime.codecs import JSON
from realtime.frames import Frame
from realtime.lanes import Lane


def frame(lane: Lane, name: str, size: int = 10, *, exempt: bool = False) -> Frame:
    wire = name.encode().ljust(size, b".")
    return Frame(wire, lane, f"{lane.value}:1", 1, exempt)


def taken(backlog: Backlog) -> list[str]:
    read = []
    while data := backlog.take():
        read.append(data.decode(errors="replace").rstrip("."))
    return read


def test_the_cut_frame_goes_first_then_reliable_then_state_then_sampled() -> None:
    state = Frame(b"state", Lane.LATEST, "latest:1")
    backlog = Backlog(JSON, lambda name: state)
    backlog.add(frame(Lane.SAMPLED, "comment"))
    backlog.add(frame(Lane.LATEST, "old value"))
    backlog.add(frame(Lane.LATEST, "newer value"))
    backlog.add(frame(Lane.RELIABLE, "sale"))
    backlog.cut(b"rest")
    assert taken(backlog) == ["rest", "sale", "state", "comment"]
    assert not backlog and backlog.size == 0


def test_reliable_frames_beyond_the_bound_are_refused() -> None:
    backlog = Backlog(JSON)
    backlog.add(frame(Lane.RELIABLE, "a", RELIABLE_BYTES))
    with pytest.raises(Full):
        backlog.add(frame(Lane.RELIABLE, "b"))


def test_the_oldest_sampled_go_first_exempt_last_and_the_viewer_is_told() -> None:
    backlog = Backlog(JSON)
    backlog.add(frame(Lane.SAMPLED, "seller", 1000, exempt=True))
    for n in range(100):
        backlog.add(frame(Lane.SAMPLED, f"c{n}", 1000))
    assert backlog.size <= SAMPLED_BYTES
    told, *rest = taken(backlog)
    push = json.loads(told[told.index("{") :])["push"]
    assert push["channel"] == "sampled:1"
    data = push["pub"]["data"]
    assert data["type"] == "lane.skipped" and data["count"] + len(rest) == 101
    assert rest[0] == "seller" and rest[-1] == "c99"


def test_what_waits_of_a_channel_left_is_forgotten_but_a_cut_frame_is_not() -> None:
    backlog = Backlog(JSON, lambda name: Frame(b"state", Lane.LATEST, name))
    backlog.cut(b"rest")
    for lane in Lane:
        backlog.add(frame(lane, "x"))
        backlog.forget(f"{lane.value}:1")
    assert taken(backlog) == ["rest"]
