"""Arena's window: what keys, mouse and pad do goes to the server, what the server says goes to the screen.

One's own ship flies and fires at once, by the rules (`Prediction`); the server's word comes later, and counts. Others
are shown as they were a moment ago. Shots are judged by that picture, so one aims at what one sees.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import pygame

import pygase_pygame
from games.arena import rules, sprites, walls
from games.arena.board import ranking
from games.arena.chat import LONGEST
from games.arena.memory import Memory, Tracer
from games.arena.picture import Picture
from games.arena.rules import AIM, AT, FULL, SHOTS, Ship
from games.arena.scene import Camera, Scene, field_of
from games.arena.server import MOVING, NOBODY, TICK, own_ship
from games.arena.shape import CHECK
from pygase import Interpolate
from pygase_pygame import Prediction, TextEntry
from pygase_pygame.app.game_screen import WAYS, GameScreen, Playing, SessionOptions, SoundSet, Tone
from pygase_pygame.app.icon import icon

HURT_SECONDS: Final = 0.4
INVITATION_SECONDS: Final = 12.0  # so long that one can read it out to somebody
JUMP: Final = 6 * rules.SPEED  # a correction by more is shown at once
HEARD: Final = 7_000  # points: farther away, nothing is to be heard
PAD_SIGHT: Final = 3_000  # points from the ship to the sight, when a stick aims

OWN: Final = Prediction(
    rules.move,
    own_ship,
    smooth=[str(AT), Interpolate(str(AIM), angle="degrees")],
    snap_distance=JUMP,
)


class ArenaScreen(GameScreen):
    """One player's part of the loop."""

    options = SessionOptions(interpolate=MOVING, tick=TICK, predict=OWN, check=CHECK)
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
        self._entry = TextEntry(max_length=LONGEST, placeholder="Say something", clock=playing.clock)
        self._picture = Picture(playing.lettering)
        self._memory = Memory()
        self._aim = 0
        self._aims_by_stick = False
        self._fire = False
        self._seen: Mapping[int, Ship] = {}  # in the frame before: what the player acts upon
        self._shots: int | None = None  # as counted by our own ship; None without one
        self._health = 0
        self._hurt_at = -math.inf
        self._killer = ""
        self._judge = False
        self._invited_until = -math.inf
        self._winner = NOBODY
        self._middle: tuple[float, float] = (walls.WIDTH / 2, walls.HEIGHT / 2)
        self._size = (960, 640)  # of the part of the window that shows the arena, pixels

    @staticmethod
    def icon() -> pygame.Surface:
        """Return the window's icon."""
        return icon(sprites.paint_icon)

    @property
    def _me(self) -> int:
        """Our own number; `NOBODY` before we have one."""
        path = own_ship(self.session.newest, self.session.client.address)
        return NOBODY if path is None else path[1]

    # -- what the player does

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in an event; True if nobody else shall."""
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
        """Take in an event while somebody types: their keys are words."""
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
        return not pygame.K_F1 <= int(event.key) <= pygame.K_F12  # those do not write

    def update(self) -> None:
        """Tell the server what the player does in this frame, and show what follows from it at once."""
        self._take_aim()
        self._fire = self.controls.take()["fire"] or self._fire
        x, y = self.controls.vector("left", "right", "up", "down")
        stick = round(x * FULL), round(y * FULL)
        if self.session.send_input([*stick, self._aim, self._fire]):
            self._fire = False  # it has been sent: until then, the shortest click counts
        self._show_own_shot()

    def _take_aim(self) -> None:
        x, y = self.controls.vector("aim_left", "aim_right", "aim_up", "aim_down")
        if x or y:
            self._aims_by_stick = True
            self._aim = rules.degrees(rules.bearing((0, 0), (x, y)))
        elif self.controls.mouse is not None and not self._aims_by_stick:
            ship = self._camera().pixel(self._middle)
            if self.controls.mouse != ship:
                self._aim = rules.degrees(rules.bearing(ship, self.controls.mouse))

    def _show_own_shot(self) -> None:
        predictor = self.session.predictor
        mine: Ship | None = predictor.predicted if predictor else None
        before, self._shots = self._shots, mine[SHOTS] if mine else None
        if mine is None or before is None or before == self._shots:
            return
        number = self._me
        others = {key: ship for key, ship in self._seen.items() if key != number}
        hit = rules.shoot(mine[AT], mine[AIM], [(key, ship[AT]) for key, ship in others.items()])
        tracer = Tracer(number, mine[AT], hit.end, hit.target is not None, self.playing.clock())
        self._memory.fire(mine[SHOTS], tracer, others)
        self.playing.sounds.play("shot", 0.7)

    def name_of(self, address: Any) -> str:
        """Return what a client is called."""
        path = own_ship(self.session.newest, address)
        return "" if path is None else str(self.session.newest["pilots"][path[1]][0])

    # -- what the server says

    def _hear(self, name: str, data: tuple[Any, ...]) -> None:
        """Take in what the server says. Whatever else it may say is for newer games than this one."""
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
        pilots, me = self.session.newest.get("pilots", {}), self._me
        if not pilots:
            return  # that word was faster than the first state: nobody here knows yet who they are
        who, whom = (pilots.get(number, ["Somebody"])[0] for number in (killer, victim))
        if killer == me:
            self._memory.say(f"You wrecked {whom}", "mine", now)
            self.playing.sounds.play("wrecked")
        elif victim == me:
            self._killer = who
            self._memory.say(f"{who} wrecked you", "mine", now)
        else:
            self._memory.say(f"{who} wrecked {whom}", "feed", now)

    # -- what there is to see

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the whole frame."""
        self._size = field_of(surface)
        scene = self.scene()
        self._picture.draw(surface, scene)
        pygame.mouse.set_visible(scene.sight is None)

    def scene(self) -> Scene:
        """Return what there is to see right now."""
        now, me = self.playing.clock(), self._me
        state = self.session.view(shared=True)
        ships: Mapping[int, Ship] = state.get("ships", {})
        self._seen = ships
        if me in ships:
            x, y = ships[me][AT]
            self._middle = (x, y)
        self._take_in(state, ships, me, now)
        flies = me in ships and self.session.status == "connected"
        return Scene(
            now,
            self._memory,
            me,
            ships,
            **{name: state.get(name, {}) for name in ("health", "shields", "pilots", "scores")},
            winner=None if self._winner == NOBODY else self._winner,
            middle=self._middle,
            sight=self._sight() if flies else None,
            hurt=max(0.0, 1 - (now - self._hurt_at) / HURT_SECONDS),
            notice=self._notice(me, ships),
            status=self._status(state.get("scores", {}), me),
            board=self.controls.held("scores") or self._winner != NOBODY,
            judge=self._judge,
            chat=self._entry if self._entry.focused else None,
        )

    def _take_in(self, state: pygase_pygame.View, ships: Mapping[int, Ship], me: int, now: float) -> None:
        """Notice what has happened since the last frame, and let it be heard."""
        tracers, blasts = self._memory.see(ships, state.get("shots", {}), me, now)
        for tracer in tracers:
            self._sound("shot", tracer.start, 0.35)
        for blast in blasts:
            self._sound("blast", blast.place, 0.8)
        self._memory.forget(now)
        health = state.get("health", {}).get(me, 0)
        if 0 <= health < self._health:
            self._hurt_at = now
            self.playing.sounds.play("hurt")
        elif health and not self._health:
            self.playing.sounds.play("back")
        self._health = health
        winner = state.get("winner", NOBODY)
        if winner not in (self._winner, NOBODY):
            self.playing.sounds.play("round")
        self._winner = winner

    def _sound(self, name: str, place: Any, volume: float) -> None:
        """Play a sound from where it is: softer from farther away, and from its side."""
        away = math.dist(place, self._middle)
        if away < HEARD:
            side = (place[0] - self._middle[0]) / HEARD
            self.playing.sounds.play(name, volume * (1 - away / HEARD), max(-1.0, min(1.0, side)))

    def _camera(self) -> Camera:
        return Camera(self._size, self._middle)

    def _sight(self) -> tuple[int, int] | None:
        """Return where the sight is: at the mouse, or a way off in the direction that the stick points to."""
        if self._aims_by_stick:
            dx, dy = rules.direction(self._aim)
            return self._camera().pixel((self._middle[0] + dx * PAD_SIGHT, self._middle[1] + dy * PAD_SIGHT))
        return self.controls.mouse

    def _notice(self, me: int, ships: Mapping[int, Ship]) -> tuple[str, str] | None:
        if self.session.status != "connected" or me == NOBODY or me in ships or self._winner != NOBODY:
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
