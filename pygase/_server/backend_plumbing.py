"""A server and a game loop on one thread, which take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._io.ports import Driver, Loop, Platform, Transport
from .interest import Interest
from .life import Life
from .machine_plumbing import MachinePlumbing
from .server_plumbing import ServerPlumbing
from .turns import ServerTurns
from .views import CheckedView, Views, check_view
from .weighing import priorities_of

if TYPE_CHECKING:
    import asyncio


class BackendPlumbing:
    """The insides of a backend. :meth:`claim` first; then :meth:`run`, or :meth:`begin_on`.

    :param machine: the game state machine, which is the server's event wire.

    :ivar life: of the newest run.
    """

    def __init__(self, server: ServerPlumbing, game: MachinePlumbing, machine: Any) -> None:
        self.server = server
        self.game = game
        self.life = Life("this Backend runs already; shutdown() it first, or make another Backend")
        self._machine = machine

    def keep_checkpoint(self, path: Any, interval: float, game: str, max_state_values: int) -> None:
        """Go on from the checkpoint in a file, if there is one, and save there from now on.

        :param interval: seconds between two saves; ``game``: the game's name.
        :raises TypeError, CheckpointUnusable: see CheckpointFile.
        """
        from .checkpoint_file import CheckpointFile  # only here: few backends have a checkpoint
        from .checkpointing import Checkpointing

        file = CheckpointFile(path, game, max_state_values)
        self._take_turns()  # also if the program runs server and game loop by themselves
        bans = self.server.keeping_out.bans
        self.server.memory = Checkpointing(file, interval, self.game, bans, lambda: not self.life.is_over)

    def show(self, view: Any) -> None:
        """Let each client see what a view returns for it.

        :raises TypeError: if it cannot be called with (tree, client_id).
        """
        check_view(view)
        watch, simulation = self.game.watch, self.game.simulation
        asked = view if isinstance(view, Interest) else CheckedView(view)
        self.server.states.wire.views = Views(asked, self.server.log, lambda: simulation.debug, watch.note_view)

    def prefer(self, priority: Any) -> None:
        """Let what is urgent leave first to clients that are short.

        :param priority: patterns and weights, or a function.
        :raises TypeError, InvalidValue: it is neither, or a pattern makes no sense.
        """
        simulation, wire = self.game.simulation, self.server.states.wire
        wire.priorities = priorities_of(priority, self.server.log, lambda: simulation.debug)

    def claim(self, interval: float) -> None:
        """:raises ValueError: if the interval is not a positive number of seconds.
        :raises RuntimeError: if the backend, its server or its game loop runs already.
        """
        self.life.begin()
        try:
            self._claim_both(interval)
        except BaseException:
            self.life.end()
            raise

    def _claim_both(self, interval: float) -> None:
        self.game.loop.claim(interval)
        try:
            self.server.claim(self._machine)
        except BaseException:
            self.game.loop.life.end()
            raise

    # -- on asyncio's loop -------------------------------------------------------------------------------------------

    async def run(self, hostname: str, port: int, interval: float, on_bound: Callable[[], Any] | None = None) -> None:
        """Serve and play on the running event loop, until the server ends."""
        try:
            await self._serve_and_play(hostname, port, interval, on_bound)
        finally:
            self._end()

    async def _serve_and_play(
        self, hostname: str, port: int, interval: float, on_bound: Callable[[], Any] | None
    ) -> None:
        import asyncio

        server, loop = self.server, self.game.loop
        self._take_turns()
        serving = asyncio.ensure_future(server.serve(port, hostname, on_bound))
        try:
            await asyncio.wait([serving, asyncio.wrap_future(server.bound)], return_when=asyncio.FIRST_COMPLETED)
            if serving.done():  # it could not be bound
                loop.life.end()
                await serving
                return
            await self._play(serving, asyncio.ensure_future(loop.run(interval)))
        except asyncio.CancelledError:
            server.request_stop()
            await serving
            loop.life.end()
            raise

    async def _play(self, serving: asyncio.Future[Any], playing: asyncio.Future[Any]) -> None:
        """Wait for the server's end. If the game loop ends first without an error, the clients stay."""
        import asyncio

        try:
            await asyncio.wait([serving, playing], return_when=asyncio.FIRST_COMPLETED)
            if playing.done() and not playing.cancelled() and playing.exception() is None:
                await asyncio.wait([serving])
        finally:
            self.server.request_stop()
            self.game.loop.request_stop()  # it may run in another thread, if it was resumed there
            # a game that was resumed in another thread has the last state
            await asyncio.wait([serving, playing, asyncio.wrap_future(self.game.loop.life.ended)])
        await asyncio.gather(serving, playing)

    def _take_turns(self) -> None:
        """Let the game loop and the server take turns: receive, tick, send."""
        self.game.turns = ServerTurns(self.server)

    # -- on a virtual loop -------------------------------------------------------------------------------------------

    def begin_on(self, loop: Loop, interval: float, transport: Transport, platform: Platform) -> None:
        """In virtual time."""
        self._take_turns()
        self.server.memory.live_in_virtual_time()
        self.server.open(transport, "localhost", platform)
        self.game.loop.begin_on(loop, interval)
        self.game.loop.life.ended.add_done_callback(lambda _: self._end())

    def _end(self) -> None:
        self.server.memory.end()
        self.life.end()

    # -- the end -------------------------------------------------------------------------------------------------------

    def begin_shutdown(self) -> Driver | None:
        """Ask game loop and server to end, and do not wait; from any thread. Return the server's driver, or None."""
        self.game.loop.is_stopping = True
        return self.server.begin_shutdown()
