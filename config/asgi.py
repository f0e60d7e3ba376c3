"""The ASGI application: Django for HTTP, `LiveConsumer` for the socket."""

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from realtime.consumers import LiveConsumer, closed  # noqa: E402 - needs the setup

application = ProtocolTypeRouter(
    {
        "http": ASGIHandler(),
        "websocket": URLRouter(
            [
                path("connection/websocket", LiveConsumer.as_asgi()),
                path("<path:other>", closed),
            ]
        ),
    }
)
