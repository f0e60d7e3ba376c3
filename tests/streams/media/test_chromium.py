"""Chromium watches and publishes, with the plain WebRTC API."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from streams.media.engine import Engine
from tests.streams.media.conftest import People
from tests.streams.media.door import Door, Told

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><video id=v autoplay muted playsinline></video><script>
const peers = {}
async function go(kind, stream) {
  const pc = peers[kind] = new RTCPeerConnection({iceServers: []})
  if (kind == 'whep') {
    const shown = new MediaStream()
    pc.addTransceiver('video', {direction: 'recvonly'})
    pc.addTransceiver('audio', {direction: 'recvonly'})
    pc.ontrack = event => { shown.addTrack(event.track); v.srcObject = shown }
  } else {
    const media = await navigator.mediaDevices.getUserMedia({video: true, audio: true})
    for (const track of media.getTracks())
      pc.addTransceiver(track, {direction: 'sendonly', streams: [media]})
  }
  await pc.setLocalDescription(await pc.createOffer())
  const reply = await fetch(`/${kind}/${stream}`, {
    method: 'POST', body: pc.localDescription.sdp})
  if (reply.status != 201) throw new Error(await reply.text())
  await pc.setRemoteDescription({type: 'answer', sdp: await reply.text()})
}
async function figures(kind, type) {
  for (const figure of (await peers[kind].getStats()).values())
    if (figure.type == type && figure.kind == 'video') return {...figure}
  return {}
}
async function until(kind, type, name, value) {
  for (let n = 0; n < 200; n++) {
    if (((await figures(kind, type))[name] ?? 0) >= value)
      return figures(kind, type)
    await new Promise(done => setTimeout(done, 100))
  }
  throw new Error(name + ' of ' + JSON.stringify(await figures(kind, type)))
}
</script>"""


@pytest.fixture
async def page(door: Door) -> AsyncIterator[Page]:
    """A page with a fake camera; its permission makes Chromium send from a LAN
    address to our loopback one."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    door.page = PAGE
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
            ],
        )
        context = await browser.new_context(permissions=["camera", "microphone"])
        page = await context.new_page()
        await page.goto(door.url("/"))
        yield page
        await browser.close()


async def figures(page: Page, kind: str, name: str, value: int) -> dict[str, Any]:
    """The video's figures once `name` reached `value`."""
    of = "inbound-rtp" if kind == "whep" else "outbound-rtp"
    script = f"until('{kind}', '{of}', '{name}', {value})"
    return dict(await page.evaluate(script))


async def test_chromium_decodes_what_ffmpeg_publishes(
    told: Told, people: People, page: Page
) -> None:
    await people.encoder(gop=300)
    await told.wait("started")
    await page.evaluate("go('whep', 1)")
    seen = await figures(page, "whep", "framesDecoded", 60)
    assert (seen["frameWidth"], seen["frameHeight"]) == (360, 640)


async def test_chromium_publishes_h264_and_watches_itself(
    engine: Engine, told: Told, page: Page
) -> None:
    await page.evaluate("go('whip', 1)")
    assert await told.wait("started") == ("started", "i1", "1", "H264", "opus")
    await page.evaluate("go('whep', 1)")
    await figures(page, "whep", "framesDecoded", 60)
    sent = await figures(page, "whip", "framesEncoded", 60)
    assert sent["targetBitrate"] > 600_000  # our feedback lets it go up from 300,000
