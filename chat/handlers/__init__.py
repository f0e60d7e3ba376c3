"""Who answers what; the room's part of the registry."""

from chat import events
from chat.handlers import comments, conversations, messages
from realtime import CommandRouter

router = CommandRouter().include(comments.router, conversations.router, messages.router)
router.tells(
    "#",
    events.MessageSent,
    events.ConversationRequested,
    events.ConversationCursor,
)
router.tells("comments", events.CommentSent)
router.tells("deals", events.CommentPinned, events.CommentsRemoved)
router.tells("state", events.Likes)
