"""Random programs, by hypothesis: each one is a sequence of what players, cables, routers and servers do."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.model.truth import KINDS, ORDERED
from tests.support.model.world import PLACES, Place, Player, World

STEPS: Final = 25
MOST_RESTARTS: Final = 3
"""Most servers that a program ends. Else most programs would be about nothing else."""

_MEMORY: Final = Path("/dev/shm")
"""A file system in memory, where there is one: on a disk a program waits most of its time for fsync."""

SETTINGS: Final = settings(
    deadline=None,
    database=None,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

_places = st.integers(0, PLACES - 1)
_pauses = st.sampled_from([0.05, 0.3, 1.0, 2.5])
_long_pauses = st.sampled_from([1.0, 3.0, 4.5, 9.0, 14.0])


class Programs(RuleBasedStateMachine):
    """Drives a world, which compares itself with the model after each step and at the end."""

    encrypted = False

    def __init__(self) -> None:
        super().__init__()
        folder = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="pygase-model-", dir=folder))
        self.world: World | None = None
        self.restarts = 0

    @initialize(seed=st.integers(0, 2**16), players=st.integers(1, PLACES))
    def begin(self, seed: int, players: int) -> None:
        self.world = World(seed, self.folder, encrypted=self.encrypted)
        for number in range(players):
            self.join(number)
        self.world.run(1.0)

    @property
    def _world(self) -> World:
        assert self.world is not None
        return self.world

    def _place(self, number: int) -> Place:
        return self._world.places[number]

    def _player(self, number: int) -> Player | None:
        player = self._place(number).player
        return player if player is not None and player.is_alive else None

    # -- players -----------------------------------------------------------------------------------------------------

    @rule(number=_places)
    def join(self, number: int) -> None:
        player = self._place(number).player
        if player is None or player.is_over:
            self._world.join(self._place(number))
            self._world.run(0.3)

    @rule(number=_places)
    def leave(self, number: int) -> None:
        player = self._player(number)
        if player is not None:
            self._world.leave(player)

    @rule(number=_places, reconnecting=st.booleans())
    def say_goodbye(self, number: int, reconnecting: bool) -> None:
        """Leave on a link on which the server must hear it."""
        world, player = self._world, self._player(number)
        if player is None or not world.is_known(player):
            return
        world.smooth(player)
        if world.is_known(player):
            world.say_goodbye(player, reconnecting=reconnecting)

    @rule(number=_places, pause=_long_pauses, returns=st.booleans())
    def kill(self, number: int, pause: float, returns: bool) -> None:
        player = self._player(number)
        if player is not None and player.seen is not None and not player.is_over:
            self._world.kill(player)
            self._world.run(pause)
            if returns:
                self._world.come_back(player)

    @rule(numbers=st.sets(_places, min_size=1), count=st.integers(1, 5), pause=_pauses)
    def exchange(self, numbers: set[int], count: int, pause: float) -> None:
        """Send reliable events both ways, while time passes."""
        for _ in range(count):
            for number in numbers:
                self.send_up(number, ORDERED, 1)
                self.send_down(number, ORDERED, 1)
            self._world.run(pause)

    @rule(number=_places, kind=st.sampled_from(KINDS), count=st.integers(1, 4))
    def send_up(self, number: int, kind: str, count: int) -> None:
        player = self._player(number)
        for _ in range(count if player is not None else 0):
            assert player is not None
            self._world.send_up(player, kind)

    @rule(number=_places, kind=st.sampled_from(KINDS), count=st.integers(1, 4))
    def send_down(self, number: int, kind: str, count: int) -> None:
        player = self._player(number)
        for _ in range(count if player is not None else 0):
            assert player is not None
            self._world.send_down(player, kind)

    @rule(number=_places, count=st.integers(1, 5))
    def press(self, number: int, count: int) -> None:
        player = self._player(number)
        for _ in range(count if player is not None else 0):
            assert player is not None
            self._world.press(player)
            self._world.run(0.1)

    # -- cables and routers --------------------------------------------------------------------------------------------

    @rule(number=_places, pause=_long_pauses)
    def cut(self, number: int, pause: float) -> None:
        """Pull the cable. It is plugged in again by itself, while the program goes on."""
        world, place = self._world, self._place(number)
        if not place.is_cut:
            world.cut(place, True)
            world.network.call_at(world.network.now + pause, lambda: world.cut(place, False))

    @rule(number=_places)
    def rebind(self, number: int) -> None:
        self._place(number).nat.rebind()

    # -- the server ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.restarts < MOST_RESTARTS)
    @rule(pause=_long_pauses, keep=st.sampled_from([True, True, True, False]))
    def crash(self, pause: float, keep: bool) -> None:
        self.restarts += 1
        self._world.kill_server(keep=keep)
        self._world.run(pause)
        self._world.serve()

    @precondition(lambda self: self.restarts < MOST_RESTARTS)
    @rule()
    def shut_down(self) -> None:
        self.restarts += 1
        self._world.stop_server()
        self._world.serve()

    @rule(pause=_pauses)
    def play(self, pause: float) -> None:
        self._world.run(pause)

    # -- what must hold ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world is not None)
    @invariant()
    def holds(self) -> None:
        self._world.check()

    def teardown(self) -> None:
        try:
            if self.world is not None:
                self.world.rest()
                self.world.check_at_rest()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class EncryptedPrograms(Programs):
    """The same on encrypted connections."""

    encrypted = True


def run_programs(first: int, count: int, *, encrypted: bool = False) -> list[str]:
    """Run programs; the seed decides which. Return the fault and the program that shows it, or nothing.

    A failing program is not made shorter: that would take much longer than the search.
    """
    machine = seed(first)(type("Searched", (EncryptedPrograms if encrypted else Programs,), {}))
    try:
        run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=count, phases=[Phase.generate]))
    except Exception as error:
        return [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]
    return []
