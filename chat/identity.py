"""The names of comments: made from who sent them and their key, by no counter.

A retry, another process, an emptied store give the same id; viewers drop repeats by it
and the primary key drops them in SQL. Pure.
"""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from uuid import UUID

FRESH_MS = 5 * 60_000


def comment_id(author: int, key: str) -> str:
    """BLAKE2b-96 of author and key, base64url: 16 characters."""
    made = blake2b(f"{author}:{key}".encode(), digest_size=12)
    return urlsafe_b64encode(made.digest()).decode()


def is_fresh(key: str, now_ms: int) -> bool:
    """Whether a key was made within five minutes of now (RFC 9562 §5.7, UUIDv7).

    The store remembers answers for longer than that, so a fresh key needs no look into
    SQL; any other key may be older than what the store remembers.
    """
    try:
        made = UUID(key)
    except ValueError:
        return False
    return made.version == 7 and abs((made.int >> 80) - now_ms) <= FRESH_MS
