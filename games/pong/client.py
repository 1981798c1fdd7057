"""Pong's window: sends the keys to the server, shows its state and its news."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

import pygame

from games.common.news import NewsLine
from games.pong import flight, rules, scene
from games.pong.court import Court
from games.pong.echo import BOUNCES, SOUNDS, Echo, sound_of
from games.pong.feel import Feel
from games.pong.flight import SIDES
from games.pong.foresight import Foresight
from games.pong.ground import pong_icon
from games.pong.scene import Link, Scene, scene_of
from games.pong.seats import Seat, people_of, seat_of
from games.pong.server import TICK
from games.pong.shape import CHECK
from pygase import Interpolate
from pygase_pygame import CONNECTED, SERVER_EVENT, Prediction, juice
from pygase_pygame.app import GameScreen, LobbyOptions, Playing, SessionOptions

NEWS_SECONDS: Final = 5.0
SNAP_DISTANCE: Final = 30.0  # court units: a paddle that is farther off was reset to the middle

# The values that glide between two ticks. A new phase resets them to the middle; a reset does not glide.
MOVING: Final = (
    Interpolate("match.ball.x", "match.ball.y", snap_on="match.phase"),
    Interpolate("match.paddles.*", snap_on="match.phase"),
)

GUEST_KEYS: Final = (pygame.K_2, pygame.K_KP2, pygame.K_F2)


def own_paddle(state: Mapping[str, Any], me: int | None) -> tuple[str, ...] | None:
    """Return the path to the player's own paddle, or None if there is none or it cannot move."""
    match, seat = state.get("match"), seat_of(state.get("seats"), me)
    if not seat or match is None or match["phase"] == rules.WAITING:
        return None
    return "match", "paddles", seat


