"""Random pairs of states, and damaged packed deltas of them: the same for the same ``random.Random``."""

from __future__ import annotations

import contextlib
import math
import random
from typing import Any, Final

from pygase._state.codec import pack, unpack
from pygase._state.delta import apply, diff
from pygase._state.packed_layout import Orders
from pygase._state.packed_reader import Applied, apply_packed
from pygase._state.packed_writer import NOT_PACKED, pack_delta
from pygase._state.precision import Precision, steps_of, values_of
from pygase._state.tree import MAX_INT, MIN_INT, Tree, exactly_equal, too_deep
from pygase.errors import MalformedPacket

_FLOATS: Final = (0.0, -0.0, 1.5, -2.25, 0.1, 1e300, -1e-300, 5e-324, math.inf, -math.inf, math.nan, 2.0**52)
_INTS: Final = (0, 1, -1, 7, 255, -256, 2**31, -(2**31), MAX_INT, MIN_INT, 2**63)
_KEYS: Final = ("x", "y", "hp", "é", "name", "", "z" * 40, 0, 1, -5, 2**40, "1")
_PATHS: Final = ("*", "x", "*.x", "*.*", "hp", "ents.*.x", "ents.*.y", "ents.*.*", "list", "*.list")
_STEPS: Final = (0.01, 0.1, 1.0, 0.25, 0.3, 100.0, 1e-6)


def scalar(rng: random.Random) -> Any:
    kind = rng.randrange(9)
    if kind < 2:
        return rng.choice(_FLOATS) if rng.random() < 0.3 else rng.uniform(-1000.0, 1000.0)
    if kind < 4:
        return rng.choice(_INTS) if rng.random() < 0.3 else rng.randrange(-1000, 1000)
    return (True, False, None, rng.choice(("", "a", "größer", "t" * 50)), rng.randbytes(rng.randrange(4)))[kind - 4]


def value(rng: random.Random, depth: int) -> Any:
    """Return a random value with at most ``depth`` levels."""
    kind = rng.random()
    if depth and kind < 0.2:
        return tree(rng, depth - 1, 6)
    if depth and kind < 0.4:
        same = scalar(rng)
        count = rng.choice((0, 1, 2, 3, 20))
        return [moved(rng, same, 0) if kind < 0.3 else value(rng, depth - 1) for _ in range(count)]
    return scalar(rng)


def tree(rng: random.Random, depth: int, most: int) -> Tree:
    """Return a random dict: of a few odd keys, or of many records that are alike."""
    if depth and rng.random() < 0.3:
        record = {key: value(rng, 1) for key in rng.sample(_KEYS, rng.randrange(1, 5))}
        count = rng.choice((1, 3, 16, 17, 40, 80))
        return {key if count % 2 else f"e{key}": changed(rng, record, 0.2) for key in rng.sample(range(500), count)}
    return {key: value(rng, depth) for key in rng.sample(_KEYS, rng.randrange(min(most, len(_KEYS)) + 1))}


def moved(rng: random.Random, old: Any, depth: int) -> Any:
    """Return a value that follows ``old``: mostly of the same type, and near."""
    if rng.random() < 0.1:
        return value(rng, min(depth, 2))
    kind = type(old)
    if kind is float:
        return old + rng.choice((0.01, -1.0, 0.3, 1e9)) if rng.random() < 0.9 else -old
    if kind is int:
        return max(MIN_INT, min(MAX_INT, old + rng.choice((1, -1, 25, -1000, 2**64))))
    if kind is bool:
        return not old
    if kind is list:
        return [moved(rng, item, depth) if rng.random() < 0.5 else item for item in old]
    return changed(rng, old, 0.5) if kind is dict else scalar(rng)


def changed(rng: random.Random, old: Tree, share: float) -> Tree:
    """Return a dict that follows ``old``: a share of its values has changed, some keys have come and gone."""
    new = {key: moved(rng, item, 2) if rng.random() < share else item for key, item in old.items()}
    if rng.random() < share / 2:
        for key in rng.sample(list(new), min(len(new), rng.randrange(3))):
            del new[key]
        for key in rng.sample(_KEYS, rng.randrange(3)):
            new[key] = value(rng, 1)
    return new


def precision(rng: random.Random) -> Precision:
    """Return a random declared precision; sometimes none."""
    return Precision.parse({path: rng.choice(_STEPS) for path in rng.sample(_PATHS, rng.randrange(4))})


def shuffled(rng: random.Random, node: Any) -> Any:
    """Return an equal value whose dicts have another order: that of the other side."""
    if type(node) is dict:
        keys = list(node)
        rng.shuffle(keys)
        return {key: shuffled(rng, node[key]) for key in keys}
    return node


