"""What a process writes about itself: lines of JSON that tell no secret."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from django.conf import settings as house

from realtime.testing import Refused
from tests.live import Connect, Server, Spawn, free_port
from tests.realtime.inner import Inner

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "c4n4ry"


@pytest.fixture
def admin_port() -> int:
    return free_port()


@pytest.fixture
def server(spawn_server: Spawn, admin_port: int) -> Server:
    """As in production, with a room that blurts."""
    return spawn_server(
        SOUK_DEBUG="0",
        SOUK_SECRET=house.SECRET_KEY.ljust(50, "x"),
        SOUK_MEDIA_ADDRESSES="127.0.0.1",
        SOUK_ROUTER="tests.realtime.gossip.router",
        SOUK_SIGN_OUTS="",
        SOUK_ADMIN_PORT=str(admin_port),
    )


def lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.read_text().splitlines()]


async def test_the_log_tells_who_did_what_and_never_a_token_or_a_text(
    connect: Connect, server: Server, admin_port: int, settings: Any
) -> None:
    settings.SOUK_SIGN_OUTS = ""
    client = await connect(7, to=server, data={"note": f"{MARK}-data"})
    with pytest.raises(Refused) as refused:
        await client.rpc("secret.blurt", {"text": f"{MARK}-text"})
    with pytest.raises(Refused):
        await client.rpc("secret.blurt", {"text": "x", "more": f"{MARK}-field"})
    with pytest.raises(Refused):
        await connect(to=server, token=f"t.{MARK}-ticket")
    again = await connect(to=server, token=client.hello["data"]["resume"])
    with pytest.raises(Refused):
        await again.rpc(f"{MARK}.method", {"token": client.hello["data"]["resume"]})
    forms = {"username": f"{MARK}-name", "password": f"{MARK}-password"}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
        await http.post("/accounts/sign-in", data=forms)
        await http.post(f"/whip/1/{MARK}-key?token={MARK}-query", content=MARK)
    counted = await Inner(admin_port).get("/metrics")
    assert "secret.blurt" in counted[1] and MARK not in counted[1]
    await client.close()
    await asyncio.to_thread(server.stop)
    logged = server.log.read_text()
    assert MARK not in logged
    assert client.hello["data"]["resume"] not in logged
    told = lines(server)
    ours = [line for line in told if line.get("connection") == client.hello["client"]]
    connected, warned, failed, ended = ours
    assert (connected["event"], connected["user"]) == ("connected", 7)
    assert connected["address"] == "127.0.0.0/24"
    assert (warned["event"], warned["method"]) == ("on its way", "secret.blurt")
    assert refused.value.data["id"] in failed["event"]
    assert (failed["command"], failed["method"]) == (2, "secret.blurt")
    assert failed["error"] == ["django.db.utils.IntegrityError", "builtins.ValueError"]
    assert "gossip.py" in failed["where"][-1]
    assert (ended["event"], ended["code"]) == ("ended", "gone")
    assert [line for line in told if line["logger"] == "django.request"]
