"""The ASGI application: Django for HTTP, `LiveConsumer` for the socket."""

import os

import django
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

application = ASGIHandler()
