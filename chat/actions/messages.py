"""Send a direct message.

One transaction whose first statement takes the conversation's next number. The row
lock is held until the commit, so commit order is `seq` order and whoever sees n sees
all below; the increment rolls back with the insert, so there is no hole; and one
message for a sender's key, for ever, is a unique constraint.
"""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from chat.commands.messages import SendMessage, Sent
from chat.errors import CLOSED, NOT_DELIVERED, REQUEST_QUOTA
from chat.events import ConversationRequested, MessageSent, MessageView
from chat.models import Conversation, Member, Message
from chat.unread import visible
from realtime import CommandError, digest_of, publish_on_commit
from realtime.exceptions import BAD_REQUEST, KEY_REUSED, NOT_FOUND
from realtime.failpoints import failpoint
from streams.clock import epoch_ms


def send_message(sender: int, command: SendMessage) -> Sent:
    """Store and push a message; answered after the commit. In a database thread.

    Sent again with its key it is stored once and answered alike. Raises `not_found`,
    `closed`, `not_delivered`, `request_quota`, `key_reused`, `bad_request`.
    """
    digest = digest_of(command)
    try:
        with transaction.atomic(durable=True):
            sent = _store(sender, command, digest)
            failpoint("messages.before_commit")
        return sent
    except (IntegrityError, CommandError):
        # The key may have won before, perhaps on another connection while we waited
        # for the row: our increment has rolled back, and its message is the answer.
        if (answer := _replay(sender, command.key, digest)) is None:
            raise
        return answer


def _replay(sender: int, key: str, digest: bytes) -> Sent | None:
    """What this key was answered."""
    found = Message.objects.filter(sender=sender, key=key).first()
    if found is None:
        return None
    if found.digest and bytes(found.digest) != digest:
        raise KEY_REUSED(method="message.send")
    return _sent(found)


def _sent(message: Message) -> Sent:
    return Sent(seq=message.seq, rev=message.rev, at=epoch_ms(message.created_at))


def _store(sender: int, command: SendMessage, digest: bytes) -> Sent:
    if not Conversation.objects.filter(pk=command.conversation, closed_at=None).update(
        head_seq=F("head_seq") + 1,
        head_rev=F("head_rev") + 1,
        last_at=Now(),
        changed_at=Now(),
    ):
        raise _closed_or_not_found(sender, command.conversation)
    # Read under the lock.
    mine, peers = Member.objects.towards(sender).parties(
        sender, command.conversation, Member.WRITES
    )
    head = mine.conversation
    for peer in peers:
        _check_delivery(peer, head)
    if command.reply_to is not None:
        _check_reply(command.reply_to, mine, head)
    message = Message.objects.create(
        conversation=head,
        seq=head.head_seq,
        rev=head.head_rev,
        sender_id=sender,
        key=command.key,
        digest=digest,
        kind=command.kind,
        text=command.text,
        reply_to=command.reply_to,
    )
    mine.wrote(message.seq)
    _announce(message, mine, peers)
    return _sent(message)


def _closed_or_not_found(sender: int, conversation: int) -> CommandError:
    mine = Member.objects.readable(sender).filter(conversation=conversation)
    return CLOSED() if mine.exists() else NOT_FOUND()


def _check_delivery(peer: Member, head: Conversation) -> None:
    """Whether the other may be written to; a follow found now lifts their request."""
    if peer.state == Member.State.DECLINED or not (peer.user and peer.user.is_active):
        raise NOT_DELIVERED()
    if peer.state != Member.State.REQUEST:
        return
    most: int = settings.SOUK_CHAT_REQUEST_MESSAGES
    if peer.follows_sender:
        peer.accept()
    elif head.head_seq > most:
        # All messages so far are the sender's: an answer would have lifted it.
        raise REQUEST_QUOTA(max=most)


def _check_reply(seq: int, mine: Member, head: Conversation) -> None:
    if not (visible(seq, mine.base) and seq < head.head_seq):
        raise BAD_REQUEST(path="$.reply_to", why="no such message")


def _announce(message: Message, mine: Member, peers: list[Member]) -> None:
    # Before the push is handed over: a crash here is what the outbox sweep heals.
    transaction.on_commit(lambda: failpoint("messages.after_commit"))
    asked = [peer for peer in peers if peer.state == Member.State.REQUEST]
    told = [mine, *(peer for peer in peers if peer.state == Member.State.ACTIVE)]
    publish_on_commit(
        [f"#{member.user_id}" for member in told],
        MessageSent(
            conversation=message.conversation_id,
            rev=message.rev,
            seq=message.seq,
            message=MessageView.of(message),
        ),
    )
    if asked and message.seq == 1:
        publish_on_commit(
            [f"#{member.user_id}" for member in asked],
            ConversationRequested(
                conversation=message.conversation_id,
                user=message.sender_id,
                name=str(mine.user),
            ),
        )
