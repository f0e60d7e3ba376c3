"""Real Chromium with a fake camera, and everything `souk serve` starts.

WebRTC gathers every interface's address, so these tests run only in a network
namespace of their own (tests/namespace.sh).
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import SOCK_DGRAM, SOCK_STREAM

import pytest
from playwright.sync_api import Browser, sync_playwright

from realtime.embedded import Embedded
from tests.browser.people import Arrive, Person
from tests.live import database_url, free_port

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
START_SECONDS = 60.0
STOP_SECONDS = 20.0


def missing() -> str:
    """Why browser tests cannot run here, or nothing."""
    if CHROMIUM is None:
        return "chromium is not installed"
    if not (ROOT / "web" / "static" / "web" / "app.js").exists():
        return "the pages' script is not built: npm ci && npm run build"
    return ""


@pytest.fixture(scope="session", autouse=True)
def able(namespace: None) -> None:
    """A skip says why; in CI what is missing is a failure."""
    if why := missing():
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)


@pytest.fixture
def site(
    able: None, alone: None, site_store: Embedded, tmp_path: Path
) -> Iterator[str]:
    """The address of a whole Souk, web and media, on the test database."""
    with serving(site_store, tmp_path) as url:
        yield url


@pytest.fixture
def counter(
    able: None, alone: None, site_store: Embedded, tmp_path: Path
) -> Iterator[str]:
    """The same without media: for what is bought and sent."""
    with serving(site_store, tmp_path, "--only", "web") as url:
        yield url


@contextmanager
def serving(store: Embedded, folder: Path, *roles: str) -> Iterator[str]:
    """`souk serve` under an address that its bank knows as well.

    On the session's store: the session's other processes know this database too, send
    what is in its outbox, and may be given its streams.
    """
    port = free_port(SOCK_STREAM)
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": store.url,
        "SOUK_DATA": str(folder / "var"),
        "SOUK_DEBUG": "1",
        "SOUK_MEDIA_PORT": str(free_port(SOCK_DGRAM)),
        "SOUK_MEDIA_ADDRESSES": "127.0.0.1",
        "SOUK_PORT": str(port),
        "SOUK_URL": url,
    }
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.cli", "serve", *roles],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=out,
            bufsize=0,
        )
    try:
        wait_for_line(process, url, log)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
        ARTIFACTS.mkdir(exist_ok=True)
        shutil.copy(log, ARTIFACTS / "serve.log")


def wait_for_line(process: "subprocess.Popen[bytes]", text: str, log: Path) -> None:
    """Until the process says `text`; the others of its lines go by."""
    assert process.stdout is not None
    until = time.monotonic() + START_SECONDS
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([process.stdout], [], [], left)
        line = process.stdout.readline().decode() if ready else ""
        if text in line:
            return
        if ready and not line:
            break
    raise RuntimeError(f"it did not say {text}: {log.read_text()}")


@pytest.fixture
def chromium(able: None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def arrive(site: str, chromium: Browser) -> Iterator[Arrive]:
    """`arrive("viewer", phone=True)`: somebody with a browser of their own.

    At the end nobody's browser may have refused or complained about anything.
    """
    came: list[Person] = []

    def come(name: str, *, phone: bool = False, **more: str) -> Person:
        came.append(Person(chromium, site, name, ARTIFACTS, phone=phone, **more))
        return came[-1]

    yield come
    for person in came:
        person.leave()
    assert [complaint for person in came for complaint in person.complaints] == []
