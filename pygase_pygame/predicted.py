"""What a session predicts: the player's own part of the state, or its whole world."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pygase import Client, Happenings, Interpolate, Predictor, Snapshot, WorldPrediction, WorldPredictor

from .own_part import Path, Prediction, part_at, precision_below, with_part

PENDING_SECONDS: Final = 2.0
"""Seconds of inputs kept for a replay: longer than any round trip that a game can be played with."""

_LEAST_PENDING: Final = 128


def _most_pending(interval: float) -> int:
    return max(_LEAST_PENDING, math.ceil(PENDING_SECONDS / interval))


class DeclaredPrecision:
    """The steps to which the server rounds the numbers of a part of the state.

    :param client: knows what the server has declared.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._declared: tuple[Mapping[str, float], Path] = {}, ()

    def give_to(self, predictor: Predictor | WorldPredictor, path: Path) -> None:
        """Let a predictor know what is declared below a path, if that has changed."""
        connection = self._client.connection
        declared = connection.precision if connection is not None else {}
        if (declared, path) != self._declared:
            self._declared = declared, path
            predictor.precision = precision_below(declared, path)


class PredictedPart:
    """The prediction of the player's own part.

    :ivar predictor: predicts it.
    """

    def __init__(self, client: Client, prediction: Prediction, interval: float, happenings: Happenings | None) -> None:
        self._client = client
        self._prediction = prediction
        self._precision = DeclaredPrecision(client)
        self.predictor = Predictor(
            prediction.step,
            self._select,
            smooth=prediction.smooth,
            smoothing_time=prediction.smoothing_time,
            snap_distance=prediction.snap_distance,
            max_pending=_most_pending(interval),
            happenings=happenings,
            moves=prediction.moves,
            interval=interval,
        )
        self.forget()

    @property
    def max_ahead(self) -> float:
        """Seconds of a silence that are predicted."""
        return self._prediction.max_ahead

    def forget(self) -> None:
        """Begin a new connection."""
        self._path: Path | None = None
        self._found = False  # whether there ever was a part of the player's
        self.predictor.reset()

    def reconcile(
        self, newest: Snapshot, applied: int, *, version: int, rested: int, replay: bool, smoothing_time: float
    ) -> None:
        """Take in the server's newest state.

        :param applied: the last input that it includes; ``version`` rises with each newer state or input.
        :param rested: ticks for which the state stands already.
        """
        self.predictor.reconcile(newest.state, applied, tick=version, replay=replay, smoothing_time=smoothing_time)

    def shown(self, state: Mapping[str, Any], now: float, fraction: float, input: Any) -> Mapping[str, Any]:
        """Return the state with the predicted part, and what moves by itself, in their places."""
        mine = None if self._path is None else self.predictor.view(now, fraction, input)
        if mine is None or self._path is None:
            return state
        moved = self.predictor.moved(fraction)
        shown: Mapping[str, Any] = with_part({**state, **moved} if moved else state, self._path, mine)
        return shown

    def missing(self) -> tuple[str, Path] | None:
        """Return the path to the player's own part, as given and as keys, if there never was one."""
        where = self._prediction.mine
        return None if self._found or self._path is None or not isinstance(where, str) else (where, self._path)

    def _select(self, state: Mapping[str, Any]) -> Any:
        """Return the player's own part of a state, and note its path."""
        me = self._client.id
        self.predictor.owner = me
        self._path = self._prediction.path(state, me, self._client.address)
        part = None if self._path is None else part_at(state, self._path)
        if part is not None and self._path is not None:
            self._precision.give_to(self.predictor, self._path)
        self._found = self._found or part is not None
        return part


class PredictedWorld:
    """The prediction of a whole world.

    :ivar predictor: predicts it.
    """

    def __init__(
        self, client: Client, prediction: WorldPrediction, interval: float, happenings: Happenings | None
    ) -> None:
        self._client = client
        self._prediction = prediction
        self._precision = DeclaredPrecision(client)
        self.predictor = WorldPredictor(
            prediction, interval, max_pending=_most_pending(interval), happenings=happenings
        )
        self.forget()

    @property
    def max_ahead(self) -> float:
        """Seconds of a silence that are predicted."""
        return self._prediction.max_ahead

    def forget(self) -> None:
        """Begin a new connection."""
        self._path: Path | None = None
        self._found = False  # whether there ever was a world
        self.predictor.reset()

    def reconcile(
        self, newest: Snapshot, applied: int, *, version: int, rested: int, replay: bool, smoothing_time: float
    ) -> None:
        """Take in the server's newest state, and the inputs that came with it. See :class:`PredictedPart`."""
        self.predictor.owner = self._client.id
        self.predictor.aim(self._client.stats.rtt)
        path = self._prediction.keys(newest.state)
        if path is not None:
            self._path, self._found = path, True
            self._precision.give_to(self.predictor, path)
        self.predictor.reconcile(
            newest.state,
            applied,
            tick=version,
            inputs=newest.inputs,
            rested=rested,
            replay=replay,
            smoothing_time=smoothing_time,
        )

    def shown(self, state: Mapping[str, Any], now: float, fraction: float, input: Any) -> Mapping[str, Any]:
        """Return the state with the predicted world in its place."""
        if self._path is None:
            return state
        around = None if self._prediction.near is None else part_at(state, self._path)
        world = self.predictor.view(now, fraction, input, around)
        if world is None:
            return state
        shown: Mapping[str, Any] = with_part(state, self._path, world)
        return shown

    def missing(self) -> tuple[str, Path] | None:
        """Return the path of the world, as given and as keys, if there never was one."""
        return None if self._found else (self._prediction.world, tuple(self._prediction.world.split(".")))


def with_bodies(
    interpolate: str | Interpolate | Iterable[str | Interpolate], prediction: WorldPrediction | None
) -> list[str | Interpolate]:
    """Return the rules for smooth movement of a view, and those of a predicted world's bodies.

    They move while the world is not predicted: for spectators who send no input, and before the first answer.
    """
    rules = [interpolate] if isinstance(interpolate, (str, Interpolate)) else list(interpolate)
    named = {path for rule in rules for path in (rule.paths if isinstance(rule, Interpolate) else (rule,))}
    for glide in () if prediction is None else prediction.glides:
        rule = glide.interpolation(prediction.world if prediction is not None else "")
        if named.isdisjoint(rule.paths):
            rules.append(rule)
    return rules


def predicted(
    client: Client, prediction: Prediction | WorldPrediction | None, interval: float, happenings: Happenings | None
) -> PredictedPart | PredictedWorld | None:
    """Return what predicts for a client; None if nothing is predicted.

    :raises TypeError: ``prediction`` is something else.
    """
    if prediction is None:
        return None
    if isinstance(prediction, WorldPrediction):
        return PredictedWorld(client, prediction, interval, happenings)
    if isinstance(prediction, Prediction):
        return PredictedPart(client, prediction, interval, happenings)
    raise TypeError(
        f'predict must be a Prediction(step, "players.{{me}}") or a WorldPrediction(step, "world"), not {prediction!r}'
    )
