"""Errors as the wire carries them: a code, a name, facts, and whether to try again.

Stock SDKs keep only `code`, `message` and `temporary` of an error, so the facts ride
in the message: the name, a space, JSON. One registry of codes for the whole house: a
clash stops the start. Pure.
"""

from typing import Any

import msgspec


class CommandError(Exception):
    """A command is refused. Made by calling an `ErrorCode`."""

    def __init__(self, code: "ErrorCode", data: dict[str, Any]) -> None:
        super().__init__(code.code, code.name, data)
        self.code = code.code
        self.name = code.name
        self.temporary = code.temporary
        self.data = data

    @property
    def message(self) -> str:
        """`name`, or `name {json}`."""
        if not self.data:
            return self.name
        return f"{self.name} {msgspec.json.encode(self.data).decode()}"


class ErrorCode(msgspec.Struct, frozen=True):
    """One line of the registry; calling it makes the error: `raise SLOW(ms=7)`."""

    code: int
    name: str
    temporary: bool = False

    def __call__(self, **data: Any) -> CommandError:
        return CommandError(self, data)


REGISTRY: dict[int, ErrorCode] = {}


def error_code(code: int, name: str, *, temporary: bool = False) -> ErrorCode:
    """Register a code. A room takes its own from 400–1999, at import.

    Raises ValueError when the code or the name is taken.
    """
    made = ErrorCode(code, name, temporary)
    for known in REGISTRY.values():
        if known != made and (known.code == code or known.name == name):
            raise ValueError(f"error code {code} {name} clashes with {known}")
    REGISTRY[code] = made
    return made


INTERNAL = error_code(100, "internal", temporary=True)
UNAUTHORIZED = error_code(101, "unauthorized")
UNKNOWN_CHANNEL = error_code(102, "unknown_channel")
PERMISSION_DENIED = error_code(103, "permission_denied")
METHOD_NOT_FOUND = error_code(104, "method_not_found")
ALREADY_SUBSCRIBED = error_code(105, "already_subscribed")
LIMIT_EXCEEDED = error_code(106, "limit_exceeded")
BAD_REQUEST = error_code(107, "bad_request")
UNAVAILABLE = error_code(108, "unavailable", temporary=True)
TOKEN_EXPIRED = error_code(109, "token_expired")
EXPIRED = error_code(110, "expired")
TOO_MANY_REQUESTS = error_code(111, "too_many_requests", temporary=True)
UNRECOVERABLE_POSITION = error_code(112, "unrecoverable_position")

NOT_FOUND = error_code(404, "not_found")
CONFLICT = error_code(409, "conflict")
IN_PROGRESS = error_code(425, "in_progress", temporary=True)
TEXT_REFUSED = error_code(451, "text_refused")
KEY_REUSED = error_code(470, "key_reused")
BUSY = error_code(483, "busy", temporary=True)