def with_people(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with the `players` and those `watching`, if it has seats."""
    return {**state, **(people_of(state["seats"]) if "seats" in state else {})}


def steered(paddle: float, wishes: object) -> float:
    """Return the y of the player's own paddle one tick later, by the server's rules."""
    return rules.move_paddle(paddle, rules.wishes(wishes)[0])


def _one_way(ways: int) -> int:
    """Return -1, 0 or 1 for the sum of all held directions."""
    return min(max(ways, -1), 1)


class PongScreen(GameScreen):
    """Handles events, sends inputs and draws frames."""

    options = SessionOptions(
        interpolate=MOVING,
        tick=TICK,
        predict=Prediction(steered, own_paddle, snap_distance=SNAP_DISTANCE),
        check=CHECK,
        happenings=BOUNCES,
    )
    inputs: ClassVar[Mapping[str, Any]] = {
        "letters_up": pygame.K_w,  # two sets of keys, for one player or for two
        "letters_down": pygame.K_s,
        "arrows_up": pygame.K_UP,
        "arrows_down": pygame.K_DOWN,
        "pad_up": "pad up",
        "pad_down": "pad down",
        "again": [pygame.K_SPACE, "pad 0"],
    }
    sounds = SOUNDS
    lobby = LobbyOptions(colours=["orange", "skyblue"])  # left and right
    shows_status = True
    icon = staticmethod(pong_icon)

    def __init__(self, playing: Playing) -> None:
        super().__init__(playing)
        self._court = Court()
        self._echo = Echo()
        self._feel = Feel(playing)
        self._foresight: Foresight | None = None
        self._seat: Seat = ""
        self._direction = 0  # of the own paddle
        self._waiting_news: deque[str] = deque()  # sentences that wait until no other news is shown
        self.news = NewsLine(playing.clock, NEWS_SECONDS)

    def handle(self, event: pygame.event.Event) -> None:
        """Handle one event."""
        self.controls.handle(event)
        if event.type == pygame.KEYDOWN:
            self._press(event.key)
        elif event.type == CONNECTED:
            self._seat, self._echo = "", Echo()
        elif event.type == SERVER_EVENT:
            self._hear(event)

    def update(self) -> None:
        """Send the wanted directions of the paddles, once a frame."""
        again = self.controls.presses("again")
        held = self.controls.take()
        letters, arrows, pad = (held[f"{hand}_down"] - held[f"{hand}_up"] for hand in ("letters", "arrows", "pad"))
        newest = with_people(self.session.newest)
        seat = self._seat_in(newest)
        if scene.has_guest(newest, seat):
            own, guest = (letters, arrows) if seat == flight.LEFT else (arrows, letters)
            self._direction = _one_way(own + pad)
            self.session.send_input([self._direction, guest])
        else:
            self._direction = _one_way(letters + arrows + pad)
            self.session.send_input(self._direction)
        if again and seat and newest["match"]["phase"] == rules.OVER and not self.in_lobby():
            self.tell("READY", True)

    def lobby_note(self) -> str:
        """Return the result of the last game."""
        state = with_people(self.session.newest)
        result = scene.result_of(state, self._seat_in(state))
        return f"{result.title}. {result.text}" if result else ""

    def draw(self, surface: pygame.Surface) -> None:
        """Draw a frame and play its sounds."""
        state = self._state()
        self._take_seat(state)
        self._play_sounds(state.get("match"))
        self._show_waiting_news()
        self._court.draw(surface, self._felt(state), self.playing.juice, self.playing.clock())

    def _play_sounds(self, match: rules.Match | None) -> None:
        sounds = self._echo.follow(match, self.playing.clock(), self._seat or None, self.session.foretell)
        bounces = self.session.happenings()
        for name, pan in (*sounds, *filter(None, map(sound_of, bounces))):
            self.playing.sounds.play(name, pan=pan, pitch=juice.vary())
        if match is not None:
            for bounce in bounces:
                self._feel.happen(bounce, match, self.playing.clock())
            self._feel.follow(match, self.playing.clock())

    def scene(self) -> Scene:
        """Return the content of the present frame."""
        return self._scene_of(self._state())

    def _felt(self, state: dict[str, Any]) -> Scene:
        """Return the scene with what a hit and a point do to the picture."""
        now, match = self.playing.clock(), state.get("match")
        if match is not None and match["phase"] == rules.RALLY:
            state = {**state, "match": {**match, "ball": self._feel.held(match["ball"], now)}}
        pops = {side: self._feel.pop(side, now) for side in SIDES}
        squashes = {side: self._feel.squash(side, now) for side in SIDES}
        return replace(self._scene_of(state), pops=pops, squashes=squashes)

    def _scene_of(self, state: Mapping[str, Any]) -> Scene:
        now = self.playing.clock()
        trail = self._echo.trail(now)
        return scene_of(state, self._seat_in(state), self._link(), self.news.text, self.playing.invitation, trail)

    def _state(self) -> dict[str, Any]:
        """Return the state to draw, with the ball of `foresight`."""
        view = self.session.view()
        state = with_people({name: view[name] for name in view})
        seat = self._seat_in(state)
        if seat:
            if self._foresight is None or self._foresight.side != seat:
                self._foresight = Foresight(seat)
            ball = self._foresight.ball(state["match"], self.session.lead / TICK, self._direction)
            ahead = ball["vx"] * state["match"]["ball"]["vx"] < 0.0  # it has met the own paddle already
            state["match"] = {**state["match"], "ball": ball, "rally": state["match"]["rally"] + ahead}
        return state

    def _seat_in(self, state: Mapping[str, Any]) -> Seat:
        return seat_of(state.get("seats"), self.session.me)

    def _link(self) -> Link:
        session = self.session
        if session.is_in_game:
            return Link("connected", session.address, rtt=session.client.stats.rtt, trouble=session.reason)
        if session.status == "connecting":
            return Link("connecting", session.address)
        return Link("lost", session.address, trouble=session.reason)

    def _take_seat(self, state: Mapping[str, Any]) -> None:
        """Notice a new seat, and queue the sentences that explain it."""
        seat = self._seat_in(state)
        if seat != self._seat:
            self._seat = seat
            self._waiting_news = deque(scene.opening(state, seat, self.playing.invitation))

    def _show_waiting_news(self) -> None:
        if self._waiting_news and not self.news.is_shown:
            self.news.show(self._waiting_news.popleft())

    def _press(self, key: int) -> None:
        if not self.session.is_in_game:
            return
        newest = with_people(self.session.newest)
        seat = self._seat_in(newest)
        if key in GUEST_KEYS and seat:
            self.tell("GUEST", not scene.has_guest(newest, seat))

    def _hear(self, event: pygame.event.Event) -> None:
        """Show the server's news. Newer versions of the game may send unknown events."""
        match event.name, event.args:
            case "NEWS", (str(text),):
                self.news.show(text)
