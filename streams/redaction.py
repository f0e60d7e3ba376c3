"""Keeps secrets in addresses out of logs: keys for encoders, session names.

Django logs the path of every refused request.
"""

import logging
import re

_SECRETS = re.compile(r"(/whi?e?p/[^/\s]+/)[^/\s?'\"]+")


def redacted(text: str) -> str:
    """`/whip/7/secret` and `/whip/session/secret` without their last part."""
    return _SECRETS.sub(r"\1…", text)


class Redact(logging.Filter):
    """Cuts a record's message and arguments; lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        cut = redacted(message)
        if cut != message:
            record.msg, record.args = cut, ()
        return True
