"""Django's description of the room."""

from importlib import import_module

from django.apps import AppConfig


class CommerceConfig(AppConfig):
    name = "commerce"

    def ready(self) -> None:
        import_module("commerce.checks")
        import_module("commerce.receivers")
