"""A server and a game loop on one thread, which take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._io.ports import Driver, Loop, Platform, Transport
from .._state.tree import Tree
from ..errors import DisconnectReason
from ..event import CLIENT_CONNECTED, CLIENT_LEFT, Event
from .bots import Bot
from .interest import Interest
from .life import Life
from .loop import TickSwitch
from .machine_plumbing import MachinePlumbing
from .server_plumbing import ServerPlumbing
from .sharing import Sharing, ViewWithInputs
from .turns import ServerTurns
from .views import Asked, CheckedView, Views, check_view
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
        bots = self.server.face.player_inputs.bots
        self.server.memory = Checkpointing(file, interval, self.game, bans, bots, lambda: not self.life.is_over)

    def show(self, view: Any, *, share_inputs: bool) -> None:
        """Let each client see what a view returns for it.

        :param share_inputs: whether it also gets the inputs of the players whom it may see.
        :raises TypeError: if it cannot be called with (tree, client_id).
        """
        check_view(view)
        watch, simulation = self.game.watch, self.game.simulation
        asked: Asked = view if isinstance(view, Interest) else CheckedView(view)
        if share_inputs:
            asked = ViewWithInputs(asked, self._new_sharing())
        self.server.states.wire.views = Views(asked, self.server.log, lambda: simulation.debug, watch.note_view)

    def share_inputs(self) -> None:
        """Let all clients get the inputs of all players."""
        self.server.states.wire.sharing = self._new_sharing()

    def _new_sharing(self) -> Sharing:
        inputs = self.server.face.player_inputs
        return Sharing(lambda: inputs.known)

    def add_bot(self, decide: Callable[..., Any], ahead: int, profile: Tree) -> int:
        """Let a function play. It is the oldest bot of the checkpoint that has no function yet, or a new one.

        :param profile: frozen; what the handler of CLIENT_CONNECTED gets for a new one.
        :returns: the bot's client id.
        """
        bots = self.server.face.player_inputs.bots
        record = bots.saved.popleft() if bots.saved else None
        client_id = record.client_id if record is not None else self.server.give_client_id()
        bot = Bot(client_id, decide, ahead)
        if record is not None:
            bot.restore(record)
        else:
            self._note_bot(CLIENT_CONNECTED, client_id, profile=profile)
        bots.add(bot)
        return client_id

    def dismiss_bot(self, client_id: int) -> bool:
        """End a bot. Return whether there was one of this id."""
        found = self.server.face.player_inputs.bots.remove(client_id)
        if found:
            self._note_bot(CLIENT_LEFT, client_id, reason=DisconnectReason.KICKED)
        return found

    def _note_bot(self, event_type: str, client_id: int, **details: Any) -> None:
        event = Event(event_type)
        event.details, event.client_id = details, client_id
        self.game.push(event)

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

    def begin_on(self, loop: Loop, interval: float, transport: Transport, platform: Platform) -> TickSwitch:
        """In virtual time, or in a host of rooms.

        :returns: lets the ticks rest, and go on.
        """
        self._take_turns()
        self.server.memory.live_in_virtual_time()
        self.server.open(transport, "localhost", platform)
        rests = self.game.loop.begin_on(loop, interval)
        self.game.loop.life.ended.add_done_callback(lambda _: self._end())
        return rests

    def _end(self) -> None:
        self.server.memory.end()
        self.life.end()

    # -- the end -------------------------------------------------------------------------------------------------------

    def begin_shutdown(self) -> Driver | None:
        """Ask game loop and server to end, and do not wait; from any thread. Return the server's driver, or None."""
        self.game.loop.is_stopping = True
        return self.server.begin_shutdown()