def on_steps(node: Any, places: Any) -> Any:
    """Return a value rounded to the declared steps, where that is possible."""
    if type(node) is dict:
        return {key: on_steps(item, places.below(key) if places is not None else None) for key, item in node.items()}
    if type(node) is list:
        return [on_steps(item, places) for item in node]
    if type(node) is float and places is not None and places.scale and abs(node * places.scale) < 2.0**50:
        return values_of(steps_of([node], [places]), [places])[0]
    return node


class Twins:
    """A packed and a plain delta between two states.

    :ivar received: the older state at the receiver: equal, with another order of keys.
    :ivar packed: the packed delta; NOT_PACKED if it has to be sent plain.
    """

    def __init__(self, old: Tree, new: Tree, declared: Precision, rng: random.Random) -> None:
        self.old, self.new, self.declared = old, new, declared
        self.received = shuffled(rng, old)
        self.delta = diff(old, new)
        self.plain = pack(self.delta)
        self.packed = pack_delta(old, new, self.delta, declared.root, Orders())

    @staticmethod
    def random(rng: random.Random) -> Twins:
        """Return a random pair of states, mostly two that follow each other."""
        declared = precision(rng)
        old = tree(rng, 3, 8)
        new = changed(rng, old, rng.choice((0.05, 0.5, 1.0))) if rng.random() < 0.9 else tree(rng, 3, 8)
        if rng.random() < 0.9:
            old, new = on_steps(old, declared.root), on_steps(new, declared.root)
        return Twins(old, new, declared, rng)

    def check(self) -> None:
        """Both deltas lead to the same state, and change nothing that was there."""
        assert exactly_equal(apply(self.received, unpack(self.plain, markers=True)), self.new)
        if self.packed == NOT_PACKED:
            return
        before = pack(self.received)
        applied = self.applied(self.packed)
        assert exactly_equal(applied.tree, self.new)
        assert pack(self.received) == before
        assert len(pack(self.new)) <= len(before) + applied.growth_bytes

    def applied(self, data: bytes) -> Applied:
        """Apply a packed delta to the older state."""
        return apply_packed(data, self.received, self.declared.root, Orders())

    def check_damaged(self, data: bytes) -> bool:
        """A damaged delta is refused, or leads to a state within the bounds. Return whether it was refused."""
        before = pack(self.received)
        try:
            applied = self.applied(data)
        except MalformedPacket:
            return True
        finally:
            assert pack(self.received) == before, data.hex()
        assert not too_deep(applied.tree), data.hex()
        assert len(pack(applied.tree)) <= len(before) + applied.growth_bytes, data.hex()
        return False


def check_chain(rng: random.Random) -> int:
    """Follow states that lead from one to the next, as two sides do that remember the orders of dicts.

    Each packed delta begins at one of the latest states. A damaged copy of it arrives first. Return the number of
    packed deltas.
    """
    places, sender, receiver = precision(rng).root, Orders(), Orders()
    shared = rng.random() < 0.5  # unchanged dicts stay the same objects
    first = on_steps(tree(rng, 3, 8), places)
    states, count = [(first, shuffled(rng, first))], 0
    for _ in range(6):
        old, received = rng.choice(states[-3:])
        new = changed(rng, states[-1][0], rng.choice((0.05, 0.5)))
        new = new if shared else on_steps(new, places)
        delta = diff(old, new)
        data = pack_delta(old, new, delta, places, sender)
        if data == NOT_PACKED:
            states.append((new, apply(received, unpack(pack(delta), markers=True))))
            continue
        with contextlib.suppress(MalformedPacket):
            apply_packed(damaged(rng, data), received, places, receiver)
        states.append((new, apply_packed(data, received, places, receiver).tree))
        assert exactly_equal(states[-1][1], new)
        count += 1
    return count


def check_twins(rng: random.Random) -> None:
    """Compare the packed and the plain delta of a random pair of states, and damage the packed one. Now and then follow
    a chain of states."""
    if rng.random() < 0.1:
        check_chain(rng)
        return
    twins = Twins.random(rng)
    twins.check()
    for _ in range(2):
        twins.check_damaged(damaged(rng, twins.packed))


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return bytes with some bits changed, cut off, inserted or repeated; or noise."""
    changed_data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(changed_data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(changed_data):
            changed_data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed_data[at : at + rng.choice((1, 2, 100))]
        elif kind == 2:
            changed_data[at:at] = rng.randbytes(rng.randrange(4))
        elif kind == 3:
            changed_data[at : at + 8] = rng.choice((bytes(8), b"\xff" * 8, rng.randbytes(8)))
        elif rng.random() < 0.1:
            changed_data[:] = rng.randbytes(rng.randrange(60))
    return bytes(changed_data)
