"""Everything that the player holds down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import pygame

from .bindings import PRESSED_FROM, RELEASED_BELOW

_logger = logging.getLogger(__name__)

MAX_PADS: Final = 16
"""Gamepads that are kept open."""

Source = tuple[Any, ...]
"""A key, a button or a direction, such as ("key", pygame.K_UP) or ("axis", 0, -1)."""

Change = tuple[Source, bool]
"""A source, and whether it is held down now."""


class Held:
    """The sources that are held down, by pygame's events.

    A source may have several holders, such as two gamepads. The last one releases it.

    :ivar pad: instance id of the only gamepad that counts; None: all.
    :ivar mouse: position in pixels; None until it is known.
    """

    def __init__(self) -> None:
        self.pad: int | None = None
        self.mouse: tuple[int, int] | None = None
        self._holders: dict[Source, set[Source]] = {}
        self._axes: dict[tuple[int, int], float] = {}  # (gamepad, axis) → -1..1
        self._pads: dict[int, Any] = {}
        for index in range(pygame.joystick.get_count() if pygame.joystick.get_init() else 0):
            self._open_pad(index)  # plugged in already: pygame may have reported it before

    def __iter__(self) -> Iterator[Source]:
        return iter(self._holders)

    @property
    def pads(self) -> list[int]:
        """The instance ids of the gamepads that are open."""
        return list(self._pads)

    def strength(self, source: Source) -> float:
        """Return how far a source is pressed, 0.0 to 1.0."""
        if source[0] != "axis":
            return 1.0 if source in self._holders else 0.0
        _, number, sign = source
        values = [value * sign for (_, axis), value in self._axes.items() if axis == number]
        return max(0.0, *values) if values else 0.0

    def clear(self) -> None:
        """Release everything."""
        self._holders.clear()
        self._axes.clear()

    def changes(self, event: pygame.event.Event) -> Iterator[Change]:
        """Take in an event; yield each change right after it was made."""
        handler = _HANDLERS.get(event.type)
        if handler is not None:
            yield from handler(self, event)

    def _set(self, source: Source, holder: Source, held: bool) -> Iterator[Change]:
        holders = self._holders.get(source, set())
        if held == (holder in holders):
            return
        if held:
            self._holders.setdefault(source, set()).add(holder)
        else:
            holders.discard(holder)
            if not holders:
                del self._holders[source]
        yield source, held

    # -- the keyboard and the mouse

    def _on_key(self, event: pygame.event.Event) -> Iterator[Change]:
        return self._set(("key", event.key), ("key",), event.type == pygame.KEYDOWN)

    def _on_motion(self, event: pygame.event.Event) -> Iterator[Change]:
        self.mouse = getattr(event, "pos", self.mouse)
        yield from ()

    def _on_mouse_button(self, event: pygame.event.Event) -> Iterator[Change]:
        self.mouse = getattr(event, "pos", self.mouse)
        yield from self._set(("mouse", event.button), ("mouse",), event.type == pygame.MOUSEBUTTONDOWN)

    def _on_focus_lost(self, event: pygame.event.Event) -> Iterator[Change]:
        """Release everything: pygame does not report keys released in another window."""
        self.clear()
        yield ("window",), False

    # -- gamepads

    def _counts(self, event: pygame.event.Event) -> bool:
        return self.pad is None or _pad_of(event) == self.pad

    def _on_pad_button(self, event: pygame.event.Event) -> Iterator[Change]:
        if self._counts(event):
            is_down = event.type == pygame.JOYBUTTONDOWN
            yield from self._set(("button", event.button), (_pad_of(event),), is_down)

    def _on_hat(self, event: pygame.event.Event) -> Iterator[Change]:
        if self._counts(event):
            x, y = event.value
            for direction, held in {"left": x < 0, "right": x > 0, "up": y > 0, "down": y < 0}.items():
                yield from self._set(("hat", direction), (_pad_of(event), event.hat), held)

    def _on_stick(self, event: pygame.event.Event) -> Iterator[Change]:
        if not self._counts(event):
            return
        holder = (_pad_of(event),)
        self._axes[_pad_of(event), event.axis] = event.value
        for sign in (-1, 1):
            source = ("axis", event.axis, sign)
            was_held = holder in self._holders.get(source, ())
            yield from self._set(source, holder, event.value * sign >= (RELEASED_BELOW if was_held else PRESSED_FROM))

    def _on_pad_added(self, event: pygame.event.Event) -> Iterator[Change]:
        self._open_pad(event.device_index)
        yield from ()

    def _open_pad(self, index: int) -> None:
        """Open a gamepad. pygame reports its events only while the object is kept."""
        try:
            pad = pygame.joystick.Joystick(index)
            if len(self._pads) < MAX_PADS:
                self._pads[pad.get_instance_id()] = pad
        except pygame.error as error:  # pulled out again, or the joystick module is not in use
            _logger.debug("a gamepad cannot be used: %s", error)

    def _on_pad_removed(self, event: pygame.event.Event) -> Iterator[Change]:
        gone = event.instance_id
        self._pads.pop(gone, None)
        self._axes = {key: value for key, value in self._axes.items() if key[0] != gone}
        self._holders = {
            source: left
            for source, holders in self._holders.items()
            if (left := {holder for holder in holders if holder[0] != gone or isinstance(holder[0], str)})
        }
        yield ("pad", gone), False


def _pad_of(event: pygame.event.Event) -> int:
    return int(getattr(event, "instance_id", 0))


_HANDLERS: Final[dict[int, Callable[[Held, pygame.event.Event], Iterator[Change]]]] = {
    pygame.KEYDOWN: Held._on_key,
    pygame.KEYUP: Held._on_key,
    pygame.MOUSEMOTION: Held._on_motion,
    pygame.MOUSEBUTTONDOWN: Held._on_mouse_button,
    pygame.MOUSEBUTTONUP: Held._on_mouse_button,
    pygame.JOYBUTTONDOWN: Held._on_pad_button,
    pygame.JOYBUTTONUP: Held._on_pad_button,
    pygame.JOYHATMOTION: Held._on_hat,
    pygame.JOYAXISMOTION: Held._on_stick,
    pygame.JOYDEVICEADDED: Held._on_pad_added,
    pygame.JOYDEVICEREMOVED: Held._on_pad_removed,
    pygame.WINDOWFOCUSLOST: Held._on_focus_lost,
}
