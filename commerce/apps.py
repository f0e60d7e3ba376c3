"""Django's description of the room."""

from django.apps import AppConfig


class CommerceConfig(AppConfig):
    name = "commerce"
