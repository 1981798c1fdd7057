"""Keys to named inputs: ``Controls(up=[pygame.K_w, pygame.K_UP], down=[pygame.K_s, pygame.K_DOWN])``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pygame


class Controls:
    """Tells which of a game's inputs are held down, from the events that pygame delivers.

    Each keyword names an input and gives its keys: a key constant or several. Any of them holds the input
    down, until the last is let go; a key may serve several inputs. Events are all it knows
    (``pygame.key.get_pressed`` is not asked), so a test or a bot presses a key by posting or handing over
    an event.

    :raises TypeError: something is not a key constant.
    :raises ValueError: an input has no key, or there is no input at all.
    """

    def __init__(self, **keys: int | Iterable[int]) -> None:
        if not keys:
            raise ValueError("Controls needs at least one input, such as Controls(up=[pygame.K_UP])")
        self._keys = {name: _key_set(name, value) for name, value in keys.items()}
        self._held: set[int] = set()
        self._state: Mapping[str, bool] = MappingProxyType({})
        self._refresh()

    @property
    def state(self) -> Mapping[str, bool]:
        """All inputs: name to whether it is held down. Read-only, and replaced when something changes."""
        return self._state

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a pygame event in; True if it changed :attr:`state`. Hand over all events, whatever they are.

        When the window loses the focus everything is let go: nobody will tell us of keys released elsewhere.
        """
        if event.type == pygame.KEYDOWN:
            self._held.add(event.key)
        elif event.type == pygame.KEYUP:
            self._held.discard(event.key)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._held.clear()
        else:
            return False
        return self._refresh()

    def release_all(self) -> bool:
        """Let all keys go, as when a menu opens; True if it changed :attr:`state`."""
        self._held.clear()
        return self._refresh()

    def held(self, name: str) -> bool:
        """Tell whether an input is held down. Raises ValueError if there is none of that name."""
        try:
            return self._state[name]
        except KeyError:
            known = ", ".join(self._keys)
            raise ValueError(f"there is no input {name!r}; these controls have: {known}") from None

    def axis(self, negative: str, positive: str) -> int:
        """Return -1, 0 or 1 from two opposite inputs; both together are 0. Raises as :meth:`held` does."""
        return self.held(positive) - self.held(negative)

    def _refresh(self) -> bool:
        state = {name: not keys.isdisjoint(self._held) for name, keys in self._keys.items()}
        if state == self._state:
            return False
        self._state = MappingProxyType(state)
        return True


def _key_set(name: str, value: object) -> frozenset[int]:
    keys = frozenset(value if isinstance(value, Iterable) else [value])
    for key in keys:
        if not isinstance(key, int) or isinstance(key, bool):
            raise TypeError(f"Controls({name}=...) takes key constants such as pygame.K_UP, or several, not {key!r}")
    if not keys:
        raise ValueError(f"Controls({name}=...) needs at least one key")
    return keys
