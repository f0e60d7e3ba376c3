"""A client in the process: what a page or a phone does with pushes, heads and syncs.

It follows docs/topics/messages.md and nothing else; `seen` is what it would show.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from chat.actions.syncing import sync
from chat.commands.conversations import SyncConversation
from chat.events import MessageView
from chat.unread import unread


@dataclass
class Thread:
    """One conversation as a device holds it."""

    rev: int = 0
    head_seq: int = 0
    base: int = 0
    messages: dict[int, MessageView] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    delivered: dict[int, int] = field(default_factory=dict)


class Device:
    """A device of a user; it asks only when a push shows that it missed something."""

    def __init__(self, user: int, page: int = 200) -> None:
        self.user = user
        self.page = page
        self.threads: dict[int, Thread] = {}

    def hear(self, push: dict[str, Any]) -> None:
        """A push, which may come late, twice, or without those before it."""
        thread = self.threads.setdefault(push["conversation"], Thread())
        if push["type"] == "conversation.cursor":
            self._cursor(thread, push["user"], push.get("read", 0), push["delivered"])
        elif push["type"] == "message.sent":
            if push["rev"] > thread.rev + 1:
                self.catch_up(push["conversation"])
            elif push["rev"] == thread.rev + 1:
                thread.rev = push["rev"]
                self._take(thread, msgspec.convert(push["message"], MessageView))

    def catch_up(self, conversation: int) -> None:
        """Ask for what changed since, page by page."""
        thread = self.threads.setdefault(conversation, Thread())
        while True:
            page = sync(
                self.user,
                SyncConversation(
                    conversation=conversation, after_rev=thread.rev, limit=self.page
                ),
            )
            for message in page.messages:
                self._take(thread, message)
            for cursor in page.cursors:
                self._cursor(thread, cursor.user, cursor.read, cursor.delivered)
            thread.rev = page.next_rev
            if not page.more:
                return

    def _take(self, thread: Thread, message: MessageView) -> None:
        thread.messages[message.seq] = message
        thread.head_seq = max(thread.head_seq, message.seq)
        self._cursor(thread, message.sender, message.seq, message.seq)

    def _cursor(self, thread: Thread, user: int, read: int, delivered: int) -> None:
        thread.read[user] = max(thread.read.get(user, 0), read)
        thread.delivered[user] = max(thread.delivered.get(user, 0), delivered)

    def seen(self, conversation: int) -> dict[str, Any]:
        """What it would show of a conversation."""
        thread = self.threads.get(conversation, Thread())
        return {
            "messages": [thread.messages[seq] for seq in sorted(thread.messages)],
            "read": {u: n for u, n in thread.read.items() if n},
            "delivered": {u: n for u, n in thread.delivered.items() if n},
            "unread": unread(
                thread.head_seq, thread.base, thread.read.get(self.user, 0)
            ),
        }
