"""Django's description of the room."""

from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "streams"
