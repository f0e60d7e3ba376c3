"""People, conversations and pushes for the tests of chat."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

import msgspec
from django.db import connections

from accounts.models import Follow, User
from chat.actions.conversations import open_conversation
from chat.actions.messages import send_message
from chat.commands.conversations import OpenConversation
from chat.commands.messages import SendMessage, Sent
from realtime.models import OutboxEvent

T = TypeVar("T")
_keys = count(1)


def a_key() -> str:
    return f"key-{next(_keys)}"


def a_user(name: str, **fields: Any) -> User:
    return User.objects.create(username=name, name=name.title(), **fields)


def a_follow(follower: User, target: User) -> None:
    Follow.objects.create(follower=follower, target=target)


def a_conversation(first: User, second: User) -> int:
    """Between two who know each other."""
    Follow.objects.get_or_create(follower=second, target=first)
    return opened(first, second)


def opened(by: User, other: User) -> int:
    command = OpenConversation(key=a_key(), user=other.pk)
    return open_conversation(by.pk, command).conversation


def say(
    sender: User,
    conversation: int,
    text: str = "hello",
    *,
    key: str | None = None,
    reply_to: int | None = None,
) -> Sent:
    command = SendMessage(
        key=key or a_key(), conversation=conversation, text=text, reply_to=reply_to
    )
    return send_message(sender.pk, command)


def pushes(user: User) -> list[dict[str, Any]]:
    """What was decided to be pushed to a user so far, in order."""
    rows = OutboxEvent.objects.order_by("id")
    return [
        msgspec.msgpack.decode(bytes(row.data))
        for row in rows
        if f"#{user.pk}" in row.channels
    ]


def at_once(jobs: Iterable[Callable[[], T]], threads: int = 8) -> list[T | Exception]:
    """Run the jobs side by side, each on a connection of its own; results in order."""

    def run(job: Callable[[], T]) -> T | Exception:
        try:
            return job()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, jobs))
