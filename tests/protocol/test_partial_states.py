"""Parts of states for a client that is short: what it has is known exactly, and nothing waits for ever."""

import math
import random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pygase._protocol.partial_states import PartialStates
from pygase._protocol.record import PeerRecord
from pygase._protocol.snapshot_receiver import SnapshotReceiver
from pygase._protocol.snapshot_sender import SnapshotSender
from pygase._protocol.snapshots import SnapshotRing
from pygase._state.precision import Precision
from pygase._state.priorities import Priorities
from pygase._state.tree import Tree
from tests.support.packed_trees import changed
from tests.support.trees import exact

PRECISION = Precision.parse({"ents.*.x": 0.01, "ents.*.y": 0.01})


class Short:
    """A ring, and one client for which a state has a bounded number of bytes.

    :ivar sent: the states as they were sent, by tick.
    :ivar lag: ticks from a state to its acknowledgement. ``loss`` is of states and acknowledgements.
    """

    def __init__(self, patterns: dict[str, float], *, lag: int = 1, loss: float = 0.0, seed: int = 0) -> None:
        self.ring = SnapshotRing(256)
        self.ring.packing.places = PRECISION.root
        self.sender = SnapshotSender(PeerRecord(), self.ring)
        self.sender.parts = PartialStates(Priorities.parse(patterns), 1, self.ring)
        self.receiver = SnapshotReceiver(1 << 20)
        self.receiver.places = PRECISION.root
        self.rng = random.Random(seed)
        self.lag, self.loss = lag, loss
        self.tick = 0
        self.sizes: list[int] = []
        self.sent: dict[int, Tree] = {}
        self.received: dict[int, Tree] = {}
        self._acks: list[tuple[int, int]] = []

    def step(self, tree: Tree, room: float) -> None:
        """Push a state, send what fits, and take in the acknowledgements that are due."""
        self.tick += 1
        self.ring.push(self.tick, tree, self.tick / 20, 0.05)
        while self._acks and self._acks[0][0] <= self.tick:
            acked = self._acks.pop(0)[1]
            if acked != self.sender.record.baseline_tick and self.sender.holds(acked):
                self.sender.on_acked(acked)
        if self.sender.is_partial:
            self.ring.is_behind = True
        if not self.sender.wanted(self.tick / 20, 1.0):
            return
        body, kind = self.sender.next_body(self.tick / 20, 1.0, room)
        self.sizes.append(len(body))
        part = self.sender.parts.sent(self.tick) if self.sender.parts is not None else None
        self.sent[self.tick] = part if part is not None else tree
        if self.sender.is_partial:
            self.ring.is_behind = True
        self._receive(body, kind)

    def _receive(self, body: bytes, kind: int) -> None:
        if self.rng.random() < self.loss:
            return
        state = self.receiver.receive(body, kind)
        if state is not None:
            self.received[state.tick] = state.tree
        if self.rng.random() >= self.loss:
            self._acks.append((self.tick + self.lag, self.receiver.acked_tick))


def world(count: int) -> Tree:
    return {"ents": {n: {"x": n * 1.0, "y": n * 2.0, "tick": 0} for n in range(1, count + 1)}, "turn": 0}


def moved(tree: Tree, keys: Any, tick: int) -> Tree:
    ents = dict(tree["ents"])
    for key in keys:
        ents[key] = {"x": ents[key]["x"] + 0.25, "y": ents[key]["y"] - 0.5, "tick": tick}
    return {**tree, "ents": ents, "turn": tick}


def test_what_does_not_fit_stays_as_it_was_and_the_urgent_goes_first() -> None:
    short = Short({"ents.*": 1.0, "ents.7": 10.0})
    tree = world(64)
    short.step(tree, 100)
    assert exact(short.received[1]) == exact(tree), "the first state is whole"
    short.step(moved(tree, range(1, 65), 2), 100)
    ents = short.received[2]["ents"]
    fresh = {key for key, ent in ents.items() if ent["tick"] == 2}
    assert {1, 7} <= fresh, "the client's own thing, and the heavy one"
    assert 5 < len(fresh) < 60
    assert all(ents[key] is short.received[1]["ents"][key] for key in ents if key not in fresh)
    assert short.sizes[-1] <= 100


