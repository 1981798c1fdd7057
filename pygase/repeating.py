"""Checks that the rules of a game repeat: the same world and inputs give the same world, wherever and whenever."""

from __future__ import annotations

import importlib
import os
import pickle
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ._state.codec import pack, unpack_plain
from ._state.precision import Places, Precision, equal_within, rounded_part
from ._state.tree import ABSENT, Cleaner, as_lists
from .errors import InvalidValue
from .timeline.world_rules import copied, step_world, takes_tell, unheard

Step = Callable[..., Any]

REWIND: Final = 8
"""Ticks that are replayed from an earlier world."""

HASH_SEEDS: Final = (1, 2, 3, 4, 5)
"""Each is the ``PYTHONHASHSEED`` of a process: the order of a set of texts depends on it."""

CHILD_TIMEOUT: Final = 60.0
"""Seconds after which such a process has failed."""


class RulesDiffer(AssertionError):
    """The rules of a game have given two results for the same tick.

    :ivar tick: the number of the tick, from 0 up.
    :ivar path: the first place that differs.
    :ivar by: the difference of its numbers; None if they are no numbers.
    """

    def __init__(self, tick: int, path: str, here: Any, there: Any, why: str) -> None:
        self.tick, self.path = tick, path
        numbers = all(type(each) in (int, float) for each in (here, there))
        self.by: float | None = abs(here - there) if numbers else None
        how = f"by {self.by:g}" if self.by else f"{_shown(here)} and {_shown(there)}"
        super().__init__(f"in tick {tick}, {path} differs {how}: {why}")


class _Outcome(NamedTuple):
    world: Any
    told: list[Any]


def check_rules(
    step: Step,
    world: Mapping[Any, Any],
    inputs: Mapping[int, Any] | Sequence[Mapping[int, Any]],
    *,
    ticks: int = 60,
    precision: Mapping[str, float] | None = None,
    hash_seeds: Sequence[int] = HASH_SEEDS,
) -> None:
    """Check that rules repeat, as the prediction of a world needs it. For a test of your game::

        check_rules(rules.step, rules.new_world(), [{1: keys} for keys in drive])

    Every tick runs twice, once more as the wire has its world and inputs, and again after a rewind of eight ticks, in
    place. Other processes run them all with other hashes. So it finds random numbers, clocks, memory outside of the
    world, changed inputs, values that arrive as others (tuples, subclasses) and loops over sets.

    Only a function of a module can run in another process. For a lambda, a method or a function in a function, the
    order of sets is not checked.

    :param step: as for :class:`pygase.WorldPrediction`.
    :param world: the world to begin with; it stays as it is.
    :param inputs: by client id, one mapping for each tick; or one for all ticks.
    :param ticks: number of ticks, if there is one mapping for all.
    :param precision: as declared for the server, with paths in the world. The world on the wire is rounded then, and
        its next tick may differ by one step.
    :param hash_seeds: one process runs for each.
    :raises RulesDiffer: two results differ. The message names the tick, the path, and by how much.
    :raises InvalidValue: the world, or what the rules make of it, cannot be sent.
    :raises TypeError: ``step`` is no such function.
    """
    takes_tell(step)
    given = [dict(inputs)] * ticks if isinstance(inputs, Mapping) else [dict(each) for each in inputs]
    start = Cleaner().clean(dict(world), "world")
    places = Precision.parse(precision).root
    outcomes: list[_Outcome] = []
    before = start
    for tick, each in enumerate(given):
        outcomes.append(_checked_tick(step, before, each, tick, places))
        before = outcomes[-1].world
    worlds = [start, *(outcome.world for outcome in outcomes)]
    for tick in range(REWIND, len(worlds)):
        replayed = _replayed(step, worlds[tick - REWIND], given[tick - REWIND : tick])
        _compare(worlds[tick], replayed, tick - 1, _REMEMBERS)
    for seed in hash_seeds if _found_by_name(step) is not None else ():
        for tick, (one, other) in enumerate(zip(outcomes, _elsewhere(step, start, given, seed), strict=True)):
            _same(one, other, tick, _SET_ORDER)


_CHANCE: Final = "the same tick ran twice. Rules must use no random numbers, no clock, and nothing outside of the world"
_WIRE: Final = "the tick ran once more as the wire has its world and inputs. Use plain numbers, texts, lists and dicts"
_ROUNDING: Final = "the tick ran once more from the rounded world. Declare finer steps, or none for this number"
_REMEMBERS: Final = "it was replayed after a rewind. Rules must keep everything in the world, and no part of it twice"
_SET_ORDER: Final = "another process ran it. Rules must not loop over a set: its order differs; loop over sorted(...)"
_CHANGED_INPUTS: Final = "step has changed its inputs. Other ticks get the same objects; change a copy"


