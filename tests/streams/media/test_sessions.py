"""Sessions before and beside their media: bounds, patches, ends."""

import re
from collections.abc import AsyncIterator

import pytest
from aioice import stun

from streams.media.contract import (
    BadSdp,
    EtagRequired,
    Full,
    Limits,
    StaleEtag,
    Unacceptable,
    UnknownSession,
)
from streams.media.engine import Engine
from tests.streams.media.door import Told
from tests.streams.media.offers import load
from tests.streams.media.test_ice import Remote, check

LIMITS = Limits(viewers=1, handshakes=3, handshakes_an_address=1)
OFFER = load("ffmpeg").replace("setup:passive", "setup:actpass")
NEW = "a=ice-ufrag:neww\r\na=ice-pwd:0123456789012345678901\r\n"


@pytest.fixture
async def idle(told: Told) -> AsyncIterator[Engine]:
    """An engine that nobody sends media to: plain loopback will do."""
    engine = Engine(port=0, addresses=["127.0.0.1"], facts=told, limits=LIMITS)
    await engine.start()
    yield engine
    await engine.stop()


async def publish(engine: Engine, ingest: str, offer: str = OFFER) -> str:
    answer = await engine.publish(
        ingest=ingest,
        stream=1,
        generation=int(ingest[1:]),
        codec=None,
        max_kbps=4000,
        via="127.0.0.1",
        sdp_offer=offer,
    )
    return answer.sdp


def ice(sdp: str) -> tuple[str, str]:
    ufrag, pwd = (re.search(f"a=ice-{name}:(\\S+)", sdp) for name in ("ufrag", "pwd"))
    assert ufrag and pwd
    return ufrag[1], pwd[1]


async def passes(remote: Remote, ufrag: str, pwd: str, nominate: bool) -> bool:
    """Whether a check is answered."""
    remote.send(check(ufrag, pwd, nominate))
    try:
        response = stun.parse_message(await remote.answer(within=0.3))
    except TimeoutError:
        return False
    return response.check_message_integrity(pwd.encode())


async def test_a_session_without_media_is_known_and_ends_once(
    idle: Engine, told: Told
) -> None:
    await publish(idle, "i1")
    (view,) = idle.sessions()
    assert (view.session, view.state, view.generation) == ("i1", "connecting", 1)
    assert await idle.close("i1", "delete")
    assert not await idle.close("i1", "delete")
    assert told.facts == [("closed", "i1", "delete")]


async def test_what_is_refused_leaves_no_session(idle: Engine) -> None:
    with pytest.raises(BadSdp):
        await publish(idle, "i1", "hello")
    with pytest.raises(Unacceptable):
        await publish(idle, "i1", OFFER.replace("m=video", "m=application"))
    with pytest.raises(Unacceptable):
        await publish(idle, "i1", OFFER.replace("sendonly", "recvonly"))
    assert idle.sessions() == []


async def test_unfinished_handshakes_are_bounded(idle: Engine) -> None:
    for number in range(3):
        await publish(idle, f"i{number}")
    with pytest.raises(Full) as refused:
        await publish(idle, "i9")
    assert refused.value.data == {"why": "handshakes"}
    await idle.close("i0", "delete")
    await publish(idle, "i9")


async def test_an_answer_names_the_address_the_request_came_to(told: Told) -> None:
    engine = Engine(port=0, addresses=[], facts=told)
    await engine.start()
    assert f" 127.0.0.1 {engine.port} typ host" in await publish(engine, "i1")
    await engine.stop()
    public = Engine(port=0, addresses=["192.0.2.8/127.0.0.1"], facts=told)
    await public.start()
    assert f" 192.0.2.8 {public.port} typ host" in await publish(public, "i1")
    await public.stop()
    assert ("closed", "i1", "stopped") in told.facts


async def test_trickle_is_taken_with_the_tag_or_without(idle: Engine) -> None:
    answer = await idle.publish(
        ingest="i1",
        stream=1,
        generation=1,
        codec=None,
        max_kbps=4000,
        via="127.0.0.1",
        sdp_offer=OFFER,
    )
    trickle = "a=ice-ufrag:73ee424f\r\na=end-of-candidates\r\n"
    for tag in (f'"{answer.etag}"', "*", None):
        assert await idle.patch(session="i1", if_match=tag, fragment=trickle) is None
    with pytest.raises(StaleEtag):
        await idle.patch(session="i1", if_match='"old"', fragment=trickle)
    with pytest.raises(BadSdp):
        await idle.patch(session="i1", if_match=None, fragment="a=candidate:x")
    with pytest.raises(UnknownSession):
        await idle.patch(session="i2", if_match=None, fragment=trickle)


async def test_an_ice_restart_needs_the_tag_and_changes_it(idle: Engine) -> None:
    old = ice(await publish(idle, "i1"))
    with pytest.raises(EtagRequired):
        await idle.patch(session="i1", if_match=None, fragment=NEW)
    first = await idle.patch(session="i1", if_match="*", fragment=NEW)
    assert first is not None
    new = ice(first.sdpfrag)
    assert new != old and f" {idle.port} typ host" in first.sdpfrag
    remote = Remote(idle.mux)
    assert await passes(remote, *old, nominate=True)  # until the new ones are used
    assert await passes(remote, *new, nominate=False)
    assert await passes(remote, *old, nominate=True)
    assert await passes(remote, *new, nominate=True)
    assert not await passes(remote, *old, nominate=True)
    again = await idle.patch(
        session="i1", if_match=f'"{first.etag}"', fragment=NEW.replace("neww", "newer")
    )
    assert again is not None and again.etag != first.etag
    remote.close()


async def test_an_address_shakes_few_hands_at_once(
    namespace: None, idle: Engine
) -> None:
    waiting = load("ffmpeg")  # it waits for our hello
    first, second = (Remote(idle.mux, "10.77.0.1") for _ in range(2))
    for name, remote in (("i1", first), ("i2", second)):
        ufrag, pwd = ice(await publish(idle, name, waiting))
        remote.send(check(ufrag, pwd))
        assert (await remote.answer())[:2] == b"\x01\x01"
    assert (await first.answer())[0] == 22  # a DTLS handshake record
    with pytest.raises(TimeoutError):
        await second.answer(within=0.2)
    await idle.close("i1", "delete")
    remote.send(check(ufrag, pwd))
    assert (await second.answer())[:2] == b"\x01\x01"
    assert (await second.answer())[0] == 22
    first.close()
    second.close()
