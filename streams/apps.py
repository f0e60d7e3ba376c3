"""Django's description of the room."""

import logging

from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "streams"

    def ready(self) -> None:
        from streams import checks  # noqa: F401 - registers them
        from streams.redaction import Redact

        logging.getLogger("django.request").addFilter(Redact())
