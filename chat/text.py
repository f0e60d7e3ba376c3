"""What may be written: lengths and characters, as types of the commands. Pure."""

from typing import Annotated

from msgspec import Meta

LINE = r"^(?=\s*\S)[^\x00-\x1f\x7f-\x9f]+$(?![\s\S])"
"""Not blank, no control characters. Read once, from left to right."""

LINES = r"^(?=\s*\S)[^\x00-\x08\x0b-\x1f\x7f-\x9f]+$(?![\s\S])"
"""The same, with line feeds and tabs."""

CommentText = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
MessageText = Annotated[str, Meta(min_length=1, max_length=4000, pattern=LINES)]
