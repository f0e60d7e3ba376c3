"""What a member has not read, and what they may see: one formula, everywhere.

`MemberQuerySet.with_unread` says it in SQL and the inbox page in TypeScript; tests hold
the three together. Pure.
"""


def base(join_seq: int, cleared_seq: int) -> int:
    """The last seq a member does not see: they joined, or cleared, after it."""
    return max(join_seq, cleared_seq)


def unread(head_seq: int, base: int, read_seq: int) -> int:
    """How many messages wait; never negative."""
    return max(0, head_seq - max(base, read_seq))


def visible(seq: int, base: int) -> bool:
    """Whether a member sees the message with this seq."""
    return seq > base


def mentioned(mention_seq: int, mention_all_seq: int, read_seq: int) -> bool:
    """Whether a message not yet read names the member, or everybody."""
    return max(mention_seq, mention_all_seq) > read_seq
