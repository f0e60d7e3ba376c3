"""Django's description of the room."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"
