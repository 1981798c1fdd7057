"""Arena's window: sends keys, mouse and pad to the server, shows its state and its news.

The player's own ship flies and fires at once, by the server's rules (`Prediction`). The other ships are shown a moment
late, so the server judges a shot by the shooter's screen (see `server`).
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import pygame

import pygase_pygame
from games.arena import rules, sprites, walls
from games.arena.board import ranking
from games.arena.chat import LONGEST_CHAT_LINE
from games.arena.memory import Memory, Tracer
from games.arena.picture import Picture
from games.arena.rules import AIM, AT, FULL_STICK, Ship
from games.arena.scene import Camera, Scene, field_of
from games.arena.server import MOVING, NO_PILOT, TICK
from games.arena.shape import CHECK
from pygase import Happening, Interpolate
from pygase_pygame import Prediction, TextEntry
from pygase_pygame.app import WAYS, GameScreen, LobbyOptions, Playing, SessionOptions, SoundSet, Tone, icon

HURT_SECONDS: Final = 0.4
INVITATION_SECONDS: Final = 12.0  # long enough to read the invitation out to somebody
SNAP_DISTANCE: Final = 6 * rules.SPEED  # points: a larger correction is shown at once
HEARD_WITHIN: Final = 7_000  # points: sounds from farther away are silent
PAD_SIGHT: Final = 3_000  # points from the ship to the crosshair when a stick aims

BETWEEN_SHOTS: Final = rules.RELOAD // 2 - 1  # ticks: two shots of a ship are two

OWN: Final = Prediction(
    rules.move,
    "ships.{me}",
    smooth=[str(AT), Interpolate(str(AIM), angle="degrees")],
    snap_distance=SNAP_DISTANCE,
)


class ArenaScreen(GameScreen):
    """A player's window."""

    options = SessionOptions(
        interpolate=MOVING, tick=TICK, predict=OWN, check=CHECK, happenings={"SHOT": BETWEEN_SHOTS}
    )
    lobby = LobbyOptions(table="pilots", numbered=True)
    inputs: ClassVar[Mapping[str, Any]] = {
        **WAYS,
        "fire": [pygame.K_SPACE, "mouse left", "pad 5", "pad axis 5 +"],
        "scores": [pygame.K_TAB, "pad 6"],
        "aim_left": "pad axis 3 -",
        "aim_right": "pad axis 3 +",
        "aim_up": "pad axis 4 -",
        "aim_down": "pad axis 4 +",
    }
    sounds = SoundSet(
        shot=[Tone(1_300, 0.09, to=300, shape="square", volume=0.25)],
        hit=[Tone(1_500, 0.05, shape="triangle", volume=0.5)],
        hurt=[Tone(190, 0.16, to=90, shape="square", volume=0.5)],
        blast=[Tone(2_400, 0.5, to=200, shape="noise", volume=0.6)],
        wrecked=[Tone(660, 0.08, shape="triangle"), Tone(990, 0.18, shape="triangle")],
        back=[Tone(330, 0.1, to=660, volume=0.4)],
        chat=[Tone(880, 0.06, volume=0.3)],
        round=[Tone(523, 0.14, shape="triangle"), Tone(659, 0.14, shape="triangle"), Tone(784, 0.4, shape="triangle")],
    )

    def __init__(self, playing: Playing) -> None:
        super().__init__(playing)
        self._entry = TextEntry(max_length=LONGEST_CHAT_LINE, placeholder="Say something", clock=playing.clock)
        self._picture = Picture(playing.lettering)
        self._memory = Memory()
        self._aim = 0
        self._aims_by_stick = False
        self._fire = False
        self._health = 0
        self._hurt_at = -math.inf
        self._killer = ""
        self._judge = False
        self._invited_until = -math.inf
        self._winner = NO_PILOT
        self._middle: tuple[float, float] = (walls.WIDTH / 2, walls.HEIGHT / 2)
        self._size = (960, 640)  # pixels: the part of the window that shows the arena

    @staticmethod
    def icon() -> pygame.Surface:
        """Return the window's icon."""
        return icon(sprites.paint_icon)

    @property
    def _me(self) -> int:
        """The player's own number; `NO_PILOT` before the connection stands."""
        return self.session.me or NO_PILOT

    # -- input

    def handle(self, event: pygame.event.Event) -> bool:
        """Handle one event. Return True if no other part of the program may handle it."""
        if self._entry.focused:
            return self._handle_chat(event)
        self.controls.handle(event)
        if event.type == pygame.MOUSEMOTION:
            self._aims_by_stick = False
        elif event.type == pygame.KEYDOWN:
            return self._press(event)
        elif event.type == pygase_pygame.CONNECTED:
            self._memory.clear_picture()
            self._invited_until = self.playing.clock() + INVITATION_SECONDS
        elif event.type == pygase_pygame.SERVER_EVENT:
            self._hear(event.name, event.args)
        return False

    def _press(self, event: pygame.event.Event) -> bool:
        if event.key in (pygame.K_RETURN, pygame.K_KP_ENTER) and not event.mod & pygame.KMOD_ALT:
            self.controls.release_all()
            self._entry.focus(event)
            return True
        if event.key == pygame.K_F5:
            self._judge = not self._judge
            return True
        return False

    def _handle_chat(self, event: pygame.event.Event) -> bool:
        if event.type == pygase_pygame.SERVER_EVENT:
            self._hear(event.name, event.args)
            return False
        if self._entry.handle(event):
            return True
        if event.type != pygame.KEYDOWN:
            return False
        if event.key in (pygame.K_RETURN, pygame.K_KP_ENTER) and self._entry.text.strip():
            self.tell("CHAT", self._entry.text)
        if event.key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_ESCAPE):
            self._entry.clear()
            self._entry.blur()
        return not pygame.K_F1 <= int(event.key) <= pygame.K_F12  # function keys write nothing

    def update(self) -> None:
        """Send the player's command."""
        self._take_aim()
        self._fire = self.controls.take()["fire"] or self._fire
        x, y = self.controls.vector("left", "right", "up", "down")
        stick = round(x * FULL_STICK), round(y * FULL_STICK)
        if self.session.send_input([*stick, self._aim, self._fire]):
            self._fire = False  # sent: keeps a click shorter than a tick until then

    def _take_aim(self) -> None:
        x, y = self.controls.vector("aim_left", "aim_right", "aim_up", "aim_down")
        if x or y:
            self._aims_by_stick = True
            self._aim = rules.degrees(rules.bearing((0, 0), (x, y)))
        elif self.controls.mouse is not None and not self._aims_by_stick:
            ship = self._camera().pixel(self._middle)
            if self.controls.mouse != ship:
                self._aim = rules.degrees(rules.bearing(ship, self.controls.mouse))

    def lobby_note(self) -> str:
        """Return the winner of the round, if there was one."""
        winner = self.session.newest["winner"]
        first = "Wrecks do not count yet. The first round begins when all are ready."
        return first if winner == NO_PILOT else f"{self.name_of(winner)} wins the round."

    # -- events

    def _hear(self, name: str, data: tuple[Any, ...]) -> None:
        """Handle an event from the server. Newer versions of the game may send unknown ones."""
        now = self.playing.clock()
        match name, data:
            case "NEWS", (str(text),):
                self._memory.say(text, "news", now)
            case "CHAT", (str(who), str(text)):
                self._memory.say(f"{who}: {text}", "chat", now)
                self.playing.sounds.play("chat")
            case "WRECK", (int(killer), int(victim)):
                self._hear_of_wreck(killer, victim, now)
            case "JUDGED", (int(), [_, _], bool(hit), int(), _, _, _):
                self._memory.judge(data, now)
                if hit:
                    self.playing.sounds.play("hit")

    def _hear_of_wreck(self, killer: int, victim: int, now: float) -> None:
        me = self._me
        if not self.session.newest.get("pilots"):
            return  # the event arrived before the first state: names are unknown
        who, whom = (self.name_of(number) or "Somebody" for number in (killer, victim))
        if killer == me:
            self._memory.say(f"You wrecked {whom}", "mine", now)
            self.playing.sounds.play("wrecked")
        elif victim == me:
            self._killer = who
            self._memory.say(f"{who} wrecked you", "mine", now)
        else:
            self._memory.say(f"{who} wrecked {whom}", "feed", now)

    # -- drawing

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the whole frame."""
        self._size = field_of(surface)
        scene = self.scene()
        self._picture.draw(surface, scene)
        pygame.mouse.set_visible(scene.sight is None)

    def scene(self) -> Scene:
        """Return the content of the present frame."""
        now, me = self.playing.clock(), self._me
        state = self.session.view(shared=True)
        ships: Mapping[int, Ship] = state.get("ships", {})
        if me in ships:
            x, y = ships[me][AT]
            self._middle = (x, y)
        for each in self.session.happenings():
            if each.what == "SHOT" and not each.taken_back:
                self._show_shot(each, ships, now)
        self._take_in(state, ships, me, now)
        flies = me in ships and self.session.is_in_game
        return Scene(
            now,
            self._memory,
            me,
            ships,
            **{name: state.get(name, {}) for name in ("health", "shields", "scores")},
            pilots={number: (seat["name"], seat["lost"]) for number, seat in state.get("pilots", {}).items()},
            winner=None if self._winner == NO_PILOT else self._winner,
            middle=self._middle,
            sight=self._sight() if flies else None,
            hurt=max(0.0, 1 - (now - self._hurt_at) / HURT_SECONDS),
            notice=self._notice(me, ships),
            status=self._status(state.get("scores", {}), me),
            board=self.controls.held("scores") or self._winner != NO_PILOT,
            judge=self._judge,
            chat=self._entry if self._entry.focused else None,
        )

    def _show_shot(self, shot: Happening, ships: Mapping[int, Ship], now: float) -> None:
        """Show a shot that was predicted (the player's own) or that the server has reported."""
        others = {key: ship for key, ship in ships.items() if key != shot.who}
        match shot.args:
            case (int(number), [_, _] as at, int(aim), *_) if shot.who == self._me:
                hit = rules.shoot(at, aim, [(key, ship[AT]) for key, ship in others.items()])
                self._memory.fire(number, Tracer(shot.who, at, hit.end, hit.target is not None, now), others)
                self.playing.sounds.play("shot", 0.7)
            case (int(), [_, _] as at, int(aim), int(met)) if shot.who in ships:
                start, target = ships[shot.who][AT], others.get(met)  # a hit ends at its target as drawn here
                end = target[AT] if target else rules.shoot(at, aim, ()).end
                self._memory.tracers.append(Tracer(shot.who, tuple(start), tuple(end), target is not None, now))
                self._sound("shot", start, 0.35)

    def _take_in(self, state: pygase_pygame.View, ships: Mapping[int, Ship], me: int, now: float) -> None:
        for blast in self._memory.see(ships, now):
            self._sound("blast", blast.place, 0.8)
        self._memory.forget(now)
        health = state.get("health", {}).get(me, 0)
        if 0 <= health < self._health:
            self._hurt_at = now
            self.playing.sounds.play("hurt")
        elif health and not self._health:
            self.playing.sounds.play("back")
        self._health = health
        winner = state.get("winner", NO_PILOT)
        if winner not in (self._winner, NO_PILOT):
            self.playing.sounds.play("round")
        self._winner = winner

    def _sound(self, name: str, place: Any, volume: float) -> None:
        """Play a sound at a place: softer when farther away, panned to its side."""
        away = math.dist(place, self._middle)
        if away < HEARD_WITHIN:
            side = (place[0] - self._middle[0]) / HEARD_WITHIN
            self.playing.sounds.play(name, volume * (1 - away / HEARD_WITHIN), max(-1.0, min(1.0, side)))

    def _camera(self) -> Camera:
        return Camera(self._size, self._middle)

    def _sight(self) -> tuple[int, int] | None:
        """Return the crosshair's pixel: at the mouse, or ahead of the ship when a stick aims."""
        if self._aims_by_stick:
            dx, dy = rules.direction(self._aim)
            return self._camera().pixel((self._middle[0] + dx * PAD_SIGHT, self._middle[1] + dy * PAD_SIGHT))
        return self.controls.mouse

    def _notice(self, me: int, ships: Mapping[int, Ship]) -> tuple[str, str] | None:
        if not self.session.is_in_game or me == NO_PILOT or me in ships or self._winner != NO_PILOT:
            return None
        if not self._killer:
            return "Get ready", "Fly with WASD, aim with the mouse, hold its left button to shoot."
        return f"Wrecked by {self._killer}", "You are back in a moment."

    def _status(self, scores: Mapping[int, Any], me: int) -> tuple[str, ...]:
        if self.playing.invitation and self.playing.clock() < self._invited_until:
            return (f"Friends type: {self.playing.invitation}",)
        if me not in scores:
            return ("Arena",)
        rtt = self.session.client.stats.rtt
        place = f"place {ranking(scores).index(me) + 1} of {len(scores)}"
        ping = "" if rtt is None else f" · {rtt * 1000:.0f} ms"
        return f"{scores[me][0]} wrecked, {scores[me][1]} lost · {place}{ping}", place + ping, place
