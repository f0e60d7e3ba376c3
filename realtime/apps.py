"""Django's description of the room."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