def _checked_tick(step: Step, world: Any, inputs: dict[int, Any], tick: int, places: Places | None) -> _Outcome:
    kept = copied(inputs)
    once = _run(step, world, inputs)
    _compare(kept, inputs, tick, _CHANGED_INPUTS, "inputs")
    _same(once, _run(step, world, inputs), tick, _CHANCE)
    sent = unpack_plain(pack(world))
    if places is None:
        _same(once, _run(step, sent, as_lists(inputs)), tick, _WIRE)
    else:
        rounded = _run(step, rounded_part(sent, places), as_lists(inputs))
        _compare(once.world, rounded.world, tick, _ROUNDING, places=places)
    return once


def _run(step: Step, world: Any, inputs: Mapping[int, Any]) -> _Outcome:
    told: list[Any] = []
    after = step_world(step, world, inputs, lambda *report: told.append(list(report)))
    return _Outcome(_cleaned(after), told)


def _cleaned(world: Any) -> Any:
    return Cleaner().clean(dict(world) if isinstance(world, Mapping) else world, "the world that step returned: world")


def _replayed(step: Step, world: Any, inputs: Sequence[Mapping[int, Any]]) -> Any:
    """Return a world some ticks later, stepped in place as a client does it."""
    extra = (unheard,) if takes_tell(step) else ()
    mine = copied(world)
    for each in inputs:
        mine = step(mine, {client_id: each[client_id] for client_id in sorted(each)}, *extra)
    return _cleaned(mine)


# -- comparing -------------------------------------------------------------------------------------------------------


def _same(one: _Outcome, other: _Outcome, tick: int, why: str) -> None:
    _compare(one.world, other.world, tick, why)
    _compare(as_lists(one.told), as_lists(other.told), tick, why, "tell")


def _compare(one: Any, other: Any, tick: int, why: str, name: str = "", places: Places | None = None) -> None:
    for path, here, there in _differences(one, other, name, places):
        raise RulesDiffer(tick, path or "world", here, there, why)


def _differences(one: Any, other: Any, path: str, places: Places | None) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path of each difference, and both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            below = None if places is None else places.below(key)
            here, there = one.get(key, ABSENT), other.get(key, ABSENT)
            yield from _differences(here, there, f"{path}.{key}" if path else str(key), below)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (here, there) in enumerate(zip(one, other, strict=True)):
            yield from _differences(here, there, f"{path}.{index}" if path else str(index), places)
    elif one is not other and not equal_within(one, other, places):
        yield path, one, other


def _shown(value: Any) -> str:
    return "nothing" if value is ABSENT else f"{value!r:.60}"


# -- another process -------------------------------------------------------------------------------------------------


class _Named(NamedTuple):
    """A function that another process can find."""

    module: str
    file: str
    name: str


def _found_by_name(step: Step) -> _Named | None:
    module, name = getattr(step, "__module__", None), getattr(step, "__qualname__", "")
    if not isinstance(module, str) or not name.isidentifier():
        return None
    found = sys.modules.get(module)
    if getattr(found, name, None) is not step:
        return None
    return _Named(module, str(getattr(found, "__file__", "") or ""), name)


def _elsewhere(step: Step, world: Any, inputs: Sequence[Mapping[int, Any]], seed: int) -> list[_Outcome]:
    """Return the outcomes of all ticks in a process with other hashes."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import run_elsewhere; run_elsewhere()"],
        input=pickle.dumps((_found_by_name(step), world, list(inputs))),
        capture_output=True,
        env=environment,
        timeout=CHILD_TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise InvalidValue(f"another process could not run the rules: {done.stderr.decode(errors='replace')[-800:]}")
    return [_Outcome(*each) for each in pickle.loads(done.stdout)]


def run_elsewhere() -> None:
    """Run rules that another process has named, and write the outcomes. :func:`check_rules` starts it."""
    results, sys.stdout = sys.stdout.buffer, sys.stderr
    named, world, inputs = pickle.load(sys.stdin.buffer)
    step = _load(*named)
    outcomes = []
    for each in inputs:
        outcomes.append(tuple(_run(step, world, each)))
        world = outcomes[-1][0]
    results.write(pickle.dumps(outcomes))
    results.flush()


def _load(module: str, file: str, name: str) -> Step:
    if module == "__main__":
        found: Step = runpy.run_path(file, run_name="__rules__")[name]
        return found
    imported: Step = getattr(importlib.import_module(module), name)
    return imported
