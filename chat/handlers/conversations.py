"""`conversation.*`, and the heads a client asks for when it connects."""

from chat.actions import conversations, cursors, syncing
from chat.commands.conversations import (
    ConversationHistory,
    ConversationList,
    Heads,
    History,
    ListConversations,
    MarkConversation,
    Marked,
    OpenConversation,
    Opened,
    SyncConversation,
    Synced,
)
from realtime import CommandRouter, Connection, Rate, db

router = CommandRouter()


@router.handles(rate=Rate(1, burst=20))
def open_conversation(connection: Connection, command: OpenConversation) -> Opened:
    return conversations.open_conversation(connection.user, command)


@router.handles()
def list_conversations(
    connection: Connection, command: ListConversations
) -> ConversationList:
    return conversations.list_conversations(connection.user, command)


@router.handles()
def sync(connection: Connection, command: SyncConversation) -> Synced:
    return syncing.sync(connection.user, command)


@router.handles()
def history(connection: Connection, command: ConversationHistory) -> History:
    return syncing.history(connection.user, command)


@router.handles()
def mark(connection: Connection, command: MarkConversation) -> Marked:
    return cursors.mark(connection.user, command)


@router.on_connect("chat")
async def heads(connection: Connection, data: object) -> Heads | None:
    """Left out where `#<user>` was recovered: then nothing was missed, at no query."""
    if connection.viewer is None or connection.recovered:
        return None
    return await db(syncing.heads, connection.viewer)
