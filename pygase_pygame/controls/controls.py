"""Keys, mouse and gamepads as named inputs: ``Controls(up=[pygame.K_w, "pad up"], fire=["mouse left", "pad 0"])``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import pygame

from .bindings import Binding, check_bindings, label_of, parts_of
from .held_keys import Held, Source

DEAD_ZONE: Final = 0.2
"""A stick's distance from its middle that counts as released, 0..1. Worn sticks rest up to a fifth off."""


class Controls:
    """A game's named inputs, and whether the player holds them down. Hand over all pygame events.

    Each keyword names an input and gives its bindings, one or several:

    - key constants;
    - ``"mouse left"``, ``"mouse middle"``, ``"mouse right"``, and ``"mouse 6"`` and higher numbers (side buttons);
    - ``"wheel up"``, ``"wheel down"``, ``"wheel left"``, ``"wheel right"``;
    - of any gamepad ``"pad up"``, ``"pad down"``, ``"pad left"``, ``"pad right"`` (the cross or the left stick),
      ``"pad 0"`` (a button by its number; 0 is the lower one on most), ``"pad axis 3 +"`` (one direction of a stick, or
      a trigger, by its number), ``"pad hat up"`` (the cross alone).

    Any of its bindings holds an input. A binding may serve several inputs. Controls read events only, so a test or a
    bot presses a key with an event.

    Gamepads need only ``pygame.init()`` or ``pygame.joystick.init()``. One that is plugged in works at once; one that
    is pulled out releases its inputs.

    :raises TypeError: a value is no binding.
    :raises ValueError: an input has no binding, or there is no input.

    :ivar dead_zone: a stick's distance from its middle that counts as released, 0..1; for :meth:`vector` and
        :meth:`strength`.
    """

    def __init__(self, **keys: Binding | Iterable[Binding]) -> None:
        if not keys:
            raise ValueError("Controls needs at least one input, such as Controls(up=[pygame.K_UP])")
        self.dead_zone = DEAD_ZONE
        self._bindings = {name: check_bindings(name, value) for name, value in keys.items()}
        self._served: dict[Source, list[str]] = {}  # source → inputs
        self._held = Held()
        self._state: Mapping[str, bool] = MappingProxyType({})
        self._presses = dict.fromkeys(keys, 0)
        self._taken: dict[str, bool] = {}
        self._changed: set[str] = set()
        self._bind()

    @property
    def pad(self) -> int | None:
        """Instance id of the only gamepad that counts, for two players at one machine; None (default): all."""
        return self._held.pad

    @pad.setter
    def pad(self, pad: int | None) -> None:
        self._held.pad = pad

    @property
    def mouse(self) -> tuple[int, int] | None:
        """Position of the mouse in pixels; None until it is known."""
        return self._held.mouse

    @mouse.setter
    def mouse(self, mouse: tuple[int, int] | None) -> None:
        self._held.mouse = mouse

    # -- what is held

    @property
    def state(self) -> Mapping[str, bool]:
        """All inputs: whether each is held down. Read-only. A change makes a new mapping."""
        return self._state

    def take(self) -> Mapping[str, bool]:
        """Return all inputs. Call it once a frame: ``session.send_input(controls.take())``.

        It is :attr:`state`, except that nothing between two frames is lost. An input that was pressed and released
        since the last call is held in this frame; one that was released and pressed again is not. A notch of the wheel
        is a press.
        """
        taken = {}
        for name, held in self._state.items():
            flickered = name in self._changed and held == self._taken.get(name, False)
            taken[name] = held != flickered
        self._forget_presses()
        self._taken = taken
        return MappingProxyType(taken)

    def presses(self, name: str) -> int:
        """Return an input's presses, or notches of the wheel, since the last :meth:`take`.

        :raises ValueError: there is no input of that name.
        """
        self.held(name)
        return self._presses[name]

    def held(self, name: str) -> bool:
        """Return whether an input is held down.

        :raises ValueError: there is no input of that name.
        """
        try:
            return self._state[name]
        except KeyError:
            known = ", ".join(self._bindings)
            raise ValueError(f"there is no input {name!r}; these controls have: {known}") from None

    def axis(self, negative: str, positive: str) -> int:
        """Return -1, 0 or 1 from two opposite inputs; both together are 0. Raises as :meth:`held` does."""
        return self.held(positive) - self.held(negative)

    def strength(self, name: str) -> float:
        """Return how far an input is pressed, 0.0 to 1.0; in between only for sticks and triggers. Raises as
        :meth:`held` does."""
        return _beyond(self._raw_strength(name), self.dead_zone)

    def vector(self, left: str, right: str, up: str, down: str) -> tuple[float, float]:
        """Return the direction of four inputs: x to the right, y down, length 1.0 at most. Raises as :meth:`held` does.

        Diagonals are no faster, and a stick's dead zone is a circle.
        """
        x = self._raw_strength(right) - self._raw_strength(left)
        y = self._raw_strength(down) - self._raw_strength(up)
        length = math.hypot(x, y)
        wanted = min(_beyond(length, self.dead_zone), 1.0)
        return (x / length * wanted, y / length * wanted) if wanted else (0.0, 0.0)

    # -- events

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in a pygame event; return True if it changed :attr:`state` or pressed an input.

        All inputs are released when the window loses the focus.
        """
        changed = False
        for source, held in self._held.changes(event):
            before = self._state
            changed = self._refresh() or changed
            for name in self._served.get(source, ()) if held else ():
                if not before[name]:
                    self._presses[name] += 1
        if event.type == pygame.MOUSEWHEEL:
            changed = self._turn_wheel(event) or changed
        return changed

    def release_all(self) -> bool:
        """Release all inputs, as when a menu opens; return True if it changed :attr:`state`. Presses are forgotten."""
        self._held.clear()
        changed = self._refresh()
        self._forget_presses()
        return changed

    # -- bindings

    @property
    def bindings(self) -> dict[str, tuple[Binding, ...]]:
        """The bindings of each input; a copy."""
        return dict(self._bindings)

    def rebind(self, name: str, *bindings: Binding | Iterable[Binding]) -> None:
        """Replace the bindings of an input. All inputs are released.

        :func:`pygase_pygame.binding_of` returns the binding that an event presses.

        :raises ValueError: there is no such input, or no binding is given.
        :raises TypeError: a value is no binding.
        """
        self.held(name)
        flat: list[Any] = []
        for value in bindings:
            flat.extend([value] if isinstance(value, str) or not isinstance(value, Iterable) else value)
        self._bindings[name] = check_bindings(name, flat)
        self._bind()
        self.release_all()

    def label(self, name: str) -> str:
        """Return an input's bindings in words for the player: "W or Up"."""
        self.held(name)
        return " or ".join(label_of(binding) for binding in self._bindings[name])

    def save(self) -> dict[str, list[Binding]]:
        """Return the bindings as a dict that JSON can hold; see :meth:`load`."""
        return {name: list(bindings) for name, bindings in self._bindings.items()}

    def load(self, saved: object) -> bool:
        """Restore the result of :meth:`save`; return True if all of it was valid.

        Inputs with invalid parts keep their bindings, since files get old and broken.
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

    def _turn_wheel(self, event: pygame.event.Event) -> bool:
        notches = dict(_notches(event))
        names = [(name, count) for source, count in notches.items() for name in self._served.get(source, ())]
        for name, count in names:
            self._presses[name] += count
            self._changed.add(name)
        return bool(names)

    def _forget_presses(self) -> None:
        self._changed.clear()
        self._presses = dict.fromkeys(self._presses, 0)

    def _raw_strength(self, name: str) -> float:
        """Return how far an input is pressed, without a dead zone."""
        self.held(name)
        sources = (source for binding in self._bindings[name] for source in parts_of(binding))
        return max((self._held.strength(source) for source in sources), default=0.0)


def _notches(event: pygame.event.Event) -> Iterator[tuple[Source, int]]:
    for amount, positive, negative in ((event.y, "up", "down"), (event.x, "right", "left")):
        if amount:
            yield ("wheel", positive if amount > 0 else negative), abs(int(amount))


def _beyond(strength: float, dead_zone: float) -> float:
    """Count a strength from the dead zone's edge, so that it grows from zero."""
    return 0.0 if strength <= dead_zone else (strength - dead_zone) / (1.0 - dead_zone)
