"""The house with as many rooms as chat needs."""

from chat.handlers import router as chat
from realtime import CommandRouter, Keep, Lane, Namespace

router = CommandRouter().include(chat)
router.namespace(Namespace("deals", lane=Lane.RELIABLE, keep=Keep(500, seconds=3600)))
router.namespace(Namespace("state", lane=Lane.LATEST, keep=Keep(0, seconds=3600)))
