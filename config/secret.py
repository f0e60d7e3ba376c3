"""The signing key: given, or made at first run and kept in a file only we can read."""

import os
import secrets
from pathlib import Path


def secret_key(given: str | None, data: Path) -> str:
    """The key that signs sessions and tokens; config.E001 wants ≥ 50 characters."""
    if given is not None:
        return given
    path = data / "secret"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    key = secrets.token_urlsafe(48)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key
