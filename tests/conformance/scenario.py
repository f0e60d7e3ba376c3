"""The one scenario: what every client does, is answered, and is told. Data only."""

from msgspec import Struct

from tests.conformance.stage import Facts

CUTS = 50

Refusal = tuple[int, str, Facts]
"""Its code, name and facts."""


class Do(Struct, frozen=True):
    """The client does something: it is answered, or refused, and events come `then`.

    `soon`: asked again until it is answered so.
    """

    verb: str
    what: Facts = {}
    answer: Facts = {}
    refused: Refusal | None = None
    then: tuple[Facts, ...] = ()
    soon: bool = False


class Publish(Struct, frozen=True):
    """The server tells a channel of a number, or of a price."""

    channel: str
    n: int | None = None
    tea: int | None = None
    then: tuple[Facts, ...] = ()


class PutOut(Struct, frozen=True):
    """The server ends a subscription of the client's, or without one the connection."""

    code: int
    channel: str = ""
    then: tuple[Facts, ...] = ()


class Refreshed(Struct, frozen=True):
    """The first token was good for a second: the client has come with another."""


class Cut(Struct, frozen=True):
    """The socket is lost `CUTS` times, with publications on either side of each."""

    channels: tuple[str, ...]


Step = Do | Publish | PutOut | Refreshed | Cut


def told(channel: str, **data: object) -> Facts:
    return {"event": "publication", "channel": channel, "data": data}


def subscribed(channel: str, **more: object) -> Facts:
    return {"event": "subscribed", "channel": channel, **more}


def unsubscribed(channel: str, code: int) -> Facts:
    return {"event": "unsubscribed", "channel": channel, "code": code}


def tea(amount: int) -> Facts:
    return {"price:tea": {"item": "tea", "amount": amount}}


def rpc(
    method: str,
    data: Facts,
    *,
    answer: Facts | None = None,
    refused: Refusal | None = None,
) -> Do:
    return Do("rpc", {"method": method, "data": data}, answer or {}, refused)


def join(channel: str, *then: Facts) -> Do:
    return Do("subscribe", {"channel": channel}, then=then)


def history(channel: str, limit: int, **more: object) -> Facts:
    return {"channel": channel, "limit": limit, **more}


def scenario(user: int, room: str) -> list[Step]:
    own, deals = f"#{user}", f"deals:{room}"
    state, comments = f"state:{room}", f"comments:{room}"
    elsewhere = "deals:private"
    hello = rpc(
        "echo.say",
        {"key": "k", "text": "héllo 茶"},
        answer={"data": {"text": "héllo 茶", "user": user}},
    )
    board = {"board": f"board of {room}", "weather": "fair"}
    connected, back = {"event": "connected"}, subscribed(own, recovered=True)
    newest = {"publications": [{"data": {"n": 0}, "offset": 1}], "offset": 1}
    ancient = {"offset": 0, "epoch": "ancient"}
    unrecoverable: Refusal = (112, "unrecoverable_position", {})
    denied: Refusal = (103, "permission_denied", {})
    return [
        Do("connect", then=(connected, subscribed(own, was_recovering=False))),
        # Calls
        hello,
        rpc(
            "echo.say",
            {"key": "k", "text": "x" * 11},
            refused=(107, "bad_request", {"path": "$.text"}),
        ),
        rpc("no.such", {}, refused=(104, "method_not_found", {})),
        rpc("refuse.me", {}, refused=(1901, "closed_today", {"until": 9})),
        # Channels of three lanes, and those that are none or not for everybody
        Publish(state, tea=5),
        join(deals, subscribed(deals, was_recovering=False, data=board)),
        join(state, subscribed(state), told(state, **tea(5))),
        join(comments, subscribed(comments)),
        join("nosuch:1", unsubscribed("nosuch:1", 102)),
        join("#1", unsubscribed("#1", 103)),
        join(elsewhere, unsubscribed(elsewhere, 1901)),
        Publish(deals, n=0, then=(told(deals, n=0) | {"offset": 1},)),
        Publish(own, n=0, then=(told(own, n=0),)),
        Publish(comments, n=0, then=(told(comments, n=0),)),
        Publish(state, tea=6, then=(told(state, **tea(6)),)),
        # What was, and who is there
        Do("history", history(deals, 9, reverse=True), newest),
        Do("history", history(deals, 0), {"offset": 1}),
        Do("history", history(deals, 9, since=ancient), refused=unrecoverable),
        Do("history", history(elsewhere, 1), refused=denied),
        Do("presence_stats", {"channel": elsewhere}, refused=denied),
        # Staying, and coming back
        Refreshed(),
        hello,
        Cut((deals, own)),
        Do(
            "presence_stats",
            {"channel": deals},
            {"num_clients": 1, "num_users": 1},
            soon=True,
        ),
        # Put out to return, for good; sent away to return, for good
        PutOut(2500, deals, then=(subscribed(deals, recovered=True),)),
        PutOut(2100, deals, then=(unsubscribed(deals, 2100),)),
        PutOut(3011, then=(connected, back)),
        PutOut(
            4501,
            then=({"event": "disconnected", "code": 4501, "reason": "signed out"},),
        ),
    ]
