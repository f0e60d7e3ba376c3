"""What daphne reads requests with, made to wait for them no longer than they take.

Twisted's time-out begins anew with each byte, so one byte now and then keeps a
connection for ever. Here it begins with the request.
"""

import re
from typing import Any

from daphne.http_protocol import HTTPFactory
from django.conf import settings
from twisted.web.http import HTTPChannel

_upgrades = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.I).search

BODY_SECONDS = 30
BODY_RATE = 32 * 1024
"""Bytes a second a longer body must keep up with."""


class LiveChannel(HTTPChannel):  # type: ignore[misc] # Twisted is untyped
    """One connection. From accept, or the last answer, to a whole head it may take
    `SOUK_CONNECT_SECONDS`; to a whole body then 30 s, to a long one longer.
    """

    _is_fresh = True

    def dataReceived(self, data: bytes) -> None:
        """A whole request for a socket, as clients send it, needs no HTTP around it."""
        is_fresh, self._is_fresh = self._is_fresh, False
        if is_fresh and b"\r\n\r\n" in data and _upgrades(data):
            self._hand_over(data)
        else:
            super().dataReceived(data)

    def _hand_over(self, data: bytes) -> None:
        self.setTimeout(None)
        protocol = self.factory.server.ws_factory.buildProtocol(None)
        transport: Any = self.transport
        transport.protocol = protocol
        protocol.makeConnection(transport)
        protocol.dataReceived(data)

    def resetTimeout(self) -> None:
        """A byte is no sign of good will."""

    def allHeadersReceived(self) -> None:
        super().allHeadersReceived()
        self.setTimeout(BODY_SECONDS + (self.length or 0) // BODY_RATE)

    def allContentReceived(self) -> None:
        self.setTimeout(self.timeOut)  # kept for the next request
        super().allContentReceived()


class LiveHTTPFactory(HTTPFactory):  # type: ignore[misc] # daphne is untyped
    protocol = LiveChannel

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.timeOut = settings.SOUK_CONNECT_SECONDS
