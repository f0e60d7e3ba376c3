"""An echo for Autobahn's cases: an ASGI application that answers what it is told.

Any server runs `application`; `python -m tests.conformance.echo [port]` puts it on our
edge, and prints where it answers.
"""

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any

import django

from realtime.deflate import deflated
from realtime.frames import BINARY, COMPRESSED, TEXT, Frame, header


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 404})
        await send({"type": "http.response.body"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    sink = scope.get("extensions", {}).get("souk.sink")
    while (event := await receive())["type"] == "websocket.receive":
        said = {key: event[key] for key in ("text", "bytes") if key in event}
        if sink is not None and sink.deflates:
            sink.write(compressed(event.get("text"), event.get("bytes")))
            continue
        # The other side may have gone while its message waited.
        with contextlib.suppress(OSError):
            await send({"type": "websocket.send", **said})


def compressed(text: str | None, data: bytes | None) -> Frame:
    """Also what is short: the cases of RFC 7692 want all answers so."""
    opcode = (TEXT if data is None else BINARY) | COMPRESSED
    payload = deflated((text or "").encode() if data is None else data)
    return Frame(header(opcode, len(payload)) + payload)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from realtime.edges.daphne import LiveServer
    from realtime.management.commands.web import listen

    listener = listen("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 0)
    port = listener.getsockname()[1]

    async def serve(server: LiveServer) -> None:
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        server.listen()
        print(f"http://127.0.0.1:{port}", flush=True)
        await over.wait()
        server.stop_listening()

    LiveServer(application, listener).run_until(serve)


if __name__ == "__main__":
    main()
