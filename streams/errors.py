"""The room's own refusals, 440–447."""

from realtime.exceptions import error_code

STREAM_STATE = error_code(440, "stream_state")
"""`{state, version}`: not in this state."""
NO_MEDIA = error_code(442, "no_media")
"""`{why}`: `none` is publishing, or it is `silent`."""
NOT_LIVE = error_code(443, "not_live", temporary=True)
"""`{state}`: there is nothing to watch now."""
MEDIA_UNAVAILABLE = error_code(444, "media_unavailable", temporary=True)
"""`{retry_after_ms}`: no media process answers."""
PUBLISH_BANNED = error_code(445, "publish_banned")
"""`{until}`: epoch ms, or null for good."""
TOO_MANY = error_code(447, "too_many")
"""`{max}`."""
