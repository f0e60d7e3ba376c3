"""The envelope: the Centrifuge client protocol v2 as Structs, and its close codes.

Pure. A client sends an `Envelope` with one command; the body stays raw until its type
is known. `Reply` and `Push` are what goes back. Fields that are false, 0 or empty are
left out, except those an SDK indexes without asking (`code`, `message`, `reason`).
Source: github.com/centrifugal/protocol, definitions/client.proto.
"""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

PATH = "/connection/websocket"
FRAME_BYTES = 64 * 1024
COMMANDS_A_FRAME = 64
CHANNELS = 64
IN_FLIGHT = 16
PING_SECONDS = 25
CHANNEL_PATTERN = r"(?:[a-z]+:[A-Za-z0-9_-]{1,64}|#[0-9]{1,19})"

Body = Raw | UnsetType


class Envelope(Struct, frozen=True):
    """A client's message: an id and one command, or nothing (a pong)."""

    id: int = 0
    connect: Body = UNSET
    subscribe: Body = UNSET
    unsubscribe: Body = UNSET
    rpc: Body = UNSET
    history: Body = UNSET
    presence_stats: Body = UNSET
    refresh: Body = UNSET
    ping: Body = UNSET
    publish: Body = UNSET
    presence: Body = UNSET
    sub_refresh: Body = UNSET
    send: Body = UNSET

    def commands(self) -> list[tuple[str, Raw]]:
        """The commands inside, by name; more than one is the client's mistake."""
        pairs = ((name, getattr(self, name)) for name in COMMANDS)
        return [(name, body) for name, body in pairs if body is not UNSET]


COMMANDS = Envelope.__struct_fields__[1:]


class Recovery(Struct, frozen=True):
    """A server-side subscription a reconnecting client wants continued."""

    recover: bool = False
    epoch: str = ""
    offset: int = 0


class Connect(Struct, frozen=True):
    token: str = ""
    data: dict[str, Any] | None = None
    subs: dict[str, Recovery] = {}
    name: str = ""
    version: str = ""


class Subscribe(Struct, frozen=True):
    channel: str
    recover: bool = False
    epoch: str = ""
    offset: int = 0
    flag: int = 0
    type: int = 0


class Unsubscribe(Struct, frozen=True):
    channel: str


class Rpc(Struct, frozen=True):
    method: str
    data: Raw = Raw(b"")


class Since(Struct, frozen=True):
    offset: int = 0
    epoch: str = ""


class HistoryOf(Struct, frozen=True):
    channel: str
    limit: int = 0
    since: Since | None = None
    reverse: bool = False


class PresenceStats(Struct, frozen=True):
    channel: str


class Refresh(Struct, frozen=True):
    token: str


class Pub(Struct, frozen=True, omit_defaults=True):
    """A publication as a client sees it; no offset where it has none."""

    data: Any
    offset: int = 0


class Subscribed(Struct, frozen=True, omit_defaults=True):
    recoverable: bool = False
    positioned: bool = False
    was_recovering: bool = False
    recovered: bool = False
    epoch: str = ""
    offset: int = 0
    publications: list[Pub] = []
    data: Any = None


class Connected(Struct, frozen=True, omit_defaults=True):
    client: str
    version: str
    ping: int = 0
    pong: bool = False
    expires: bool = False
    ttl: int = 0
    subs: dict[str, Subscribed] = {}
    data: Any = None


class Refreshed(Struct, frozen=True, omit_defaults=True):
    client: str
    version: str
    expires: bool = False
    ttl: int = 0


class Histories(Struct, frozen=True, omit_defaults=True):
    publications: list[Pub] = []
    epoch: str = ""
    offset: int = 0


class Stats(Struct, frozen=True, omit_defaults=True):
    num_clients: int = 0
    num_users: int = 0


class Result(Struct, frozen=True):
    """An rpc's answer."""

    data: Any


class Empty(Struct, frozen=True):
    """`{}`."""


class Error(Struct, frozen=True, omit_defaults=True):
    code: int
    message: str
    temporary: bool = False


class Close(Struct, frozen=True):
    """Why the server ends a connection; the client returns unless it is `final`."""

    code: int
    reason: str

    @property
    def final(self) -> bool:
        return 3500 <= self.code < 5000


class Closing(Exception):
    """A command was such that the connection ends."""

    def __init__(self, close: Close) -> None:
        super().__init__(close)
        self.close = close


ORDERED: dict[str, tuple[type[Struct], type[Struct]]] = {
    "connect": (Connect, Connected),
    "subscribe": (Subscribe, Subscribed),
    "unsubscribe": (Unsubscribe, Empty),
    "history": (HistoryOf, Histories),
    "presence_stats": (PresenceStats, Stats),
    "refresh": (Refresh, Refreshed),
    "ping": (Empty, Empty),
}
"""What is asked by a name of its own, and answered; all else is `rpc`."""
RESTART = Close(1012, "restart")
SHUTDOWN = Close(3001, "shutdown")
INTERNAL = Close(3004, "internal server error")
EXPIRED = Close(3005, "connection expired")
SLOW = Close(3008, "slow")
INSUFFICIENT_STATE = Close(3010, "insufficient state")
FORCE_RECONNECT = Close(3011, "force reconnect")
NO_PONG = Close(3012, "no pong")
TOO_MANY_REQUESTS = Close(3013, "too many requests")
TOO_BIG = Close(1009, "message too big")
INVALID_TOKEN = Close(3500, "invalid token")
BAD_REQUEST = Close(3501, "bad request")
STALE = Close(3502, "stale")
FORCE_DISCONNECT = Close(3503, "force disconnect")
CONNECTION_LIMIT = Close(3504, "connection limit")
NOT_AVAILABLE = Close(3508, "not available")
BANNED = Close(4500, "banned")
SIGNED_OUT = Close(4501, "signed out")

CLOSES = {
    close.code: close for close in list(globals().values()) if isinstance(close, Close)
}
UNSUBSCRIBE_RECOVER = 2500
"""An unsubscribe push with this code asks the client to subscribe and recover."""
