"""Keeps the checkpoint of a backend up to date, and lets a new process go on where an old one died."""

from __future__ import annotations

import concurrent.futures
import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .._io.clocks import LaterClock, monotonic, wall_clock
from .._io.saver import Rests
from .._protocol.identity import SECRETS_BYTES, ServerIdentity
from .checkpoint import Checkpoint, encode
from .checkpoint_file import CheckpointFile
from .client_table import restore, table_of
from .last_save import LastSave
from .memory import Memory
from .restarting import age_of, clock_ahead, only_in_initial, tick_after

if TYPE_CHECKING:
    from .._io.ports import Clock
    from .._protocol.bans import Bans
    from .bots import Bots
    from .machine_plumbing import MachinePlumbing
    from .run import ServerRun

logger = logging.getLogger("pygase")

IDS_IN_A_BLOCK: Final = 64
"""Client ids that are reserved on the disk ahead of their use. After a crash the rest of a block is never given."""

FEW_IDS: Final = 32
"""Reserved ids that are left when the next block is reserved."""

SAVES_APART: Final = 0.5
"""Least seconds between two saves because of clients that join, leave or resume."""

GAME_WAITS: Final = 0.25
"""Most seconds for which a game loop on a thread of its own waits for the network's thread to begin a save. That thread
may be waiting for the end of the game loop."""


