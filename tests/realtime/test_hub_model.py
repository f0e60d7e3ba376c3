"""The hub by a random walk: no loss, no repeat, no going back, whatever the order.

What was published is a log a channel; every guest's diary is held against it (R1–R4),
and nothing stands in it of a channel the guest was not on (R9). Some guests are behind
real sockets, small ones: they pause, fall behind, are cut off, and leave their
descriptors to others. Slices are of two, so that all of it happens within a pass, and
the clock is the walk's own, so that every run can be run again.

Runs are 1,000, with SOAK=1 10,000. `python -m tests.soak.mutants` shows what they find.
"""

import os
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from realtime.backlog import RELIABLE_BYTES, SAMPLED_BYTES
from realtime.channel import FRAME_BYTES
from realtime.controller import Setting
from realtime.healing import check, mend
from realtime.hub import Hub
from realtime.recovery import Position, Recovered
from tests.realtime.guests import (
    COMMENTS,
    DEALS,
    STATE,
    Clock,
    Guest,
    Log,
    newest,
)
from tests.realtime.viewers import Reader, Viewer, turns
from tests.realtime.world import Store, namespace_of

RUNS = 10_000 if os.environ.get("SOAK") else 1_000
NAMES = st.sampled_from([DEALS, DEALS, STATE, COMMENTS])
SOME = st.sampled_from([(DEALS,), (DEALS, STATE), (COMMENTS, STATE, DEALS)])
SIZES = st.sampled_from([0, 1500, 30_000])
SINCE = st.integers(0, 4)
GUESTS = 6
BUSY = Setting(tick_ms=50, budget=20.0)
HELD_BYTES = RELIABLE_BYTES + SAMPLED_BYTES + FRAME_BYTES + 8 * 1024


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = Clock()
        self.store = Store()
        self.guests: list[Guest] = []
        self.gone: list[Position] = []
        self.log = Log()
        self.holed: set[str] = set()
        """Channels of which a message was lost and its hole not found yet."""
        self.n = 0
        self.hub = self.run(self.begin())

    async def begin(self) -> Hub:
        hub = Hub(self.store, namespace_of, slice_size=2, calm=BUSY)
        self.store.receive = hub.receive
        return hub

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            for guest in self.guests:
                self.run(self.close(guest))
            self.run(self.stop())
            self.loop.close()

    async def stop(self) -> None:
        self.hub.close()
        await turns()

    # The store

    @rule(count=st.integers(1, 4), size=SIZES)
    def publish(self, count: int, size: int) -> None:
        for _ in range(count):
            self.n += 1
            at = self.store.publish(DEALS, self.n, "x" * size)
            self.log.deals[self.n] = at
            self.log.last_of[at.epoch] = at.offset

    @rule(count=st.integers(1, 9), size=SIZES)
    def comment(self, count: int, size: int) -> None:
        for _ in range(count):
            self.n += 1
            exempt = self.n % 7 == 0
            at = self.store.publish(COMMENTS, self.n, "x" * size, exempt=exempt)
            self.log.comments.append(at)

    @rule(key=st.sampled_from("ab"))
    def set_value(self, key: str) -> None:
        self.n += 1
        self.store.set(STATE, key, {"version": self.n})

    @rule(count=st.integers(1, 4), size=SIZES)
    def tell(self, count: int, size: int) -> None:
        self.publish(count, size)
        self.comment(2 * count, size)
        self.set_value("a")
        self.run(self.hand_over(10_000, 3 * count))

    @rule(count=st.integers(1, 5), turns_=st.integers(0, 4))
    def deliver(self, count: int, turns_: int) -> None:
        self.run(self.hand_over(count, turns_))

    async def hand_over(self, count: int, turns_: int = 0) -> None:
        self.store.deliver(count)
        await turns(turns_)

    @precondition(lambda self: self.store.bus)
    @rule()
    def drop_a_message(self) -> None:
        """Not a value, nor the end of an epoch: nobody could know of either."""
        name, publication = self.store.bus[0]
        if publication.epoch == self.store.position(name).epoch:
            self.holed.add(name)
            self.store.drop()

    @rule(name=st.sampled_from([DEALS, COMMENTS]))
    def flush_on_a_whole_link(self, name: str) -> None:
        if name not in self.holed:
            self.store.flush(name)

    @rule(count=st.integers(1, 3))
    def flush_while_a_hole_is_open(self, count: int) -> None:
        self.run(self.hand_over(10_000))
        self.publish(3, 0)
        if self.store.bus:
            self.drop_a_message()
        self.store.flush(DEALS)
        self.publish(1, 0)
        self.run(self.hand_over(count, 8))

    @rule(how=st.sampled_from(["", "flush", "fail over"]), after=st.integers(0, 2))
    def lose_the_link_and_find_it(self, how: str, after: int) -> None:
        self.store.cut()
        self.publish(2, 0)
        if how == "flush":
            self.store.flush(DEALS)
            self.publish(1, 0)
        elif how == "fail over":
            self.store.fail_over(DEALS, 3)
        self.store.is_cut = False
        self.hub.hold()
        if how != "fail over":
            self.publish(after, 0)
        for _ in range(after):
            self.set_value("a")
        self.run(self.hand_over(after))
        self.run(mend(self.hub, self.store))
        for _ in range(2 * after):
            self.run(self.hand_over(1, 4))
            self.wait(0.05)
        self.holed.clear()
        at = self.store.position(DEALS)
        self.log.last_of[at.epoch] = at.offset

    @rule(count=st.integers(0, 3))
    def let_the_bus_overtake_answers(self, count: int) -> None:
        self.store.meanwhile = count

    @rule()
    def compare_positions(self) -> None:
        self.run(check(self.hub, self.store))
        self.holed.clear()
        self.run(self.hand_over(10_000))  # before the next time, half a minute later

    @rule(seconds=st.sampled_from([0.05, 1, 30]))
    def wait(self, seconds: float) -> None:
        self.loop.now += seconds
        self.run(turns(8))

    # The guests

    @precondition(lambda self: len(self.guests) < GUESTS)
    @rule(names=SOME, socket=st.booleans(), since=SINCE, late=st.integers(0, 3))
    def come(self, names: tuple[str, ...], socket: bool, since: int, late: int) -> None:
        self.guests.append(Guest((Reader if socket else Viewer)(self.hub)))
        for name in names:
            self.run(self.join(self.guests[-1], name, since, late))

    @precondition(lambda self: self.guests)
    @rule(who=st.integers(0, GUESTS), name=NAMES, since=SINCE, late=st.integers(0, 3))
    def move(self, who: int, name: str, since: int, late: int) -> None:
        guest = self.guests[who % len(self.guests)]
        if name in guest.on:
            self.run(self.leave(guest, name))
        else:
            self.run(self.join(guest, name, since, late))

    async def join(self, guest: Guest, name: str, since: int, late: int) -> None:
        """From nowhere, from where somebody left, or ahead of what was told here.

        In the turn of the loop that brought the last `late` messages of the bus.
        """
        known: Position | None = None
        if name == DEALS:
            places = [None, self.store.position(DEALS), *self.gone[-2:], *self.gone[:1]]
            known = places[since % len(places)]
        self.store.deliver(late)
        guest.on.add(name)
        start = await guest.viewer.join(name, known)
        if name == DEALS:
            recovered = isinstance(start.recovered, Recovered)
            guest.deals = known if known and recovered else start.position
        elif name == STATE:
            guest.state.clear()
        else:
            guest.comments = self.log.comments_until(start.position)

    @precondition(lambda self: self.readers())
    @rule(who=st.integers(0, GUESTS), partly=st.booleans())
    def read(self, who: int, partly: bool) -> None:
        reader = self.readers()[who % len(self.readers())]
        self.run(self.take(reader, partly))

    async def take(self, reader: Reader, partly: bool) -> None:
        reader.take() if partly else reader.read()

    def readers(self) -> list[Reader]:
        viewers = [guest.viewer for guest in self.guests]
        return [viewer for viewer in viewers if isinstance(viewer, Reader)]

    @precondition(lambda self: self.guests)
    @rule(who=st.integers(0, GUESTS), cut_off=st.booleans())
    def go(self, who: int, cut_off: bool) -> None:
        guest = self.guests.pop(who % len(self.guests))
        self.run(self.end(guest, cut_off))

    @rule(cut_off=st.booleans())
    def kill_the_process(self, cut_off: bool) -> None:
        for guest in self.guests:
            self.run(self.end(guest, cut_off))
        self.guests.clear()
        self.run(self.stop())
        self.store.restart()
        self.hub = self.run(self.begin())

    async def end(self, guest: Guest, cut_off: bool) -> None:
        """What a client that leaves was sent arrives; not so if its line is cut."""
        if not cut_off:
            for name in list(guest.on):
                await self.leave(guest, name)
        elif DEALS in guest.on:
            self.gone.append(guest.deals)
        await self.close(guest)

    async def leave(self, guest: Guest, name: str) -> None:
        viewer = guest.viewer
        if isinstance(viewer, Reader):
            viewer.take()
        frames = viewer.frames_of[name]
        self.hub.leave(viewer, name)
        if name in viewer.names:
            viewer.names.remove(name)
        if isinstance(viewer, Reader):
            viewer.read()
        # Of what waited only the frame that was cut may come.
        assert viewer.frames_of[name] <= frames + 1
        guest.look(self.log)
        guest.on.discard(name)
        if name == DEALS:
            self.gone.append(guest.deals)

    async def close(self, guest: Guest) -> None:
        guest.viewer.leave()
        if isinstance(guest.viewer, Reader):
            guest.viewer.end()

    # What must be so

    @invariant()
    def nobody_misses_or_is_told_twice(self) -> None:
        for guest in list(self.guests):
            guest.look(self.log)
            for name in guest.viewer.sent_away:
                self.run(self.leave(guest, name))
            guest.viewer.sent_away.clear()
            if guest.viewer.is_slow:
                self.guests.remove(guest)
                self.run(self.end(guest, cut_off=False))
            assert guest.viewer.backlog.size <= HELD_BYTES

    def come_to_rest(self) -> None:
        """Everything arrives: whoever still listens knows what the store knows."""
        self.publish(1, 0)
        self.comment(1, 0)
        for _ in range(3):  # one finds the holes, two fill what waits
            self.run(self.hand_over(10_000, 100))
            self.loop.now += 1
            self.run(turns(100))
        for reader in self.readers():
            self.run(self.take(reader, partly=False))
        self.nobody_misses_or_is_told_twice()
        for guest in self.guests:
            if DEALS in guest.on:
                assert guest.deals == self.store.position(DEALS)
            if COMMENTS in guest.on:
                assert guest.comments == len(self.log.comments)
            if STATE in guest.on:
                held = self.store.values.get(STATE, {})
                assert guest.state == {k: newest(v) for k, v in held.items()}


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=RUNS,
    stateful_step_count=30,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
