"""Pong's window: what the keys do goes to the server, what the server says goes to the screen."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pygame

import pygase_pygame
from games.pong import rules
from games.pong.court import Court
from games.pong.foresight import Foresight
from games.pong.scene import Link, Scene, Seat, scene_of
from games.pong.server import GAME, TICK
from pygase import RELIABLE, Backend, Interpolate

WINDOW_SIZE: Final = (960, 640)
FRAMES_PER_SECOND: Final = 60
NEWS_SECONDS: Final = 5.0
SNAP_DISTANCE: Final = 30.0  # court units: a paddle that is farther off was put back into the middle

# What glides between two ticks. A new phase means that all is put back into the middle: that is no movement.
MOVING: Final = (
    Interpolate("match.ball.x", "match.ball.y", snap_on="match.phase"),
    Interpolate("match.paddles.*", snap_on="match.phase"),
)

NO_DRIVERS: Final = {"dummy", "offscreen"}  # what SDL may fall back on where there is nothing to be seen
NO_DISPLAY: Final = "There is no display here to open a window on."


class NoDisplay(Exception):
    """There is nothing to open a window on; says so in a sentence."""


def play(name: str, hostname: str, port: int, *, hosted: Backend | None = None, invitation: str = "") -> None:
    """Join the game at an address, in a window, until the player closes it. Raises `NoDisplay`.

    A game that is `hosted` here ends with it; `invitation` is what friends have to type to join it.
    """
    open_window()
    try:
        own = OwnPaddle()
        with pygase_pygame.join(
            hostname, port, game=GAME, interpolate=MOVING, tick=TICK, predict=own.prediction
        ) as session:
            try:
                Player(session, own, name, invitation).run()
            finally:
                if hosted:
                    hosted.shutdown()  # before we leave, so that the others keep the match in sight as it was
    finally:
        pygame.quit()


def open_window() -> pygame.Surface:
    """Open a window that can be resized, or raise `NoDisplay`."""
    try:
        pygame.display.init()
        if pygame.display.get_driver() in NO_DRIVERS and not os.environ.get("SDL_VIDEODRIVER"):
            raise pygame.error(NO_DISPLAY)
        window = pygame.display.set_mode(WINDOW_SIZE, pygame.RESIZABLE)
    except pygame.error as error:
        pygame.quit()
        raise NoDisplay(NO_DISPLAY) from error
    pygame.font.init()
    pygame.display.set_caption("Pong")
    return window


class OwnPaddle:
    """Where in the state the player's own paddle is: known as soon as the server has given them a seat."""

    def __init__(self) -> None:
        self.seat: Seat | None = None
        self.prediction = pygase_pygame.Prediction(rules.move_paddle, self.path, snap_distance=SNAP_DISTANCE)

    def path(self, state: Mapping[str, Any], address: object) -> tuple[str, ...] | None:
        """Return the keys that lead to it; None while there is none, or it cannot move."""
        match = state.get("match")
        if not self.seat or match is None or match["phase"] == rules.WAITING:
            return None
        return "match", "paddles", self.seat


class Player:
    """One player's loop: takes in events, sends inputs, draws frames. The window must be open."""

    def __init__(
        self,
        session: pygase_pygame.Session,
        own: OwnPaddle,
        name: str,
        invitation: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._own = own
        self._name = name
        self._invitation = invitation
        self._clock = clock
        self._controls = pygase_pygame.Controls(up=[pygame.K_w, pygame.K_UP], down=[pygame.K_s, pygame.K_DOWN])
        self._court = Court()
        self._foresight: Foresight | None = None
        self._news = ""
        self._news_until = 0.0
        self._leaving = False

    def run(self) -> None:
        """Play until the player leaves."""
        frames = pygame.time.Clock()
        while self.frame(pygame.event.get()):
            frames.tick(FRAMES_PER_SECOND)

    def frame(self, events: Iterable[pygame.event.Event]) -> bool:
        """Do all that one frame takes; return whether there is to be another."""
        for event in events:
            self._handle(event)
        self._session.send_input(self._controls.axis("up", "down"))
        self._court.draw(pygame.display.get_surface(), self.scene())
        pygame.display.flip()
        return not self._leaving

    def scene(self) -> Scene:
        """Return what there is to see right now."""
        news = self._news if self._clock() < self._news_until else ""
        return scene_of(self._state(), self._own.seat, self._link(), news, self._invitation)

    def _state(self) -> dict[str, Any]:
        """Return what there is to show of the game, the ball at the time that fits the place where it is."""
        view = self._session.view()
        state = {name: view[name] for name in view}
        seat = self._own.seat
        if seat and "match" in state:
            if self._foresight is None or self._foresight.side != seat:
                self._foresight = Foresight(seat)
            ball = self._foresight.ball(state["match"], self._session.lead / TICK)
            state["match"] = {**state["match"], "ball": ball}
        return state

    def _link(self) -> Link:
        session = self._session
        if session.status == "connected":
            return Link("connected", session.address, rtt=session.client.stats.rtt)
        if session.status == "connecting":
            return Link("connecting", session.address)
        return Link("lost", session.address, trouble=session.reason)

    def _handle(self, event: pygame.event.Event) -> None:
        self._controls.handle(event)
        if event.type == pygame.QUIT:
            self._leaving = True
        elif event.type == pygame.KEYDOWN:
            self._press(event.key)
        elif event.type == pygase_pygame.CONNECTED:
            self._own.seat = None
            self._session.client.dispatch_event("JOIN", self._name, retries=RELIABLE)
        elif event.type == pygase_pygame.SERVER_EVENT:
            self._hear(event)

    def _press(self, key: int) -> None:
        if key == pygame.K_ESCAPE:
            self._leaving = True
        elif key == pygame.K_r:
            self._session.retry()  # which does nothing unless the connection is lost
        elif key == pygame.K_SPACE and self._is_over():
            self._session.client.dispatch_event("AGAIN", retries=RELIABLE)

    def _is_over(self) -> bool:
        """Return whether a match has ended and the server is there to begin another."""
        match = self._session.view().get("match")
        return self._session.status == "connected" and match is not None and match["phase"] == rules.OVER

    def _hear(self, event: pygame.event.Event) -> None:
        """Take in what the server says. Whatever else it may say is for newer games than this one."""
        match event.name, event.args:
            case "SEAT", ("left" | "right" | "" as seat,):
                self._own.seat = seat
            case "NEWS", (str(text),):
                self._news, self._news_until = text, self._clock() + NEWS_SECONDS