class Checkpointing(Memory):
    """Saves the state and the table of clients now and then, and soon after the table has changed.

    The loop never waits for the disk. States are frozen, so to keep one for the saver's thread costs nothing.

    :param file: the file, with the loaded checkpoint; ``interval``: seconds between two saves.
    :param bans: of the server; those of the checkpoint are added.
    :param bots: of the server; those of the checkpoint wait there for the program to make them again.
    :param runs_together: see LastSave.
    """

    def __init__(
        self,
        file: CheckpointFile,
        interval: float,
        machine: MachinePlumbing,
        bans: Bans,
        bots: Bots,
        runs_together: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._file = file
        self._interval = interval
        self._machine = machine
        self._loaded = file.loaded
        self._last_save = LastSave(file, machine.states, runs_together)
        self._run: ServerRun | None = None
        self._wall_clock: Clock = wall_clock
        self._due_at = self._saved_at = -math.inf
        self._changes = 0, 0
        self._ids_below = 0
        """The ids from here on are not reserved by the newest save."""
        self._last: Checkpoint | None = None
        if self._loaded is not None:
            self._take(self._loaded, bans, bots)

    # -- going on ----------------------------------------------------------------------------------------------------

    def _take(self, loaded: Checkpoint, bans: Bans, bots: Bots) -> None:
        lacking = only_in_initial(self._machine.states.committed.tree, loaded)
        self._machine.states.restore(loaded.state, loaded.tick)
        self._machine.simulation.game_time = loaded.game_time
        bans.add_all(loaded.bans)
        bots.saved.extend(loaded.bots)
        self.next_client_id, self.reset_key = loaded.ids_below, loaded.reset_key
        if len(loaded.identity) == SECRETS_BYTES:
            self.identity = ServerIdentity(loaded.identity)
        logger.info(
            "this game goes on from the checkpoint %s (tick %d, %d clients): its state replaces initial_game_state",
            self._file.path,
            loaded.tick,
            len(loaded.clients),
        )
        if lacking:
            logger.warning(
                "the checkpoint %s has no %s, which initial_game_state has: the game has deleted it, or the checkpoint "
                "is older than the program. To begin a new game, move the file away",
                self._file.path,
                ", ".join(map(repr, lacking[:10])),
            )

    def live_in_virtual_time(self) -> None:
        """See Memory."""
        self._file.live_in_virtual_time()

    def set_clock(self) -> None:
        """See Memory."""
        loaded, states = self._loaded, self._machine.states
        if loaded is not None:
            ahead = clock_ahead(loaded, age_of(loaded, wall_clock()), monotonic())
            if ahead:
                states.use_clock(LaterClock(ahead))

    def prepare(self, wall_clock: Clock) -> None:
        """See Memory."""
        self._file.claim()
        self._wall_clock = wall_clock
        loaded = self._loaded
        if loaded is not None:
            self._machine.states.go_ahead_to(tick_after(loaded, age_of(loaded, wall_clock()), self._interval))

    def begin(self, run: ServerRun) -> None:
        """See Memory. The first ids are reserved on the disk when this returns."""
        if self._loaded is not None:
            restore(self._loaded.clients, run.endpoint, run.clock())
            self._loaded = None
        run.endpoint.entrance.ids.allow(0)
        self._run = run
        self._last_save.begin()
        self._last = None
        self._save(run)
        self._file.finish()
        self._note_failure(run)

    # -- saving ------------------------------------------------------------------------------------------------------

    def look_between_ticks(self, run: ServerRun) -> float:
        """See Memory. The moment after a tick is better: the game has handled all that has arrived."""
        if not self._machine.loop.life.is_over:
            return math.inf
        self.look(run)
        return self._due_at

    def look_from_game(self, run: ServerRun) -> None:
        """See Memory. The network's thread saves, and the game waits: state, events and clients fit each other then."""
        if not self._is_due(run):
            return
        done: concurrent.futures.Future[None] = concurrent.futures.Future()

        def save() -> None:
            if done.set_running_or_notify_cancel():
                try:
                    self.look(run)
                finally:
                    done.set_result(None)

        run.driver.call(save)
        concurrent.futures.wait([done], GAME_WAITS)
        if not done.cancel():  # it has begun
            done.result()

    def look(self, run: ServerRun) -> None:
        """See Memory."""
        self._note_failure(run)
        if self._is_due(run):
            self._save(run)

    def _is_due(self, run: ServerRun) -> bool:
        endpoint = run.endpoint
        changes = endpoint.table.changes, endpoint.entrance.bans.changes
        if changes != self._changes:
            self._changes = changes
            self._due_at = min(self._due_at, self._saved_at + SAVES_APART)
        return run.clock() >= self._due_at or endpoint.entrance.ids.next > self._ids_below - FEW_IDS

    def _note_failure(self, run: ServerRun) -> None:
        """Let clients in without a reserved id, if nothing can be saved."""
        run.endpoint.entrance.ids.is_short = self._file.is_failing

    def _save(self, run: ServerRun, *, spare_ids: int = IDS_IN_A_BLOCK) -> None:
        ids = run.endpoint.entrance.ids
        if not spare_ids or ids.next > self._ids_below - FEW_IDS:
            self._ids_below = ids.next + spare_ids
        ids_below = self._ids_below
        self._saved_at = run.clock()
        self._due_at = self._saved_at + self._interval
        frozen = self._freeze(run, ids_below)
        if self._file.is_failing or not _is_alike(frozen, self._last):
            self._last = frozen
            self._file.save(lambda: encode(frozen, Rests()), lambda: run.driver.call(lambda: ids.allow(ids_below)))

    def _freeze(self, run: ServerRun, ids_below: int) -> Checkpoint:
        simulation = self._machine.simulation
        clients = table_of(run.endpoint, self._machine.events.unhandled())
        commit = self._machine.states.committed
        return Checkpoint(
            run.server.credentials.game,
            commit.tick,
            commit.time,
            simulation.game_time,
            self._wall_clock(),
            simulation.interval,
            ids_below,
            self.reset_key,
            run.endpoint.entrance.challenges.secrecy.identity.secrets,
            tuple(run.endpoint.entrance.bans.listed()),
            commit.tree,
            clients,
            run.server.face.player_inputs.bots.records(),
        )

    # -- the last save -----------------------------------------------------------------------------------------------

    def after_server(self) -> None:
        """See Memory."""
        if not self._last_save.runs_together():
            self.end()

    def after_game(self) -> None:
        """See Memory."""
        self._last_save.after_game()

    def end(self) -> None:
        """See Memory."""
        run, self._run = self._run, None
        self._last_save.end(None if run is None else lambda: self._save(run, spare_ids=0))


def _is_alike(one: Checkpoint, other: Checkpoint | None) -> bool:
    """Return whether a second save would bring nothing: only time has passed."""
    return (
        other is not None
        and one.state is other.state
        and one.clients == other.clients
        and one.ids_below == other.ids_below
        and one.bans == other.bans
        and [bot.client_id for bot in one.bots] == [bot.client_id for bot in other.bots]
    )
