"""Shared by the tests of trees: any possible state tree, for hypothesis, and an exact comparison."""

import math
import struct
from typing import Any

from hypothesis import strategies as st

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
