"""Keys, mouse and gamepads to named inputs: ``Controls(up=[pygame.K_w, "pad up"], fire=["mouse left", "pad 0"])``."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import pygame

from .bindings import PRESSED_FROM, RELEASED_BELOW, Binding, check_bindings, label_of, parts_of

_logger = logging.getLogger(__name__)

DEAD_ZONE: Final = 0.2
"""How far a stick may be off its middle and count as let go, 0..1: worn ones rest up to a fifth of the way off."""

_MAX_PADS: Final = 16
"""Gamepads that are kept open."""

# What is held down: a key, say, or a button of one of the gamepads.
_Source = tuple[Any, ...]


class Controls:
    """Tells which of a game's inputs are held down, from the events that pygame delivers.

    Each keyword names an input and gives what it is bound to, one or several:

    - key constants;
    - ``"mouse left"``, ``"mouse middle"``, ``"mouse right"``, ``"mouse 6"`` and so on (the buttons at its side);
    - ``"wheel up"``, ``"wheel down"``, ``"wheel left"``, ``"wheel right"``;
    - of any gamepad ``"pad up"``, ``"pad down"``, ``"pad left"``, ``"pad right"`` (the cross or the left stick),
      ``"pad 0"`` (a button by its number; 0 is the lower one on most), ``"pad axis 3 +"`` (one way of a stick, or a
      trigger, by its number), ``"pad hat up"`` (the cross alone).

    Any of them holds the input down, until the last is let go; each may serve several inputs. Events are all it knows
    (``pygame.key.get_pressed`` is not asked), so a test or a bot presses a key by posting or handing over an event.

    Gamepads need ``pygame.init()`` or ``pygame.joystick.init()``, nothing else: each one that is plugged in is used at
    once, and what it held down is let go when it is pulled out.

    :raises TypeError: something is nothing that an input can be bound to.
    :raises ValueError: an input is bound to nothing, or there is no input at all.

    :ivar dead_zone: how far a stick may be off its middle and count as let go, 0..1; for :meth:`vector` and
        :meth:`strength`.
    :ivar pad: instance id of the only gamepad to be heeded, for two players at one machine; None: all of them.
    :ivar mouse: where the mouse is, pixels; None until it is known.
    """

    def __init__(self, **keys: Binding | Iterable[Binding]) -> None:
        if not keys:
            raise ValueError("Controls needs at least one input, such as Controls(up=[pygame.K_UP])")
        self.dead_zone = DEAD_ZONE
        self.pad: int | None = None
        self.mouse: tuple[int, int] | None = None
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._served: dict[_Source, list[str]] = {}
        self._pads: dict[int, Any] = {}
        self._held: dict[_Source, set[_Source]] = {}  # what is held down, and by which keys, buttons and axes
        self._axes: dict[tuple[int, int], float] = {}  # (gamepad, axis)
        self._state: Mapping[str, bool] = MappingProxyType({})
        for name, value in keys.items():
            self._bindings[name] = check_bindings(name, value)
        self._presses = dict.fromkeys(keys, 0)
        self._taken: dict[str, bool] = {}
        self._changed: set[str] = set()
        self._bind()
        self._open_pads()

    # -- what is held

    @property
    def state(self) -> Mapping[str, bool]:
        """All inputs: name to whether it is held down. Read-only, and replaced when something changes."""
        return self._state

    def take(self) -> Mapping[str, bool]:
        """Return all inputs for this frame, once a frame: for ``session.send_input(controls.take())``.

        As :attr:`state`, except that nothing is lost between two frames: what was pressed and let go again since the
        last call is held down in this one, what was let go and pressed again is not, and a notch of the wheel is a
        press.
        """
        taken = {}
        for name, held in self._state.items():
            flickered = name in self._changed and held == self._taken.get(name, False)
            taken[name] = held != flickered
        self._changed.clear()
        self._presses = dict.fromkeys(self._presses, 0)
        self._taken = taken
        return MappingProxyType(taken)

    def presses(self, name: str) -> int:
        """Return how often an input was pressed since the last :meth:`take`: for what happens once a press, or notch.

        Raises as :meth:`held` does.
        """
        self.held(name)
        return self._presses[name]

    def held(self, name: str) -> bool:
        """Tell whether an input is held down. Raises ValueError if there is none of that name."""
        try:
            return self._state[name]
        except KeyError:
            known = ", ".join(self._bindings)
            raise ValueError(f"there is no input {name!r}; these controls have: {known}") from None

    def axis(self, negative: str, positive: str) -> int:
        """Return -1, 0 or 1 from two opposite inputs; both together are 0. Raises as :meth:`held` does."""
        return self.held(positive) - self.held(negative)

    def strength(self, name: str) -> float:
        """Return how far an input is pressed, 0.0 to 1.0: sticks and triggers as far as they are, all else fully.

        Raises as :meth:`held` does.
        """
        return _beyond(self._raw_strength(name), self.dead_zone)

    def vector(self, left: str, right: str, up: str, down: str) -> tuple[float, float]:
        """Return where four inputs point together: x to the right and y down, with a length of 1.0 at most.

        So diagonals are no faster, and a stick's dead zone is a circle. Raises as :meth:`held` does.
        """
        x = self._raw_strength(right) - self._raw_strength(left)
        y = self._raw_strength(down) - self._raw_strength(up)
        length = math.hypot(x, y)
        wanted = min(_beyond(length, self.dead_zone), 1.0)
        return (x / length * wanted, y / length * wanted) if wanted else (0.0, 0.0)

    # -- events

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a pygame event in; True if it changed :attr:`state`, or pressed an input. Hand over all events.

        When the window loses the focus everything is let go: nobody will tell us of keys released elsewhere.
        """
        handler = _HANDLERS.get(event.type)
        return handler is not None and handler(self, event)

    def release_all(self) -> bool:
        """Let everything go, as when a menu opens; True if it changed :attr:`state`. Presses are forgotten, too."""
        self._held.clear()
        self._axes.clear()
        changed = self._refresh()
        self._changed.clear()
        self._presses = dict.fromkeys(self._presses, 0)
        return changed

    # -- bindings

    @property
    def bindings(self) -> dict[str, tuple[Binding, ...]]:
        """What each input is bound to; a copy."""
        return dict(self._bindings)

    def rebind(self, name: str, *bindings: Binding | Iterable[Binding]) -> None:
        """Bind an input to something else, instead of what it is bound to. All that is held is let go.

        ``pygase_pygame.binding_of(event)`` tells what a player has just pressed.

        :raises ValueError: there is no such input, or it would be bound to nothing.
        :raises TypeError: something is nothing that an input can be bound to.
        """
        self.held(name)
        flat: list[Any] = []
        for value in bindings:
            flat.extend([value] if isinstance(value, str) or not isinstance(value, Iterable) else value)
        self._bindings[name] = check_bindings(name, flat)
        self._bind()
        self.release_all()

    def label(self, name: str) -> str:
        """Return what a player has to press, for instructions on the screen: "W or Up"."""
        self.held(name)
        return " or ".join(label_of(binding) for binding in self._bindings[name])

    def save(self) -> dict[str, list[Binding]]:
        """Return what each input is bound to as a dict that JSON can hold; see :meth:`load`."""
        return {name: list(bindings) for name, bindings in self._bindings.items()}

    def load(self, saved: object) -> bool:
        """Bind all inputs as :meth:`save` told; True if all of it made sense.

        What does not is left out (files get old, and broken), and those inputs stay bound as they are.
        """
        whole = isinstance(saved, Mapping) and saved.keys() == self._bindings.keys()
        for name, value in saved.items() if isinstance(saved, Mapping) else ():
            if name not in self._bindings:
                continue
            try:
                self._bindings[name] = check_bindings(name, value)
            except (TypeError, ValueError):
                whole = False
        self._bind()
        self.release_all()
        return whole

    # -- inside

    def _bind(self) -> None:
        self._served = {}
        for name, bindings in self._bindings.items():
            for source in {part for binding in bindings for part in parts_of(binding)}:
                self._served.setdefault(source, []).append(name)
        self._refresh()

    def _press(self, source: _Source, by: _Source) -> bool:
        """Note that something is held down ``by`` a key, or a gamepad's part."""
        names = self._served.get(source, ())
        holders = self._held.setdefault(source, set())
        if by in holders:
            return False
        before = self._state
        holders.add(by)
        changed = self._refresh()
        for name in names:
            if not before[name]:
                self._presses[name] += 1
        return changed

    def _release(self, source: _Source, by: _Source) -> bool:
        holders = self._held.get(source)
        if holders is None or by not in holders:
            return False
        holders.discard(by)
        if not holders:
            del self._held[source]
        return self._refresh()

    def _set(self, source: _Source, by: _Source, held: bool) -> bool:
        return self._press(source, by) if held else self._release(source, by)

    def _refresh(self) -> bool:
        state = dict.fromkeys(self._bindings, False)
        for source in self._held:
            for name in self._served.get(source, ()):
                state[name] = True
        if state == self._state:
            return False
        self._changed.update(name for name, held in state.items() if held != self._state.get(name, False))
        self._state = MappingProxyType(state)
        return True

    def _raw_strength(self, name: str) -> float:
        """Return how far an input is pressed, with no dead zone."""
        self.held(name)
        strongest = 0.0
        for binding in self._bindings[name]:
            for source in parts_of(binding):
                strongest = max(strongest, self._strength_of(source))
        return strongest

    def _strength_of(self, source: _Source) -> float:
        if source[0] != "axis":
            return 1.0 if source in self._held else 0.0
        _, number, sign = source
        values = [value * sign for (_, axis), value in self._axes.items() if axis == number]
        return max(0.0, *values) if values else 0.0

    # -- what each event means

    def _on_key_down(self, event: pygame.event.Event) -> bool:
        return self._press(("key", event.key), ("key",))

    def _on_key_up(self, event: pygame.event.Event) -> bool:
        return self._release(("key", event.key), ("key",))

    def _on_mouse_motion(self, event: pygame.event.Event) -> bool:
        self.mouse = getattr(event, "pos", self.mouse)
        return False

    def _on_button_down(self, event: pygame.event.Event) -> bool:
        self._on_mouse_motion(event)
        return self._press(("mouse", event.button), ("mouse",))

    def _on_button_up(self, event: pygame.event.Event) -> bool:
        self._on_mouse_motion(event)
        return self._release(("mouse", event.button), ("mouse",))

    def _on_wheel(self, event: pygame.event.Event) -> bool:
        pressed = False
        for amount, positive, negative in ((event.y, "up", "down"), (event.x, "right", "left")):
            names = self._served.get(("wheel", positive if amount > 0 else negative), ()) if amount else ()
            for name in names:
                self._presses[name] += abs(int(amount))
                self._changed.add(name)
                pressed = True
        return pressed

    def _on_pad_button_down(self, event: pygame.event.Event) -> bool:
        pad = self._heeded(event)
        return pad is not None and self._press(("button", event.button), (pad,))

    def _on_pad_button_up(self, event: pygame.event.Event) -> bool:
        pad = self._heeded(event)
        return pad is not None and self._release(("button", event.button), (pad,))

    def _on_hat(self, event: pygame.event.Event) -> bool:
        pad = self._heeded(event)
        if pad is None:
            return False
        x, y = event.value
        directions = {"left": x < 0, "right": x > 0, "up": y > 0, "down": y < 0}
        changes = [self._set(("hat", where), (pad, event.hat), held) for where, held in directions.items()]
        return any(changes)

    def _on_stick(self, event: pygame.event.Event) -> bool:
        pad = self._heeded(event)
        if pad is None:
            return False
        self._axes[pad, event.axis] = event.value
        changed = False
        for sign in (-1, 1):
            source, strength = ("axis", event.axis, sign), event.value * sign
            was_held = (pad,) in self._held.get(source, ())
            held = strength >= (RELEASED_BELOW if was_held else PRESSED_FROM)
            changed = self._set(source, (pad,), held) or changed
        return changed

    def _open_pads(self) -> None:
        """Open those that are plugged in already, and were perhaps told to somebody else."""
        for index in range(pygame.joystick.get_count() if pygame.joystick.get_init() else 0):
            self._open_pad(index)

    def _on_pad_added(self, event: pygame.event.Event) -> bool:
        self._open_pad(event.device_index)
        return False

    def _open_pad(self, index: int) -> None:
        """Open a gamepad: only then, and as long as it is kept, pygame tells what it does."""
        try:
            pad = pygame.joystick.Joystick(index)
            if len(self._pads) < _MAX_PADS:
                self._pads[pad.get_instance_id()] = pad
        except pygame.error as error:  # pulled out again, or joysticks are not used at all
            _logger.debug("a gamepad cannot be used: %s", error)

    def _on_pad_removed(self, event: pygame.event.Event) -> bool:
        gone = event.instance_id
        self._pads.pop(gone, None)
        self._axes = {key: value for key, value in self._axes.items() if key[0] != gone}
        self._held = {
            source: left
            for source, holders in self._held.items()
            if (left := {by for by in holders if by[0] != gone or isinstance(by[0], str)})
        }
        return self._refresh()

    def _on_focus_lost(self, event: pygame.event.Event) -> bool:
        self._held.clear()
        self._axes.clear()
        return self._refresh()

    def _heeded(self, event: pygame.event.Event) -> int | None:
        """Return the id of the gamepad that an event is from; None if it is to be ignored."""
        pad: int = getattr(event, "instance_id", 0)
        return pad if self.pad is None or pad == self.pad else None


_HANDLERS: Final = {
    pygame.KEYDOWN: Controls._on_key_down,
    pygame.KEYUP: Controls._on_key_up,
    pygame.MOUSEMOTION: Controls._on_mouse_motion,
    pygame.MOUSEBUTTONDOWN: Controls._on_button_down,
    pygame.MOUSEBUTTONUP: Controls._on_button_up,
    pygame.MOUSEWHEEL: Controls._on_wheel,
    pygame.JOYBUTTONDOWN: Controls._on_pad_button_down,
    pygame.JOYBUTTONUP: Controls._on_pad_button_up,
    pygame.JOYHATMOTION: Controls._on_hat,
    pygame.JOYAXISMOTION: Controls._on_stick,
    pygame.JOYDEVICEADDED: Controls._on_pad_added,
    pygame.JOYDEVICEREMOVED: Controls._on_pad_removed,
    pygame.WINDOWFOCUSLOST: Controls._on_focus_lost,
}


def _beyond(strength: float, dead_zone: float) -> float:
    """Return a strength counted from the dead zone's edge, so that it grows from nothing."""
    return 0.0 if strength <= dead_zone else (strength - dead_zone) / (1.0 - dead_zone)
