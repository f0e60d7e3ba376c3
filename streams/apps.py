"""Django's description of the room."""

from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "streams"

    def ready(self) -> None:
        from streams import checks  # noqa: F401 - registers them