@settings(max_examples=15, deadline=None)
@example(room=20, heavy=1.0, lag=1, loss=0.3, seed=1)  # one thing more than the client's own does not fit
@given(
    room=st.integers(20, 200),
    heavy=st.floats(1.0, 20.0),
    lag=st.integers(1, 6),
    loss=st.sampled_from([0.0, 0.1, 0.3]),
    seed=st.integers(0, 1 << 20),
)
def test_nothing_starves_whatever_the_budget_and_the_weights(
    room: int, heavy: float, lag: int, loss: float, seed: int
) -> None:
    """All entities change in each tick. No version of one is older than the time that all others before it can take.

    An entity of age A goes before one of w times its weight that is younger than A / w. So in the A ticks that it
    waits, the heavy one leaves about 1 + w ln A times. Each turn takes as long as an acknowledgement, with those that
    get lost.
    """
    count = 16
    patterns = {"ents.*": 1.0, **{f"ents.{n}": heavy for n in range(2, 6)}}
    short = Short(patterns, lag=lag, loss=loss, seed=seed)
    tree = world(count)
    sends = count + 4 * heavy * math.log(200 * heavy)
    bound = sends * (lag + 1) / (1.0 - loss) ** 2 + 40 * (lag + 1) * loss
    oldest, before = 0, dict.fromkeys(range(1, count + 1), 0)
    for tick in range(1, 200):
        tree = moved(tree, range(1, count + 1), tick)
        short.step(tree, room)
        newest = short.received[max(short.received)] if short.received else world(count)
        for key, ent in newest["ents"].items():
            assert ent["tick"] >= before[key], "nothing goes back"
            before[key] = ent["tick"]
            oldest = max(oldest, tick - ent["tick"])
    assert oldest <= bound, (oldest, bound)


def test_every_received_state_is_the_one_that_was_sent(seed: int) -> None:
    """In random worlds, with loss and late acknowledgements, where the budget changes from tick to tick."""
    rng = random.Random(seed)
    checked = parts = 0
    for _ in range(8):
        short = Short({"b.*": 2.0, "ents.*": 1.0}, lag=rng.randrange(1, 5), loss=0.2, seed=seed)
        tree: Tree = {"ents": {n: {"x": 0.5, "name": f"e{n}"} for n in range(30)}, "b": {"c": 1, "d": {"e": 2}}}
        for _ in range(60):
            if rng.random() < 0.8:
                tree = {"ents": changed(rng, tree["ents"], 0.3), "b": changed(rng, tree["b"], 0.3)}
            short.step(tree, rng.choice((30, 60, 200, math.inf)))
        for tick, state in short.received.items():
            assert exact(state) == exact(short.sent[tick]), seed
            checked += 1
            parts += short.sent[tick] is not tree
    assert checked > 200
    assert parts > 100


def test_a_resting_world_is_completed_and_then_nothing_more_is_sent() -> None:
    short = Short({})
    tree = world(64)
    short.step(tree, 60)
    tree = moved(tree, range(1, 65), 2)
    for _ in range(60):
        short.step(tree, 60)
    assert exact(short.received[max(short.received)]) == exact(tree)
    assert not short.sender.is_partial
    sent = len(short.sizes)
    for _ in range(10):
        short.step(tree, 60)
    assert len(short.sizes) == sent
    assert 4 < sent < 40


def test_with_room_again_the_next_state_is_whole_and_the_common_encoding_comes_back() -> None:
    short = Short({})
    tree = world(64)
    for tick in range(2, 8):
        short.step(tree, 60)
        tree = moved(tree, range(1, 65), tick)
    assert short.sender.is_partial
    for tick in range(8, 12):
        short.step(tree, math.inf)
        tree = moved(tree, range(1, 65), tick)
    assert not short.sender.is_partial
    assert short.sender.baseline is short.ring.ring[short.sender.record.baseline_tick]


def test_a_state_that_is_sent_again_is_the_same() -> None:
    short = Short({})
    tree = world(64)
    short.step(tree, 60)
    short.loss = 1.0
    short.step(moved(tree, range(1, 65), 2), 60)
    first = short.sent[2]
    body, kind = short.sender.next_body(9.0, 1.0, math.inf)
    state = short.receiver.receive(body, kind)
    assert state is not None
    assert exact(state.tree) == exact(first)


def test_after_a_renewed_path_the_current_state_stays_as_it_was_sent() -> None:
    """The client may have received it just before the path ended."""
    short = Short({})
    tree = world(64)
    short.step(tree, math.inf)
    short.step(moved(tree, range(1, 65), 2), math.inf)
    short.sender.record.renew(3.0)
    short.sender.renew(3.0)
    body, _ = short.sender.next_body(3.0, 1.0, 60)
    assert len(body) > 60
    assert not short.sender.is_partial


def test_the_table_of_the_budgets() -> None:
    """256 entities, of which 64 move each tick, an eighth of them near: the near ones are hardly ever old."""
    near = range(2, 34)
    for room, near_most, far_most in ((200, 1, 6), (120, 3, 12), (60, 10, 36)):
        short = Short({"ents.*": 1.0, **{f"ents.{n}": 4.0 for n in near}})
        tree = world(256)
        oldest = {True: 0, False: 0}
        changed_at: dict[int, list[int]] = {n: [] for n in tree["ents"]}
        for tick in range(1, 120):
            moving = [(tick * 64 + n) % 256 + 1 for n in range(64)]
            tree = moved(tree, moving, tick)
            for key in moving:
                changed_at[key].append(tick)
            short.step(tree, room)
            for key, ent in short.received[tick]["ents"].items():
                missed = [at for at in changed_at[key] if at > ent["tick"]]
                if missed and tick > 50:
                    oldest[key in near] = max(oldest[key in near], tick - missed[0])
        assert sum(short.sizes[50:]) / len(short.sizes[50:]) <= room
        assert oldest[True] <= near_most, (room, oldest)
        assert oldest[False] <= far_most, (room, oldest)
