"""The one dictionary of the pages, English and Chinese, shared with the client.

`words.json` maps a key to its two texts; `{name}` in a text is filled in.
"""

import json
from pathlib import Path

from web.language import tag

WORDS: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("words.json").read_text(encoding="utf-8")
)


def say(key: str, **facts: object) -> str:
    """The text of `key` in the language being spoken. KeyError for an unknown key."""
    english, chinese = WORDS[key]
    return (chinese if tag() == "zh-Hans" else english).format(**facts)
