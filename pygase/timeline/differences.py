"""By how much numbers in one tree differ from those in another, and a tree shifted by a share of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NEGLIGIBLE: Final = 1e-9
"""A difference smaller than this part of the numbers themselves is an error of rounding."""

_NUMBERS: Final = frozenset({int, float})


def difference(moved: Mapping[Any, Any], state: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return ``moved - state``, number by number. The first is a copy of the second, as far as it differs."""
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
            limit = NEGLIGIBLE * max(max(a), -min(a))
            if max(ways) > limit or min(ways) < -limit:
                errors[key] = ways
        elif abs(a - b) > NEGLIGIBLE * abs(a):
            errors[key] = a - b
    return errors


def shifted(state: Mapping[str, Any], errors: Mapping[Any, Any], share: float) -> Mapping[str, Any]:
    """Return a copy of ``state`` whose numbers are off by that share of the errors, where they are still there."""
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
    return [x + e * share for x, e in zip(value, error)]  # noqa: B905  # it costs, and their lengths are known
