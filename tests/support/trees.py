"""Shared by the tests of trees: any possible state tree, for hypothesis, an exact comparison, and merging."""

import copy
import math
import random
import struct
from typing import Any

from hypothesis import strategies as st

from pygase._state.merging import UpdateReader, merged
from pygase._state.tree import TO_DELETE, Tree

keys = st.one_of(st.sampled_from(["a", "b", "x", "y", "players"]), st.integers(-2, 3), st.text(max_size=3))

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf]),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=4),
)

values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)

trees = st.dictionaries(keys, values, max_size=5)


def exact(value: Any) -> Any:
    """Return a value that is equal only for trees that are the same to the last bit and type."""
    if isinstance(value, dict):
        return ("dict", frozenset((exact(key), exact(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(exact(item) for item in value))
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else struct.pack("!d", value))
    return (type(value).__name__, value)


def merge(tree: Tree, update: Tree, owned: dict[int, Tree] | None = None) -> Tree:
    """Return a frozen tree with an update merged into it, as a tick does it.

    :param owned: see ``merged``.
    """
    delta = UpdateReader().changes(tree, update, "update")
    return merged(tree, delta, {} if owned is None else owned) if delta else tree


def merged_plainly(state: Any, update: Any) -> Any:
    """The definition of merging, without a thought for speed."""
    if not isinstance(update, dict):
        return update
    result = dict(state) if isinstance(state, dict) else {}
    for key, value in update.items():
        if value is TO_DELETE:
            result.pop(key, None)
        else:
            result[key] = merged_plainly(result.get(key), value)
    return result


# -- random trees and updates that meet each other often ---------------------------------------------------------------

_FEW_KEYS = ["a", "b", "c", 1, 2, "Zoë"]
_NUMBERS = [0.0, -0.0, math.nan, math.inf, 1.0, 1, 0, True, False, None, 2**64 - 1, -(2**63)]


def random_value(rng: random.Random, depth: int) -> Any:
    """Return a clean value: dicts more often the less deep it is."""
    chance = rng.random()
    if depth and chance < 0.55:
        return {key: random_value(rng, depth - 1) for key in rng.sample(_FEW_KEYS, rng.randrange(5))}
    if chance < 0.85:
        return rng.choice([*_NUMBERS, rng.random()])
    return rng.choice(["x", "ä", "", b"x", [], [1, 2.0], [0.0], [-0.0, "y"]])


def random_update(rng: random.Random, tree: Tree, depth: int = 3) -> Tree:
    """Return an update of a tree: it deletes, repeats, replaces, and merges into what is there or not."""
    update: Tree = {}
    for key in rng.sample(_FEW_KEYS, rng.randrange(1, 5)):
        old, chance = tree.get(key), rng.random()
        if chance < 0.2:
            update[key] = TO_DELETE
        elif chance < 0.3 and key in tree:
            update[key] = copy.deepcopy(old)
        elif chance < 0.75 and isinstance(old, dict):
            update[key] = random_update(rng, old, depth - 1)
        else:
            update[key] = _marked(rng, random_value(rng, max(depth, 0)))
    return update


def _marked(rng: random.Random, value: Any) -> Any:
    """Return a value with some parts of its dicts deleted, and with some lists as tuples."""
    if isinstance(value, dict):
        return {key: TO_DELETE if rng.random() < 0.1 else _marked(rng, item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) and rng.random() < 0.5 else value
