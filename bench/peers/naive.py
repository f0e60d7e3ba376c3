"""The group broadcast of Channels' own tutorial, on stock daphne and channels_redis."""

import os
from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # The layer waits 5 s for messages, which is when redis-py 8 by default
            # gives up reading: an idle room would lose its consumers.
            "CONFIG": {
                "hosts": [
                    {
                        "address": f"unix://{os.environ['BENCH_STORE']}",
                        "socket_timeout": None,
                    }
                ]
            },
        }
    },
)
django.setup()


class Room(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("room", self.channel_name)

    async def comment(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"websocket": Room.as_asgi()})
