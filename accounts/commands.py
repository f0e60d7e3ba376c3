"""What clients ask of accounts, and what they are told."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from realtime import Command, Mutation, Ref

UserId = Annotated[int, Ref("user", public=True), Meta(ge=1)]


class SetFollow(Mutation, frozen=True, kw_only=True, tag="follow.set"):
    user: UserId
    on: bool


class ListFollows(Command, frozen=True, kw_only=True, tag="follow.list"):
    who: Literal["followers", "following"]
    cursor: Annotated[int, Meta(ge=0)] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class GetProfile(Command, frozen=True, kw_only=True, tag="profile.get"):
    user: UserId


class Followed(Struct, frozen=True):
    following: bool
    followers: int


class Person(Struct, frozen=True):
    user: int
    name: str


class People(Struct, frozen=True):
    """A page, newest first; `cursor` asks for the next one, null at the end."""

    items: list[Person]
    cursor: int | None


class Profile(Struct, frozen=True):
    """`following`: does the asking viewer follow this person?"""

    user: int
    name: str
    followers: int
    follows: int
    following: bool
