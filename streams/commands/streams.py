"""Streams: make one, change it, begin and end its show, find and watch it."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from realtime import Command, Mutation, Ref
from streams.events import Media

StreamId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("stream", public=True)]
OwnStreamId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("stream")]
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=2000)]
Word = Annotated[str, Meta(max_length=40)]
Tags = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=30)]], Meta(max_length=10)
]
Language = Annotated[str, Meta(max_length=10, pattern=r"^[A-Za-z-]*$(?![\s\S])")]
Visibility = Literal["public", "unlisted", "private"]
Grace = Annotated[int, Meta(ge=0, le=1800)]
Kbps = Annotated[int, Meta(ge=100, le=20_000)]
Limit = Annotated[int, Meta(ge=1, le=100)]


class CreateStream(Mutation, frozen=True, kw_only=True, tag="stream.create"):
    """A new broadcast of the sender's, a draft until its show begins."""

    title: Title
    text: Text = ""
    category: Word = ""
    tags: Tags = []
    language: Language = ""
    visibility: Visibility = "public"
    grace_s: Grace = 60
    max_kbps: Kbps = 4000


class StreamMade(Struct, frozen=True):
    stream: int
    version: int


class UpdateStream(Mutation, frozen=True, kw_only=True, tag="stream.update"):
    """Change what is given. Refused as `conflict` unless `version` is the present."""

    stream: OwnStreamId
    version: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    title: Title | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    category: Word | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    grace_s: Grace | UnsetType = UNSET
    max_kbps: Kbps | UnsetType = UNSET


class StreamVersion(Struct, frozen=True):
    version: int


class GoLive(Mutation, frozen=True, kw_only=True, tag="stream.go_live"):
    """Begin the show; the picture must be coming in already."""

    stream: OwnStreamId


class EndStream(Mutation, frozen=True, kw_only=True, tag="stream.end"):
    """End the show for good. (A publisher who goes away only interrupts it.)"""

    stream: OwnStreamId


class StreamState(Struct, frozen=True):
    state: str
    version: int


class GetStream(Command, frozen=True, kw_only=True, tag="stream.get"):
    stream: StreamId


class Person(Struct, frozen=True):
    user: int
    name: str


class StreamView(Struct, frozen=True, kw_only=True):
    """A stream as one reader sees it; times in epoch ms. `role` is the reader's.

    `viewers` and `peak` are ten seconds old at most; `state:` has them at once.
    """

    stream: int
    host: Person
    title: str
    text: str
    category: str
    tags: list[str]
    language: str
    visibility: str
    state: str
    version: int
    started_at: int | None
    ended_at: int | None
    end_reason: str | None
    viewers: int
    peak: int
    role: str


class SubscribedStream(StreamView, frozen=True, kw_only=True):
    """What `deals:<stream>` tells at subscribe.

    `grace_until` while interrupted: till when the show waits for its host.
    """

    grace_until: int | None
    media: Media


class DealsData(Struct, frozen=True):
    stream: SubscribedStream


class ListStreams(Command, frozen=True, kw_only=True, tag="stream.list"):
    """`live`: public shows, most watched first. `following`: those of followed hosts.

    `mine`: all of the sender's, newest first. The last two need somebody signed in.
    """

    kind: Literal["live", "following", "mine"]
    category: Word = ""
    language: Language = ""
    cursor: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 50


class StreamList(Struct, frozen=True):
    items: list[StreamView]
    cursor: str
    """Of the next page; empty on the last."""


class IceServer(Struct, frozen=True):
    urls: list[str]
    username: str
    credential: str


class WatchStream(Command, frozen=True, kw_only=True, tag="stream.watch"):
    """Where to watch, and a ticket (five minutes) to send along as a bearer."""

    stream: StreamId


class Watching(Struct, frozen=True):
    state: str
    whep: str
    ticket: str
    expires_at: int
    ice_servers: list[IceServer]


class PublishTicket(Command, frozen=True, kw_only=True, tag="stream.ticket"):
    """Where to publish, and a token (five minutes) for it: no lasting key in a page."""

    stream: OwnStreamId


class Publishing(Struct, frozen=True):
    whip: str
    token: str
    expires_at: int
    ice_servers: list[IceServer]


class GetHealth(Command, frozen=True, kw_only=True, tag="stream.health"):
    """How the incoming media is; the same as `stream.health` on `staff:`."""

    stream: OwnStreamId
