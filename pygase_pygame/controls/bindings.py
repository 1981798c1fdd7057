"""Bindings of inputs: ``pygame.K_w``, "mouse left", "pad 0"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import pygame

Binding = int | str
"""A key constant, or one of the names that :class:`Controls` lists."""

PRESSED_FROM: Final = 0.5
RELEASED_BELOW: Final = 0.4
"""A stick presses an input at the first value and releases it below the second, so none flickers."""

MAX_BINDINGS: Final = 32
"""Bindings of one input, since a settings file may hold anything."""

_MOUSE: Final = {"left": 1, "middle": 2, "right": 3}
_DIRECTIONS: Final = ("up", "down", "left", "right")
_STICK: Final = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}
"""Axis and sign of the left stick, on all gamepads."""

_MOUSE_BUTTON: Final = re.compile(r"mouse ([6-9]|[1-9]\d)", re.ASCII)
"""pygame reports the wheel as buttons 4 and 5 to old programs."""

_PAD_BUTTON: Final = re.compile(r"pad (\d{1,2})", re.ASCII)
_PAD_AXIS: Final = re.compile(r"pad axis (\d{1,2}) ([+-])", re.ASCII)
_PAD_HAT: Final = re.compile(r"pad hat (up|down|left|right)")


def parts_of(binding: Binding) -> tuple[tuple[Any, ...], ...]:
    """Return the sources that hold a binding down; () if it is no binding."""
    if isinstance(binding, int):
        return (("key", binding),)
    device, _, what = binding.partition(" ")
    if device == "mouse" and what in _MOUSE:
        return (("mouse", _MOUSE[what]),)
    if device == "wheel" and what in _DIRECTIONS:
        return (("wheel", what),)
    if device == "pad" and what in _DIRECTIONS:
        return (("hat", what), ("axis", *_STICK[what]))
    return _numbered(binding)


def _numbered(binding: str) -> tuple[tuple[Any, ...], ...]:
    if match := _MOUSE_BUTTON.fullmatch(binding):
        return (("mouse", int(match[1])),)
    if match := _PAD_BUTTON.fullmatch(binding):
        return (("button", int(match[1])),)
    if match := _PAD_AXIS.fullmatch(binding):
        return (("axis", int(match[1]), 1 if match[2] == "+" else -1),)
    if match := _PAD_HAT.fullmatch(binding):
        return (("hat", match[1]),)
    return ()


def check_bindings(name: str, value: object) -> tuple[Binding, ...]:
    """Return an input's bindings as a tuple without duplicates.

    :raises TypeError: a value is no binding.
    :raises ValueError: there are no bindings, or too many.
    """
    several = isinstance(value, Iterable) and not isinstance(value, str)
    bindings = tuple(dict.fromkeys(value if several else [value]))  # type: ignore[call-overload]
    for binding in bindings:
        if not _is_binding(binding):
            raise TypeError(
                f"Controls({name}=...) takes key constants such as pygame.K_UP, or names such as 'mouse left', "
                f"'wheel up', 'pad up' and 'pad 0', or several of them, not {binding!r}"
            )
    if not bindings:
        raise ValueError(f"Controls({name}=...) needs at least one key")
    if len(bindings) > MAX_BINDINGS:
        raise ValueError(f"Controls({name}=...) takes at most {MAX_BINDINGS} keys, not {len(bindings)}")
    return bindings


def _is_binding(value: object) -> bool:
    if isinstance(value, str):
        return bool(parts_of(value))
    return isinstance(value, int) and not isinstance(value, bool)


def binding_of(event: pygame.event.Event) -> Binding | None:
    """Return the binding that an event presses, or None. For a menu in which a player chooses the keys.

    ::

        binding = pygase_pygame.binding_of(event)
        if binding is not None:
            controls.rebind("up", binding)
    """
    if event.type == pygame.KEYDOWN:
        return int(event.key)
    if event.type == pygame.MOUSEBUTTONDOWN:
        if event.button in (4, 5):
            return None  # the wheel, which also has its own event
        names: dict[int, str] = {number: word for word, number in _MOUSE.items()}
        return f"mouse {names.get(event.button, event.button)}"
    if event.type == pygame.MOUSEWHEEL:
        return _wheel(event)
    if event.type == pygame.JOYBUTTONDOWN:
        return f"pad {event.button}"
    if event.type == pygame.JOYHATMOTION:
        return _hat(event)
    if event.type == pygame.JOYAXISMOTION and abs(event.value) >= PRESSED_FROM:
        return f"pad axis {event.axis} {'+' if event.value > 0 else '-'}"
    return None


def _wheel(event: pygame.event.Event) -> str | None:
    if event.y:
        return "wheel up" if event.y > 0 else "wheel down"
    return ("wheel right" if event.x > 0 else "wheel left") if event.x else None


def _hat(event: pygame.event.Event) -> str | None:
    x, y = event.value
    if y:
        return "pad hat up" if y > 0 else "pad hat down"
    return ("pad hat right" if x > 0 else "pad hat left") if x else None


def label_of(binding: Binding) -> str:
    """Return a binding in words for the player."""
    if isinstance(binding, int):
        name = pygame.key.name(binding)
        return (name.upper() if len(name) == 1 else name.capitalize()) or f"key {binding}"
    button = _PAD_BUTTON.fullmatch(binding)
    if button:
        return f"pad button {button[1]}"
    if binding in ("mouse left", "mouse middle", "mouse right"):
        return f"{binding.split()[1]} mouse button"
    return binding.replace("mouse ", "mouse button ")
