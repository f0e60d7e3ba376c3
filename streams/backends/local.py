"""Our own media processes, asked over the store."""

from streams.backends import Opening
from streams.calls import Close, Patch, Play, Publish, Stats, Stop, caller, tell
from streams.media.contract import Answer, Fragment, StreamStats


class LocalBackend:
    """See `MediaBackend`."""

    async def publish(self, opening: Opening, sdp_offer: str, via: str) -> Answer:
        do = Publish(
            ingest=opening.ingest,
            stream=opening.stream,
            generation=opening.generation,
            codec=opening.codec,
            max_kbps=opening.max_kbps,
            via=via,
            sdp_offer=sdp_offer,
        )
        answer: Answer = await caller().ask(opening.node, do, Answer)
        return answer

    async def play(
        self, node: str, session: str, stream: int, user: int | None, sdp: str, via: str
    ) -> Answer:
        do = Play(session, stream, user, via, sdp)
        answer: Answer = await caller().ask(node, do, Answer)
        return answer

    async def patch(
        self, node: str, session: str, if_match: str | None, fragment: str
    ) -> Fragment | None:
        do = Patch(session, if_match, fragment)
        answer: Fragment | None = await caller().ask(node, do, Fragment | None)
        return answer

    async def close(self, node: str, session: str, reason: str) -> bool:
        closed: bool = await caller().ask(node, Close(session, reason), bool)
        return closed

    async def hang_up(self, node: str, session: str, reason: str) -> None:
        await tell(node, Close(session, reason))

    async def stop(self, node: str, stream: int, reason: str) -> None:
        await tell(node, Stop(stream, reason))

    async def stats(self, node: str, stream: int) -> StreamStats:
        stats: StreamStats = await caller().ask(node, Stats(stream), StreamStats)
        return stats
