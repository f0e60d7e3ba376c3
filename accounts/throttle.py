"""Sign-in is slowed per account and address, sign-up per address, by buckets in the
store. Each try costs a password's hash.
"""

import hashlib

from asgiref.sync import async_to_sync

from realtime import Rate, take

ACCOUNT = Rate(per_second=5 / 60, burst=5)
ADDRESS = Rate(per_second=20 / 60, burst=20)
NEWCOMERS = Rate(per_second=10 / 60, burst=20)


def may_try(username: str, address: str) -> bool:
    """Whether one more password may be tried; counts as the try.

    The name is hashed, as it may be a password typed into the wrong field.
    """
    name = hashlib.sha256(username.casefold().encode()).hexdigest()[:16]
    waits = [
        async_to_sync(take)(address, "signin", ADDRESS),
        async_to_sync(take)(name, "signin", ACCOUNT),
    ]
    return not any(waits)


def may_sign_up(address: str) -> bool:
    """Whether one more account may be made from here; counts as the try."""
    return not async_to_sync(take)(address, "signup", NEWCOMERS)
