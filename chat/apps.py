"""Django's description of the room."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
