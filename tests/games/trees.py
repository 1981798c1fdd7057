"""Random values of a manipulated client or server: numbers, text, bytes, and lists and dicts of such."""

import math
import random
from collections.abc import Sequence
from typing import Any

from pygase.utils import Sqn

NUMBERS = (0, 1, -1, 2, 400, 10**6, 2**31, 2**63 - 1, -(2**63), 1.0, -0.0, 0.5, 1e308, math.nan, math.inf, -math.inf)
OTHERS = (None, True, False, Sqn(1), Sqn(40_000), "", "right", "Ada", "\x00", "x" * 100, b"", bytes(12), b"k" * 16)
KEYS = ("x", "y", "dash", "left", "me", 0, 1)


def anything(rng: random.Random, depth: int = 0, keys: Sequence[Any] = KEYS) -> Any:
    """Return a number, a text, bytes, or a list or dict of such, often with a length that some game expects."""
    kind = rng.random() + depth / 4
    if kind < 0.35:
        return [anything(rng, depth + 1, keys) for _ in range(rng.choice((0, 1, 2, 2, 3, 3, 4, 4, 30)))]
    if kind < 0.5:
        return {key: anything(rng, depth + 1, keys) for key in rng.sample(keys, rng.randrange(5))}
    return rng.choice(NUMBERS if rng.random() < 0.6 else OTHERS)


def mangled(rng: random.Random, tree: Any, share: float) -> Any:
    """Return a tree with a share of its parts replaced, removed, or moved one level up or down."""
    if rng.random() < share:
        return rng.choice((anything(rng), [tree], {"x": tree}, *(tree.values() if isinstance(tree, dict) else ())))
    if isinstance(tree, dict):
        return {key: mangled(rng, value, share) for key, value in tree.items() if rng.random() >= share / 2}
    if isinstance(tree, (list, tuple)):
        return [mangled(rng, value, share) for value in tree]
    return tree
