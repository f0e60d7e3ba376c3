"""The channels of a stream, what a joiner is told, and the sweeper."""

from realtime import CommandRouter, Connection, Keep, Lane, Namespace, db
from streams import events
from streams.actions import views
from streams.commands.streams import DealsData
from streams.roles import may_moderate, may_watch
from streams.sweeper import sweep

router = CommandRouter()
router.namespace(
    Namespace(
        "deals",
        lane=Lane.RELIABLE,
        keep=Keep(500, seconds=3600),
        counted=True,
        authorize=may_watch,
    )
)
router.namespace(
    Namespace(
        "state",
        lane=Lane.LATEST,
        keep=Keep(1024, seconds=24 * 3600),
        authorize=may_watch,
    )
)
router.namespace(
    Namespace(
        "staff",
        lane=Lane.RELIABLE,
        keep=Keep(200, seconds=900),
        authorize=may_moderate,
    )
)
router.tells(
    "deals",
    events.StreamStarted,
    events.StreamInterrupted,
    events.StreamRecovered,
    events.StreamEnded,
    events.StreamUpdated,
)
router.tells("state", events.Viewers)
router.tells(
    "staff",
    events.StreamPreviewed,
    events.IngestOpened,
    events.IngestClosed,
    events.StreamHealth,
)
router.runs(sweep)


@router.on_subscribe("deals")
async def stream_of(connection: Connection, address: str) -> DealsData:
    """The room as it is now."""
    view = await db(views.at_subscribe, connection.viewer, int(address))
    return DealsData(stream=view)
