"""Django's description of the room."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
