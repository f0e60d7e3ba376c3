"""The ASGI application: Django for HTTP, `LiveConsumer` for the socket."""

import os

import django
from channels.routing import ProtocolTypeRouter
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from realtime.consumers import LiveConsumer  # noqa: E402 - needs the setup

application = ProtocolTypeRouter(
    {"http": ASGIHandler(), "websocket": LiveConsumer.as_asgi()}
)
