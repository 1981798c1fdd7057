"""The differences between the numbers of two trees, and a tree shifted by a share of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ROUNDING_SHARE: Final = 1e-9
"""Share of a number below which a difference counts as an error of rounding."""

_NUMBERS: Final = frozenset({int, float})


def difference(moved: Mapping[Any, Any], state: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return ``moved - state``, number by number. ``moved`` is a copy of ``state`` and shares all equal parts."""
    errors: dict[Any, Any] = {}
    for key, a in moved.items():
        b = state[key]
        if a is b:
            continue
        if type(a) is dict:
            deeper = difference(a, b)
            if deeper:
                errors[key] = deeper
        elif type(a) is list:
            ways = [x - y for x, y in zip(a, b, strict=True)]
            limit = ROUNDING_SHARE * max(max(a), -min(a))
            if max(ways) > limit or min(ways) < -limit:
                errors[key] = ways
        elif abs(a - b) > ROUNDING_SHARE * abs(a):
            errors[key] = a - b
    return errors


def shifted(state: Mapping[str, Any], errors: Mapping[Any, Any], share: float) -> Mapping[str, Any]:
    """Return a copy of ``state`` with ``share`` of the errors added to its numbers. Missing numbers are ignored."""
    result = {**state}
    for key, error in errors.items():
        value = state.get(key)
        kind = type(error)
        if kind is dict:
            if type(value) is dict:
                result[key] = shifted(value, error, share)
        elif kind is list:
            if type(value) is list and len(value) == len(error):
                result[key] = _shifted_list(value, error, share)
        elif type(value) is float or type(value) is int:
            result[key] = value + error * share
    return result


def _shifted_list(value: list[Any], error: list[Any], share: float) -> list[Any]:
    if len(value) == 2:
        x, y = value
        if type(x) is type(y) is float:
            return [x + error[0] * share, y + error[1] * share]
    if not _NUMBERS.issuperset(map(type, value)):
        return value
    return [x + e * share for x, e in zip(value, error)]  # noqa: B905  # strict costs time, and the lengths are equal
