"""The hub by a random walk: no loss, no repeat, no going back, whatever the order.

A log a channel says what was published; every viewer's diary is held against it. Some
viewers are behind real sockets, small ones: they fall behind, come back, and leave
their descriptors to others. Slices are of two, so that all of it happens within a pass.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from realtime.controller import Setting
from realtime.healing import check, mend
from realtime.hub import Hub
from realtime.recovery import Position, Recovered
from tests.realtime.world import Reader, Store, Viewer, namespace_of, turns

DEALS, STATE = "deals:1", "state:1"


class Watcher:
    """A viewer of `deals:`, and where it must be by now."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.at = Position(0, "")
        self.checked = 0


SIZES = st.sampled_from([100, 1500])


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = Store()
        self.hub = self.run(self.make())
        self.store.receive = self.hub.receive
        self.watchers: list[Watcher] = []
        self.gone: list[Position] = []
        self.stateful: list[Viewer] = []
        self.log: dict[int, Position] = {}
        self.last_of: dict[str, int] = {}
        self.flushed_unseen = False
        self.n = 0

    async def make(self) -> Hub:
        return Hub(self.store, namespace_of, slice_size=2, calm=Setting(0))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            for reader in self.readers():
                self.run(self.go(reader))
            self.hub.close()
            self.run(turns())
            self.loop.close()

    @rule(count=st.integers(1, 4))
    def publish(self, count: int, size: int = 0) -> None:
        for _ in range(count):
            self.n += 1
            at = self.store.publish(DEALS, self.n, "x" * size)
            self.log[self.n] = at
            self.last_of[at.epoch] = at.offset

    @rule(key=st.sampled_from("ab"))
    def set_value(self, key: str) -> None:
        self.n += 1
        self.store.set(STATE, key, self.n)

    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        self.run(self.hand_over(count))

    async def hand_over(self, count: int) -> None:
        self.store.deliver(count)

    @rule(count=st.integers(1, 4), size=SIZES)
    def tell(self, count: int, size: int) -> None:
        self.publish(count, size)
        self.run(self.hand_over(10_000))
        self.run(turns(2 * count))

    @rule(count=st.integers(1, 4))
    def turn(self, count: int) -> None:
        self.run(turns(count))

    @precondition(lambda self: len(self.watchers) < 6 and not self.store.is_cut)
    @rule(data=st.data())
    def join(self, data: st.DataObject) -> None:
        since: Position | None = data.draw(st.sampled_from([None, *self.gone]))
        watcher = Watcher(data.draw(st.sampled_from([Viewer, Reader]))(self.hub))
        start = self.run(watcher.viewer.join(DEALS, since))
        if isinstance(start.recovered, Recovered):
            assert since is not None
            watcher.at = since
        else:
            watcher.at = start.position
        if data.draw(st.booleans()):
            self.run(watcher.viewer.join(STATE))
            self.stateful.append(watcher.viewer)
        self.watchers.append(watcher)

    @precondition(lambda self: self.readers())
    @rule(data=st.data(), partly=st.booleans())
    def read(self, data: st.DataObject, partly: bool) -> None:
        reader = data.draw(st.sampled_from(self.readers()))
        if partly:
            reader.take()
        else:
            self.run(self.read_all(reader))

    async def read_all(self, reader: Reader) -> None:
        reader.read()

    def readers(self) -> list[Reader]:
        viewers = [w.viewer for w in self.watchers]
        return [viewer for viewer in viewers if isinstance(viewer, Reader)]

    @precondition(lambda self: self.watchers)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        watcher = data.draw(st.sampled_from(self.watchers))
        self.run(self.go(watcher.viewer))
        self.look(watcher)
        self.watchers.remove(watcher)
        self.gone.append(watcher.at)

    async def go(self, viewer: Viewer) -> None:
        """As a client that leaves, then closes its socket: what was sent arrives."""
        viewer.leave()
        if viewer in self.stateful:
            self.stateful.remove(viewer)
        if isinstance(viewer, Reader):
            viewer.read()
            viewer.end()

    @precondition(lambda self: len(self.stateful) < 3 and not self.store.is_cut)
    @rule()
    def join_state(self) -> None:
        viewer = Viewer(self.hub)
        self.run(viewer.join(STATE))
        self.stateful.append(viewer)

    @precondition(lambda self: not self.store.is_cut)
    @rule()
    def flush_on_a_whole_link(self) -> None:
        self.store.flush(DEALS)

    @rule(flushed=st.booleans(), after=st.integers(0, 2))
    def lose_the_link_and_find_it(self, flushed: bool, after: int) -> None:
        self.store.cut()
        self.publish(2)
        if flushed:
            self.store.flush(DEALS)
            self.publish(1)
        self.store.is_cut = False
        self.hub.hold()
        self.publish(after)
        self.run(self.hand_over(after))
        self.run(mend(self.hub, self.store))

    @rule()
    def compare_positions(self) -> None:
        self.run(check(self.hub, self.store))
        self.run(self.hand_over(10_000))  # before the next time, half a minute later

    @invariant()
    def nobody_misses_or_is_told_twice(self) -> None:
        for watcher in self.watchers:
            self.look(watcher)
            if watcher.viewer.sent_away:
                self.run(self.go(watcher.viewer))
        self.watchers = [w for w in self.watchers if not w.viewer.sent_away]

    def look(self, watcher: Watcher) -> None:
        told = watcher.viewer.told
        for offset, n in told[watcher.checked :]:
            at = self.log[n]
            assert offset == at.offset
            if at.epoch == watcher.at.epoch:
                assert offset == watcher.at.offset + 1, told
            else:  # the store began anew while our link was whole
                assert offset == 1, told
                known = self.last_of.get(watcher.at.epoch, 0)
                assert watcher.at.offset == known, told
            watcher.at = at
        watcher.checked = len(told)

    def come_to_rest(self) -> None:
        """Everything arrives: whoever still listens knows what the store knows."""
        self.publish(1)
        self.run(self.hand_over(10_000))
        self.run(turns(100))
        for reader in self.readers():
            self.run(self.read_all(reader))
        self.nobody_misses_or_is_told_twice()
        for watcher in self.watchers:
            assert watcher.at == self.store.position(DEALS)
        held = self.run(self.store.latest(STATE))
        for viewer in self.stateful:
            assert viewer.state.keys() == held.keys()
            for key, value in viewer.state.items():
                assert held[key][-1] == value or value > 127


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
