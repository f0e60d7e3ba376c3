"""`like.send`"""

from chat.actions.likes import like_counter
from chat.commands.likes import Liked, SendLikes
from realtime import CommandRouter, Connection

router = CommandRouter()


@router.handles()
async def send_likes(connection: Connection, command: SendLikes) -> Liked:
    return await like_counter().like(connection, command)


@router.runs
async def count_likes() -> None:
    await like_counter().run()


@router.on_drain
async def save_likes() -> None:
    await like_counter().add()
    await like_counter().save()
