"""One client's connection, as handlers and hooks see it."""

import math

from realtime.exceptions import UNAUTHORIZED


class Connection:
    """Who is speaking. `user` raises `unauthorized` for those not signed in."""

    def __init__(self, client: str, viewer: int | None, address: str) -> None:
        self.client = client
        self.viewer = viewer
        """The user's id, or None when not signed in."""
        self.address = address
        """The network address of the other side."""
        self.sign_outs = 0
        """How often the user had signed out by then (sign_outs.py)."""
        self.recovered = False
        """In a connect hook: `#<user>` lost nothing since the client was last here."""

        self.until = math.inf
        """When it is over if its token is not renewed, by the loop's clock."""

    @property
    def user(self) -> int:
        if self.viewer is None:
            raise UNAUTHORIZED()
        return self.viewer
