"""A whole client under SDL's dummy drivers, in virtual time, for tests.

::

    from pygase.testing import Link, SimulatedNetwork
    from pygase_pygame.headless import Headless

    def test_the_up_key_moves_me():
        network = SimulatedNetwork(seed=7, link=Link(latency=0.05))
        network.serve(backend, interval=1 / 60)
        with Headless(network) as stage:
            session = stage.join(game="pong", interpolate=["ball.x", "ball.y"])
            game = Game(session)
            stage.run(2.0, game.frame)          # calls it once a frame, 120 times, in a few milliseconds
            stage.press(pygame.K_UP)
            stage.run(0.5, game.frame)
            assert game.me.y < 100
            assert stage.find((86, 180, 233))   # my colour is on the screen

``game.frame`` does the work of one frame of your loop: take ``pygame.event.get()``, send the input, draw. Any clock
that it reads must be ``stage.clock``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, Self, Unpack

import pygame

from pygase import Client

from .joining import SessionOptions
from .session import Session
from .ui.palette import Colour

DRIVERS: Final = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
"""Environment variables for SDL: no window, no sound."""

_UNSEEN = ("dummy", "offscreen")


class VirtualNetwork(Protocol):
    """A network in virtual time; ``pygase.testing.SimulatedNetwork`` is one."""

    @property
    def clock(self) -> Callable[[], float]:
        """Virtual time, seconds."""

    def connect(self, client: Client, port: int = 8080, /, **options: Any) -> Any:
        """Let a client connect."""

    def run(self, seconds: float, /) -> None:
        """Let virtual time pass."""


class Headless:
    """An invisible display, a player's keys, and time that passes only in :meth:`run` and :meth:`step`.

    A context manager: it closes its sessions, and quits pygame if it has started it.

    :param network: a ``pygase.testing.SimulatedNetwork``.
    :param size: of the window, pixels.
    :param frame_rate: frames a second.
    :raises ValueError: ``frame_rate`` is not above 0.
    :raises RuntimeError: on entering, if pygame draws on a real screen already.
    """

    def __init__(
        self, network: VirtualNetwork, *, size: tuple[int, int] = (640, 360), frame_rate: float = 60.0
    ) -> None:
        if not frame_rate > 0:
            raise ValueError(f"frame_rate must be a number of frames a second above 0, not {frame_rate!r}")
        self.network = network
        self.frames = 0
        self._size = size
        self._frame_seconds = 1 / frame_rate
        self._sessions: list[Session] = []
        self._began = False
        self._mouse = (0, 0)
        self._buttons: set[int] = set()

    def __enter__(self) -> Self:
        self._began = not pygame.display.get_init()
        if self._began:
            os.environ.update(DRIVERS)
            pygame.display.init()
        if pygame.display.get_driver() not in _UNSEEN:
            raise RuntimeError(
                f"pygame draws with {pygame.display.get_driver()!r} already; enter Headless before pygame.init() "
                'is called, or set the environment variable SDL_VIDEODRIVER to "dummy" before'
            )
        pygame.font.init()
        pygame.display.set_mode(self._size, pygame.RESIZABLE)
        pygame.event.clear()
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions:
            session.close()
        self.network.run(1.0)  # for the goodbyes
        if self._began:
            pygame.quit()

    # -- the game

    @property
    def clock(self) -> Callable[[], float]:
        """Virtual time, in seconds: a function."""
        return self.network.clock

    def join(
        self,
        client: Client | None = None,
        *,
        port: int = 8080,
        game: str = "",
        password: str | None = None,
        link: Any = None,
        **options: Unpack[SessionOptions],
    ) -> Session:
        """Begin to connect a client, as :func:`pygase_pygame.join` would.

        :param client: another than ``Client(game=game, password=password)``.
        :param link: a ``pygase.testing.Link``; None: the network's own.
        :param options: as for :class:`Session`; its clock is the network's.
        """
        if client is None:
            client = Client(game=game, password=password)
        joining = client

        def connect() -> None:
            self.network.connect(joining, port, link=link)

        options.setdefault("clock", self.clock)
        session = Session(joining, connect=connect, **options)
        self._sessions.append(session)
        session.connect()
        return session

    def run(self, seconds: float, frame: Callable[[], object] | None = None) -> None:
        """Let ``seconds`` pass, and call ``frame`` once a frame, until it returns False."""
        self.step(round(seconds / self._frame_seconds), frame)

    def step(self, frames: int = 1, frame: Callable[[], object] | None = None) -> None:
        """Let a number of frames pass, as :meth:`run` does."""
        for _ in range(frames):
            self.network.run(self._frame_seconds)
            self.frames += 1
            if frame is not None and frame() is False:
                return

    def run_until(
        self, condition: Callable[[], object], frame: Callable[[], object] | None = None, timeout: float = 10.0
    ) -> None:
        """Let frames pass until ``condition()`` is true.

        :raises TimeoutError: it is still false after ``timeout`` virtual seconds.
        """
        for _ in range(round(timeout / self._frame_seconds)):
            if condition():
                return
            self.step(1, frame)
        if not condition():
            raise TimeoutError(f"the condition was not met within {timeout} virtual seconds")

    # -- the player

    def press(self, key: int, mod: int = 0) -> None:
        """Press a key, and keep it down."""
        self.post(pygame.KEYDOWN, key=key, mod=mod, unicode=_typed(key), scancode=0)

    def release(self, key: int, mod: int = 0) -> None:
        """Release a key."""
        self.post(pygame.KEYUP, key=key, mod=mod, unicode=_typed(key), scancode=0)

    def tap(self, key: int, mod: int = 0) -> None:
        """Press a key and release it, within one frame."""
        self.press(key, mod)
        self.release(key, mod)

    def type(self, text: str) -> None:
        """Type a text, character by character."""
        for character in text:
            if character.isascii() and character.isprintable():
                self.press(ord(character.lower()))
            self.post(pygame.TEXTINPUT, text=character)
            if character.isascii() and character.isprintable():
                self.release(ord(character.lower()))

    def point(self, position: tuple[int, int]) -> None:
        """Move the mouse to a pixel."""
        rel = (position[0] - self._mouse[0], position[1] - self._mouse[1])
        self._mouse = position
        buttons = tuple(int(number in self._buttons) for number in (1, 2, 3))
        self.post(pygame.MOUSEMOTION, pos=position, rel=rel, buttons=buttons, touch=False)

    def press_button(self, button: int = 1) -> None:
        """Press a button of the mouse: 1 left, 2 middle, 3 right."""
        self._buttons.add(button)
        self.post(pygame.MOUSEBUTTONDOWN, pos=self._mouse, button=button, touch=False)

    def release_button(self, button: int = 1) -> None:
        """Release a button of the mouse."""
        self._buttons.discard(button)
        self.post(pygame.MOUSEBUTTONUP, pos=self._mouse, button=button, touch=False)

    def click(self, position: tuple[int, int], button: int = 1) -> None:
        """Click at a pixel."""
        self.point(position)
        self.press_button(button)
        self.release_button(button)

    def scroll(self, x: int = 0, y: int = 0) -> None:
        """Turn the wheel: ``y`` notches up, ``x`` to the right."""
        self.post(pygame.MOUSEWHEEL, x=x, y=y, precise_x=float(x), precise_y=float(y), flipped=False, touch=False)

    def press_pad(self, button: int, pad: int = 0) -> None:
        """Press a button of a gamepad; ``pad`` is its instance id."""
        self.post(pygame.JOYBUTTONDOWN, joy=pad, instance_id=pad, button=button)

    def release_pad(self, button: int, pad: int = 0) -> None:
        """Release a button of a gamepad."""
        self.post(pygame.JOYBUTTONUP, joy=pad, instance_id=pad, button=button)

    def push_hat(self, x: int, y: int, hat: int = 0, pad: int = 0) -> None:
        """Push a gamepad's hat: ``x`` 1 is right, ``y`` 1 is up; both 0 release it."""
        self.post(pygame.JOYHATMOTION, joy=pad, instance_id=pad, hat=hat, value=(x, y))

    def push_stick(self, axis: int, value: float, pad: int = 0) -> None:
        """Push a gamepad's stick along an axis, -1..1."""
        self.post(pygame.JOYAXISMOTION, joy=pad, instance_id=pad, axis=axis, value=value)

    def unplug(self, pad: int = 0) -> None:
        """Pull a gamepad out."""
        self.post(pygame.JOYDEVICEREMOVED, instance_id=pad)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the window another size."""
        pygame.display.set_mode(size, pygame.RESIZABLE)
        self.post(pygame.VIDEORESIZE, size=size, w=size[0], h=size[1])

    def lose_focus(self) -> None:
        """Give the keyboard to another window."""
        self.post(pygame.WINDOWFOCUSLOST)

    def close_window(self) -> None:
        """Click on the window's cross."""
        self.post(pygame.QUIT)

    def post(self, event_type: int, **attributes: Any) -> None:
        """Put any event into pygame's queue."""
        pygame.event.post(pygame.event.Event(event_type, **attributes))

    # -- the screen

    @property
    def screen(self) -> pygame.Surface:
        """The surface that the game draws on."""
        surface = pygame.display.get_surface()
        if surface is None:
            raise RuntimeError("there is no screen yet, or no more: use Headless as a context manager")
        return surface

    def pixel(self, position: tuple[int, int]) -> Colour:
        """Return the colour of a pixel."""
        red, green, blue, _ = self.screen.get_at(position)
        return (red, green, blue)

    def find(self, colour: Colour, tolerance: int = 0) -> pygame.Rect | None:
        """Return the smallest rectangle around all pixels of a colour, or None."""
        nearby = (tolerance + 1, tolerance + 1, tolerance + 1, 255)
        mask = pygame.mask.from_threshold(self.screen, colour, nearby)
        found: Any = mask.get_bounding_rects()  # a list, whatever the annotations say
        return pygame.Rect(found[0].unionall(found[1:])) if found else None

    def save(self, path: str | Path) -> None:
        """Save a picture of the screen; the ending of the name chooses the format."""
        pygame.image.save(self.screen, str(path))


def _typed(key: int) -> str:
    return chr(key) if 32 <= key < 127 else ""
