"""What daphne reads requests with, made to wait for them no longer than they take.

Twisted's time-out begins anew with each byte, so one byte now and then keeps a
connection for ever. Here it begins with the request.
"""

from typing import Any

from daphne.http_protocol import HTTPFactory
from django.conf import settings
from twisted.web.http import HTTPChannel

BODY_SECONDS = 30
BODY_RATE = 32 * 1024
"""Bytes a second a longer body must keep up with."""


class LiveChannel(HTTPChannel):  # type: ignore[misc] # Twisted is untyped
    """One connection. From accept, or the last answer, to a whole head it may take
    `SOUK_CONNECT_SECONDS`; to a whole body then 30 s, to a long one longer.
    """

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
