"""Whatever happens to the pushes, a device that catches up equals a fresh one."""

from collections import deque
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from chat.actions.cursors import mark
from chat.actions.syncing import heads
from chat.commands.conversations import MarkConversation
from chat.models import Member
from realtime import CommandError
from realtime.models import OutboxEvent
from tests.chat.device import Device
from tests.chat.world import a_conversation, a_user, opened, pushes, say

numbers = count(1)
acts = st.lists(
    st.tuples(
        st.sampled_from(["say", "say", "read", "get"]),
        st.integers(0, 1),
        st.integers(0, 12),
    ),
    min_size=1,
    max_size=20,
)


class Wire:
    """Pushes on their way to a user's device: dropped, doubled and shuffled."""

    def __init__(self, user: User, device: Device, chance: Random) -> None:
        self.user, self.device, self.chance = user, device, chance
        self.known = len(pushes(user))
        self.flying: deque[dict[str, Any]] = deque()

    def carry(self) -> None:
        fresh = pushes(self.user)
        for push in fresh[self.known :]:
            self.flying.extend([push] * self.chance.choice((0, 1, 1, 1, 1, 1, 2, 3)))
        self.known = len(fresh)
        self.chance.shuffle(self.flying)
        for _ in range(self.chance.randint(0, len(self.flying))):
            self.device.hear(self.flying.popleft())


def act(what: str, user: User, talk: int, seq: int) -> None:
    if what == "say":
        try:
            say(user, talk, f"{user} {next(numbers)}")
        except CommandError as refusal:
            assert refusal.name == "request_quota"
    elif what == "read":
        mark(user.pk, MarkConversation(conversation=talk, read_seq=seq))
    else:
        mark(user.pk, MarkConversation(conversation=talk, delivered_seq=seq))


@pytest.mark.django_db
# Each example makes people of its own, so the shared database does no harm.
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    story=acts,
    seed=st.integers(0, 2**32),
    private=st.booleans(),
    stranger=st.booleans(),
    page=st.integers(1, 4),
)
def test_a_device_that_catches_up_equals_a_fresh_one(
    story: list[tuple[str, int, int]],
    seed: int,
    private: bool,
    stranger: bool,
    page: int,
) -> None:
    OutboxEvent.objects.all().delete()
    number = next(numbers)
    ann = a_user(f"ann{number}")
    ben = a_user(f"ben{number}", private_read=private)
    talk = opened(ann, ben) if stranger else a_conversation(ann, ben)
    chance = Random(seed)
    wires = [Wire(user, Device(user.pk, page), chance) for user in (ann, ben, ben)]
    for what, who, seq in story:
        act(what, (ann, ben)[who], talk, seq)
        for wire in wires:
            wire.carry()
    for wire in wires:
        wire.device.catch_up(talk)
        fresh = Device(wire.user.pk)
        fresh.catch_up(talk)
        assert wire.device.seen(talk) == fresh.seen(talk)
        if Member.objects.get(user=wire.user).state == Member.State.ACTIVE:
            assert fresh.seen(talk)["unread"] == heads(wire.user.pk).total_unread


@pytest.mark.django_db
def test_a_push_that_leaves_a_hole_is_a_question_not_an_answer() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    device = Device(ben.pk)
    for n in range(5):
        say(ann, talk, f"{n}")
    device.hear(pushes(ben)[0])
    assert [one.text for one in device.seen(talk)["messages"]] == ["0"]
    device.hear(pushes(ben)[4])
    assert [one.text for one in device.seen(talk)["messages"]] == list("01234")


@pytest.mark.django_db
def test_a_day_off_is_one_catch_up() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    phone = Device(ben.pk)
    phone.catch_up(talk)
    for n in range(450):
        say(ann, talk, f"{n}")
    phone.catch_up(talk)
    texts = [one.text for one in phone.seen(talk)["messages"]]
    assert texts == [f"{n}" for n in range(450)]
    assert phone.seen(talk)["unread"] == 450
