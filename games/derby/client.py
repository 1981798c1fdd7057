"""Derby's window: sends the keys to the server, and shows the world that it predicts from all players' inputs."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import pygame

from games.common.news import NewsLine
from games.derby import rules
from games.derby.feel import SOUNDS, Feel
from games.derby.picture import Picture
from games.derby.referee import GOAL, OVER, PLAY, WAITING
from games.derby.rules import BACK, BOOST, FORWARD, LEFT, RIGHT, TEAMS
from games.derby.scene import Scene, empty_world
from games.derby.server import TICK
from games.derby.shape import CHECK
from pygase import Glide, WorldPrediction
from pygase_pygame import CONNECTED, SERVER_EVENT
from pygase_pygame.app import WAYS, GameScreen, LobbyOptions, Playing, SessionOptions

NEWS_SECONDS: Final = 5.0

# The whole world is predicted: my car answers in the frame of the key, and the ball in the frame of the touch.
PREDICTION: Final = WorldPrediction(
    rules.step,
    "world",
    glide=[Glide("cars.*", "x", "y", snap=150.0), Glide("cars.*", "hx", "hy"), Glide("ball", "x", "y", snap=150.0)],
)


class DerbyScreen(GameScreen):
    """Handles events, sends inputs and draws frames."""

    options = SessionOptions(tick=TICK, predict=PREDICTION, check=CHECK)
    inputs: ClassVar[Mapping[str, Any]] = {
        **WAYS,
        "boost": [pygame.K_SPACE, pygame.K_LSHIFT, "pad 0"],
        "again": [pygame.K_SPACE, "pad 0"],
    }
    sounds = SOUNDS
    lobby = LobbyOptions(teams=TEAMS)
    shows_status = True

    def __init__(self, playing: Playing) -> None:
        super().__init__(playing)
        self._picture = Picture(playing.lettering, playing.juice)
        self._feel = Feel(playing)
        self._phase, self._phase_at = "", 0.0
        self._count = 0
        self.news = NewsLine(playing.clock, NEWS_SECONDS)

    def handle(self, event: pygame.event.Event) -> None:
        """Handle one event."""
        self.controls.handle(event)
        if event.type == CONNECTED:
            self._feel = Feel(self.playing)
            self._phase = ""
        elif event.type == SERVER_EVENT and event.name == "NEWS" and event.args:
            self.news.show(str(event.args[0]))

    def update(self) -> None:
        """Send the wanted directions, once a frame."""
        again = self.controls.presses("again")
        held = self.controls.take()
        bits = FORWARD * held["up"] | BACK * held["down"] | LEFT * held["left"] | RIGHT * held["right"]
        self.session.send_input(bits | BOOST * held["boost"])
        if again and self.session.newest.get("match", {}).get("phase") == OVER and not self.in_lobby():
            self.tell("READY", True)

    def lobby_note(self) -> str:
        """Return the result of the last match."""
        match = self.session.newest.get("match")
        return result_of(match["score"]) if match and match["phase"] == OVER else ""

    def draw(self, surface: pygame.Surface) -> None:
        """Draw a frame and play its sounds."""
        scene = self.scene()
        self._feel.follow(scene.world, scene.me, scene.now)
        for happening in self.session.happenings():
            self._feel.happen(happening, scene.me, scene.now)
        self._picture.draw(surface, scene, self._feel)

    def scene(self) -> Scene:
        """Return the content of the present frame."""
        view, now = self.session.view(), self.playing.clock()
        scene = Scene(now, view.get("world") or empty_world(), me=self.session.me, news=self.news.text)
        scene.status = self._status()
        if "match" in view:
            scene.match, scene.seats = view["match"], view["seats"]
            self._follow_phase(scene)
            scene.phase_age = now - self._phase_at
            scene.notice = self._notice(scene)
        else:
            scene.notice = ("Derby", self.session.reason or "Connecting …", "")
        return scene

    def _follow_phase(self, scene: Scene) -> None:
        phase, before = scene.match["phase"], self._phase
        if phase != before:
            self._phase, self._phase_at = phase, scene.now
            if phase == GOAL and before:
                self._feel.score(scene.match["team"], scene.now)
            elif phase == OVER and before:
                self._feel.sound("whistle")
        count = scene.seconds_to_kick_off if phase == PLAY else 0
        if count != self._count:
            self._feel.sound("count" if count else "whistle")
            self._count = count

    def _notice(self, scene: Scene) -> tuple[str, str, str] | None:
        if not self.session.is_in_game:
            return ("Derby", self.session.reason, "")
        if scene.match["phase"] == OVER and not self.in_lobby():
            return (result_of(scene.match["score"]), "Another match begins soon.", "Space: I am ready")
        if scene.match["phase"] == WAITING and len(scene.world["cars"]) < 2:
            return ("Derby", "Warm up: the match begins when somebody joins.", self.playing.invitation)
        return None

    def _status(self) -> str:
        session = self.session
        if session.is_in_game:
            return session.reason or f"{session.address}   {round(session.client.stats.rtt * 1000)} ms"
        return session.reason


def result_of(score: list[int]) -> str:
    """Return who has won."""
    if score[0] == score[1]:
        return f"{score[0]} : {score[1]}"
    return f"{TEAMS[score[1] > score[0]]} wins {max(score)} : {min(score)}"
