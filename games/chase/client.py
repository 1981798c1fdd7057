"""Chase's window: sends the keys to the server, shows its state and its news.

`rules.move` predicts the player's own runner, so it moves at once. The others glide from state to state, a moment late.
One screen shows two times, so the server judges a tag by the chaser's screen (see `server`).
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import pygame

from games.chase import figures, rules, walls, words
from games.chase.picture import Picture
from games.chase.server import MOVING, TICK
from games.chase.shape import CHECK
from games.common.news import NewsLine
from pygase_pygame import CONNECTED, SERVER_EVENT, Prediction
from pygase_pygame.app import WAYS, GameScreen, LobbyOptions, Playing, SessionOptions, SoundSet, Tone, hud, icon

NEWS_SECONDS: Final = 4.0
INVITATION_SECONDS: Final = 12.0  # long enough to read the invitation out to somebody
RTT_SECONDS: Final = 0.5  # time between two updates of the round-trip time
SNAP_DISTANCE: Final = 400.0  # points: a larger correction is shown at once
HEARD_WITHIN: Final = 1_300  # points: the player hears a chaser nearer than this
HEART_SECONDS: Final = (0.25, 0.9)  # from beat to beat: with a chaser beside the player, at `HEARD_WITHIN`


class ChaseScreen(GameScreen):
    """A player's window."""

    graph_corner = "bottomright"
    lobby = LobbyOptions(table="people", numbered=True)
    options = SessionOptions(
        interpolate=MOVING,
        tick=TICK,
        predict=Prediction(rules.move, "runners.{me}", smooth=("x", "y"), snap_distance=SNAP_DISTANCE),
        check=CHECK,
    )
    inputs: ClassVar[Mapping[str, Any]] = {
        **WAYS,
        "dash": [pygame.K_SPACE, pygame.K_LSHIFT, pygame.K_RSHIFT, "pad 0", "pad axis 5 +"],
    }
    sounds = SoundSet(
        tag=[Tone(660, 0.07, shape="triangle"), Tone(880, 0.16, shape="triangle")],
        caught=[Tone(520, 0.1, shape="square", volume=0.4), Tone(330, 0.35, to=140, shape="square", volume=0.4)],
        elsewhere=[Tone(440, 0.12, to=380, shape="triangle", volume=0.25)],
        go=[Tone(523, 0.08), Tone(784, 0.22)],
        dash=[Tone(3_000, 0.16, to=900, shape="noise", volume=0.3)],
        heart=[Tone(70, 0.09, to=45, volume=0.9)],
        win=[Tone(523, 0.12), Tone(659, 0.12), Tone(784, 0.12), Tone(1047, 0.4)],
        over=[Tone(659, 0.15), Tone(523, 0.35)],
    )

    def __init__(self, playing: Playing) -> None:
        super().__init__(playing)
        self._picture = Picture(playing.lettering)
        self.news = NewsLine(playing.clock, NEWS_SECONDS)
        self._rtt: float | None = None
        self._rtt_until = 0.0
        self._beat_at = 0.0
        self._before: Mapping[str, Any] = {}  # the player's runner in the last frame
        self._winner: list[Any] = []

    @staticmethod
    def icon() -> pygame.Surface:
        """Return the window's icon: the chaser."""
        return icon(figures.paint_icon)

    def handle(self, event: pygame.event.Event) -> None:
        """Handle one event."""
        self.controls.handle(event)
        if event.type == CONNECTED:
            self._before, self._winner = {}, []
            if self.playing.invitation:
                self.news.show(f"Friends type: {self.playing.invitation}", INVITATION_SECONDS)
        elif event.type == SERVER_EVENT:
            match event.name, event.args:
                case "NEWS", (str(text),):
                    self.news.show(text)
                case "TAG", (int(chaser), int(caught)):
                    self._hear_tag(chaser, caught)

    def update(self) -> None:
        """Send the player's input, once a frame."""
        held = self.controls.take()
        x, y = held["right"] - held["left"], held["down"] - held["up"]
        self.session.send_input({"x": x, "y": y, "dash": held["dash"]})

    def lobby_note(self) -> str:
        """Return the result of the round, if there was one, and the time to the next."""
        this = self.session.newest["round"]
        if not this["winner"]:
            return "Nobody is caught yet. The first round begins when all are ready."
        return " ".join((*words.result(this["winner"], self.session.me), words.time_left(this).capitalize()))

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the frame and play the sounds of its changes."""
        now, me = self.playing.clock(), self.session.me
        state = self._state()
        self._listen(state, me, now)
        self._picture.draw(surface, state, me, now)
        self._draw_notice(surface, state, me)
        status = self._status(state, now)
        hud.footer(surface, self.playing.lettering, status, self._keys_beside(status, surface))

    def _state(self) -> dict[str, Any]:
        view = self.session.view(shared=True)  # shared states are read only
        return {name: view[name] for name in view}

    def _draw_notice(self, surface: pygame.Surface, state: Mapping[str, Any], me: int | None) -> None:
        runners, winner = state.get("runners", {}), state.get("round", {}).get("winner")
        if winner:
            self._picture.notice(surface, *words.result(winner, me), words.time_left(state["round"]).capitalize())
        elif len(runners) == 1 and me in runners:
            how = "Friends join with:" if self.playing.invitation else "Wait for somebody to join."
            self._picture.notice(surface, "Nobody to catch yet", how, self.playing.invitation)

    def _status(self, state: Mapping[str, Any], now: float) -> str:
        if self.news.is_shown:
            return self.news.text
        if not self.session.is_in_game:
            return ""
        if now >= self._rtt_until:  # a number that changes in every frame is unreadable
            self._rtt, self._rtt_until = self.session.client.stats.rtt, now + RTT_SECONDS
        count = len(state.get("runners", {}))
        players = "1 player" if count == 1 else f"{count} players"
        if self.session.status == "reconnecting":  # the band at the top says so, and there is no round trip
            return players
        return players if self._rtt is None else f"{players} · {self._rtt * 1000:.0f} ms"

    def _keys_beside(self, status: str, surface: pygame.Surface) -> str:
        size = hud.text_size(surface)
        room = surface.get_width() - 2 * size - self.playing.lettering.width(status, size)
        fits = self.playing.lettering.width(words.KEYS, size) <= room
        return words.KEYS if fits else words.KEYS_SHORT

    # -- sounds --------------------------------------------------------------------------------------------------------

    def _hear_tag(self, chaser: int, caught: int) -> None:
        state, me = self._state(), self.session.me
        self.news.show(words.tag(state.get("people", {}), chaser, caught, me))
        where = state.get("runners", {}).get(caught)
        name = "caught" if caught == me else "tag" if chaser == me else "elsewhere"
        if where is None:
            self.playing.sounds.play(name)
            return
        self._picture.flash((where["x"], where["y"]), self.playing.clock())
        self.playing.sounds.play(name, pan=_pan(where))

    def _listen(self, state: Mapping[str, Any], me: int | None, now: float) -> None:
        runners = state.get("runners", {})
        mine = runners.get(me) if me is not None else None
        winner = state.get("round", {}).get("winner", [])
        if winner and not self._winner:
            self.playing.sounds.play("win" if winner[0] == me else "over")
        self._winner = winner
        if mine is None:
            return
        before, self._before = self._before, mine
        if before:
            if mine["dash"] > before["dash"]:
                self.playing.sounds.play("dash", pan=_pan(mine))
            if before["frozen"] and not mine["frozen"]:
                self.playing.sounds.play("go")
        self._beat(runners, mine, now)

    def _beat(self, runners: Mapping[int, Any], mine: Mapping[str, Any], now: float) -> None:
        """Play a heartbeat, faster the nearer the chaser is."""
        chaser = rules.chaser_of(runners)
        if chaser is None or mine["it"] or mine["safe"] or self._winner:
            return
        it = runners[chaser]
        away = math.dist((it["x"], it["y"]), (mine["x"], mine["y"])) / HEARD_WITHIN
        if away < 1 and now >= self._beat_at:
            fastest, slowest = HEART_SECONDS
            self._beat_at = now + fastest + (slowest - fastest) * away
            self.playing.sounds.play("heart", volume=1.0 - 0.7 * away, pan=_pan(it))


def _pan(runner: Mapping[str, Any]) -> float:
    """Return the pan of a runner's sound: -0.8 at the left end of the place, 0.8 at the right."""
    return min(max(2 * float(runner["x"]) / walls.WIDTH - 1, -1.0), 1.0) * 0.8
