"""The one formula, against a member who reads a thread message by message."""

from hypothesis import given
from hypothesis import strategies as st

from chat.unread import base, mentioned, unread, visible

seqs = st.integers(0, 30)


@given(head=seqs, joined=seqs, cleared=seqs, read=seqs)
def test_unread_is_what_one_would_count(
    head: int, joined: int, cleared: int, read: int
) -> None:
    start = base(joined, cleared)
    shown = [seq for seq in range(1, head + 1) if seq > joined and seq > cleared]
    assert [seq for seq in range(1, head + 1) if visible(seq, start)] == shown
    assert unread(head, start, read) == sum(seq > read for seq in shown)


@given(named=seqs, everybody=seqs, read=seqs)
def test_a_mention_waits_until_its_message_is_read(
    named: int, everybody: int, read: int
) -> None:
    assert mentioned(named, everybody, read) == any(
        seq > read for seq in (named, everybody)
    )
