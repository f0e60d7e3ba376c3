"""The socket's way in: an ASGI application on Channels, one `Session` a connection."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http.request import validate_host

from realtime.codecs import DEFLATED, JSON, MESSAGE_PACK, Codec
from realtime.doors import cut
from realtime.metrics import connects
from realtime.process import process
from realtime.protocol import PATH
from realtime.session import Session
from realtime.sinks import AsgiSink

logger = logging.getLogger(__name__)

ORIGIN_CHARS = 200


class LiveConsumer(AsyncWebsocketConsumer):
    """Reads frames and hands them to a session; writes go straight to the sink.

    The loop is plain: Channels' own costs a thread hop an event, its layer one
    subscription a viewer. An edge of ours puts its sink into the scope; on any other
    ASGI server an `AsgiSink` does the same, slower.
    """

    channel_layer_alias = None  # type: ignore[assignment] # Channels' way to say none

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()  # websocket.connect
        if scope["path"] != PATH or not allowed(_headers(scope)):
            connects.labels(403).inc()
            logger.info("refused", extra=facts(scope))
            await send({"type": "websocket.close", "code": 403})
            return
        packed = MESSAGE_PACK.name in scope["subprotocols"]
        codec: Codec = MESSAGE_PACK if packed else JSON
        chosen = codec.name if packed else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        sink = scope.get("extensions", {}).get("souk.sink") or AsgiSink(send)
        if sink.deflates:
            codec = DEFLATED[codec]
        session = Session(process(), sink, codec, (scope["client"] or [""])[0])
        while (event := await receive())["type"] == "websocket.receive":
            data = event.get("text")
            await session.receive(event["bytes"] if data is None else data)
        if isinstance(sink, AsgiSink):
            sink.end()
        session.gone()


def facts(scope: Mapping[str, Any]) -> dict[str, str | int]:
    """Who was not let in, for the log; an origin cut to what one may be long."""
    origin = _headers(scope).get(b"origin", b"").decode("latin-1")
    address = cut((scope["client"] or [""])[0])
    return {"code": 403, "address": address, "origin": origin[:ORIGIN_CHARS]}


def _headers(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def allowed(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of this origin may open a socket here; programs send none.

    The origins are `SOUK_ORIGINS`, else the host that was asked itself, if it is one of
    the site's: a foreign name may be made to lead here (DNS rebinding).
    """
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin:
        return True
    if settings.SOUK_ORIGINS:
        return origin in settings.SOUK_ORIGINS
    try:
        asked = urlsplit(origin)
        ours = validate_host(asked.hostname or "", settings.ALLOWED_HOSTS)
    except ValueError:
        return False
    return ours and asked.netloc == headers.get(b"host", b"").decode("latin-1")
