"""Each invariant, broken by hand, is named by the audit; and the audit's exits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from chat.audit import findings
from chat.models import Comment, Conversation, LiveRoom, Member, Message
from chat.models import ModerationAction as Action
from tests.chat.shows import a_stream
from tests.chat.world import a_conversation, a_user, say


@pytest.fixture
def whole() -> int:
    """A house in which everything holds."""
    ann, ben, show = a_user("ann"), a_user("ben"), a_stream()
    talk = a_conversation(ann, ben)
    for _ in range(3):
        say(ann, talk)
    for id in ("pinned__________", "removed_________"):
        Comment.objects.create(
            id=id, stream=show, author=ann, at="2026-01-01T00:00Z", text="hi"
        )
    LiveRoom.objects.create(stream=show, pinned=["pinned__________"])
    Action.objects.create(verb="pin", stream=show, target_id="pinned__________")
    Action.objects.create(verb="remove", stream=show, target_id="removed_________")
    Comment.objects.filter(pk="removed_________").update(removed_at="2026-01-01T00:00Z")
    return talk


def audited() -> tuple[int, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("audit_chat", stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue() + err.getvalue()
    return 0, out.getvalue()


def lose_a_message() -> None:
    Message.objects.filter(seq=2).delete()


def lose_the_first() -> None:
    Message.objects.filter(seq=1).update(seq=7)


def run_ahead() -> None:
    Conversation.objects.update(head_seq=4, head_rev=4)


def change_beyond_the_head() -> None:
    Message.objects.filter(seq=3).update(rev=9)


def read_beyond_the_head() -> None:
    Member.objects.update(read_seq=9, delivered_seq=9)


def remove_silently() -> None:
    Comment.objects.filter(removed_at=None).update(removed_at="2026-01-01T00:00Z")
    LiveRoom.objects.update(pinned=[])


def bring_back() -> None:
    Comment.objects.update(removed_at=None)


def remove_twice() -> None:
    act = Action.objects.get(verb="remove")
    Action.objects.create(verb="remove", stream=act.stream, target_id=act.target_id)


def pin_silently() -> None:
    show = LiveRoom.objects.get().stream
    Comment.objects.create(
        id="other___________", stream=show, author=show.host, at="2026-01-01T00:00Z"
    )
    LiveRoom.objects.update(pinned=["pinned__________", "other___________"])


def pin_the_removed() -> None:
    LiveRoom.objects.update(pinned=["removed_________"])


def pin_too_many() -> None:
    LiveRoom.objects.update(pinned=["pinned__________"] * 2)


def send_one_key_thrice() -> None:
    Message.objects.update(key="k")


def read_before_delivery() -> None:
    Member.objects.update(read_seq=1, delivered_seq=0)


@pytest.mark.django_db
@pytest.mark.broken_on_purpose
@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        (lose_a_message, "C1"),
        (lose_the_first, "C1"),
        (run_ahead, "C1"),
        (change_beyond_the_head, "C1"),
        (read_beyond_the_head, "C4"),
        (remove_silently, "C9"),
        (bring_back, "C9"),
        (remove_twice, "C9"),
        (pin_silently, "C9"),
        (pin_the_removed, "C9"),
        (pin_too_many, "C9"),
    ],
)
def test_what_is_broken_is_named(harm: Callable[[], None], rule: str) -> None:
    assert list(findings()) == []
    assert audited() == (0, "")
    harm()
    assert {finding.rule for finding in findings()} == {rule}
    code, text = audited()
    assert code == 1
    assert text.startswith(rule)


@pytest.mark.django_db(transaction=True)
@pytest.mark.broken_on_purpose
@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    ("model", "constraint", "harm", "rule"),
    [
        (
            Message,
            "one_message_a_key",
            lambda: Message.objects.update(
                key="k", sender=Message.objects.order_by("pk")[0].sender
            ),
            "C2",
        ),
        (
            Member,
            "public_read_read_delivered",
            read_before_delivery,
            "C4",
        ),
    ],
)
def test_what_a_constraint_should_have_stopped_is_named_too(
    model: type[Message | Member],
    constraint: str,
    harm: Callable[[], None],
    rule: str,
) -> None:
    with without(model, constraint):
        harm()
        assert {finding.rule for finding in findings()} == {rule}
        Message.objects.all().delete()
        Member.objects.all().delete()


@contextmanager
def without(model: type[Message | Member], name: str) -> Iterator[None]:
    """Take a constraint away; SQLite makes the table anew from what `_meta` says."""
    (lost,) = [one for one in model._meta.constraints if one.name == name]
    whole = model._meta.constraints
    model._meta.constraints = [one for one in whole if one is not lost]
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, lost)
    try:
        yield
    finally:
        model._meta.constraints = whole
        with connection.schema_editor() as editor:
            editor.add_constraint(model, lost)


@pytest.mark.django_db
@pytest.mark.broken_on_purpose
def test_what_cannot_be_checked_is_said() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chat_member RENAME TO chat_lost")
    code, text = audited()
    assert code == 2
    assert "not checked" in text
