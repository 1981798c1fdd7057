"""A table to play at in tests: a server and players with windows and keys, on a simulated network in virtual time."""

import argparse
from collections.abc import Iterable
from typing import Any

import pygame

from pygase import Backend, Client
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Session
from pygase_pygame.app import play
from pygase_pygame.app.game import Game, Hosting
from pygase_pygame.app.game_loop import GameLoop
from pygase_pygame.app.game_screen import GameScreen, Playing
from pygase_pygame.app.sounds import Sounds
from pygase_pygame.app.window import Window

FRAME = 1 / 60
DRAWS_EACH = 4  # of the frames: to draw takes most of the time
SIZE = (480, 320)  # of the window: the usual size takes three times as long to draw


class Table:
    """A game, served on a simulated network. `backend` is the server's; `network` the weather. Close it when done.

    All seats share pygame's one window, and each gets only the events that the test gives it, and those of its session.
    """

    def __init__(
        self, game: Game, *, bots: int = 0, seed: int = 1, link: Link | None = None, backend: Backend | None = None
    ) -> None:
        self.game = game
        self.network = SimulatedNetwork(seed=seed, link=link or Link())
        self.backend = backend or game.serve(Hosting(bots))
        self.network.serve(self.backend, interval=game.tick)
        self.window = Window(game.title, size=SIZE)
        self.seats: list[Seat] = []

    def sit(self, name: str, args: argparse.Namespace | None = None, **sitting: Any) -> "Seat":
        """Seat a player, whose window opens and whose client begins to connect."""
        seat = Seat(self, name, args or argparse.Namespace(), **sitting)
        self.seats.append(seat)
        return seat

    def runs(self, seconds: float, *, draws_each: int = DRAWS_EACH) -> None:
        """Let time pass, frame by frame, at all seats that are open.

        :param draws_each: draw each frame of that number, and the last one. In the others the window is minimised.
        """
        visible = self.window.visible
        for left in reversed(range(round(seconds / FRAME))):
            self.network.run(FRAME)
            self.window.visible = visible and left % draws_each == 0
            self.frame()
        self.window.visible = visible

    def waits(self, seconds: float) -> None:
        """Let time pass with a minimised window, in which nothing is drawn."""
        visible, self.window.visible = self.window.visible, False
        self.runs(seconds)
        self.window.visible = visible

    def frame(self) -> None:
        """Do one frame at all open seats, without time passing."""
        posted = pygame.event.get()
        for seat in self.seats:
            if seat.open:
                seat.frame(event for event in posted if getattr(event, "session", None) in (seat.session, None))

    @property
    def state(self) -> Any:
        """The true state."""
        return self.backend.game_state_store.get_game_state()

    def close(self) -> None:
        """Close everything."""
        for seat in self.seats:
            seat.session.close()
        self.backend.shutdown()
        self.window.close()


class Seat:
    """A player at a window. `screen` is the game's own part. A `pressed` key acts in the next frame."""

    def __init__(self, table: Table, name: str, args: argparse.Namespace, link: Link | None = None) -> None:
        screen_class = play.load_screen(table.game)
        client = Client(game=table.game.name)
        self.session = Session(
            client,
            connect=lambda: table.network.connect(client, link=link, profile={"name": name}),
            clock=table.network.clock,
            address=f"localhost:{table.game.port}",
            **screen_class.options,
        )
        self.screen: GameScreen = screen_class(
            Playing(self.session, name, sounds=Sounds(screen_class.sounds), clock=table.network.clock, args=args)
        )
        self.loop = GameLoop(table.window, self.screen)
        self.open = True
        self.session.connect()

    def frame(self, events: Iterable[pygame.event.Event] = ()) -> None:
        """Do one frame with these events, at once."""
        self.open = self.loop.frame(events)

    def presses(self, *keys: int, text: str = "") -> None:
        """Press keys, and hold them until they are released."""
        self.frame([pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode=text) for key in keys])

    def releases(self, *keys: int) -> None:
        """Let keys go."""
        self.frame([pygame.event.Event(pygame.KEYUP, key=key, mod=0) for key in keys])

    def leaves(self) -> None:
        """Leave by the menu: Esc, then its last row."""
        for key in (pygame.K_ESCAPE, pygame.K_UP, pygame.K_RETURN):
            self.presses(key)

    def happens(self, event_type: int, **attributes: Any) -> None:
        """Let any other event of pygame's happen at this window."""
        self.frame([pygame.event.Event(event_type, **attributes)])

    @property
    def key(self) -> int:
        """The client's id, under which many games keep their players."""
        assert self.session.me is not None
        return self.session.me
