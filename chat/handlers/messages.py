"""`message.*`"""

from chat.actions import messages
from chat.commands.messages import SendMessage, Sent
from realtime import CommandRouter, Connection, Rate

router = CommandRouter()


@router.handles(rate=Rate(5, burst=20))
def send_message(connection: Connection, command: SendMessage) -> Sent:
    return messages.send_message(connection.user, command)
