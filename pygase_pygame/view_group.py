"""Sprites that follow a part of the view: made, shown and removed as its keys appear, change and vanish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pygame

if TYPE_CHECKING:
    Layers = pygame.sprite.LayeredUpdates[Any]
else:
    Layers = pygame.sprite.LayeredUpdates


class ViewGroup(Layers):
    """A sprite group that follows a dict of the view, such as its ``aliens``. Once a frame::

        class Alien(pygame.sprite.Sprite):
            def __init__(self, key, data):
                super().__init__()
                self.image = ALIEN
                self.rect = self.image.get_rect()

            def show(self, data):
                self.rect.center = data["x"], data["y"]

        aliens = pygase_pygame.ViewGroup(Alien, on_gone=lambda alien: explode(alien.rect.center))
        while running:
            ...
            aliens.follow(session.view().get("aliens"))
            aliens.draw(screen)

    It makes a sprite for each key that appears, passes each sprite its data in each frame, and removes the sprites of
    keys that have vanished. The positions are those of the view, so they are interpolated and predicted.

    As a ``pygame.sprite.LayeredUpdates`` it draws in layers: a sprite's ``_layer`` when it is made, or
    :meth:`change_layer`. Sprites that the game adds itself stay until the game removes them.

    :param make: called with a new key and its data; returns the key's sprite, such as a class of sprites. A sprite
        has ``show(data)``, which is called in each frame, the first one included.
    :param on_spawn: called with a sprite whose key has appeared, in the frame that shows it first. It is not called
        for what was there at the first look.
    :param on_gone: called with a sprite that has left the group since its key vanished, in the first frame without it.
    """

    def __init__(
        self,
        make: Callable[[Any, Any], Any],
        *,
        on_spawn: Callable[[Any], object] | None = None,
        on_gone: Callable[[Any], object] | None = None,
    ) -> None:
        super().__init__()
        self._make = make
        self._on_spawn = on_spawn
        self._on_gone = on_gone
        self._by_key: dict[Any, Any] = {}
        self._has_looked = False

    def follow(self, mapping: Mapping[Any, Any] | None) -> None:
        """Take over a frame's data: a dict from keys to the data of their sprites.

        A sprite that the game has killed is not made again, and ``on_gone`` is not called for it.

        :param mapping: None (of ``view.get``) before the first state: all sprites leave silently, and the next call is
            the first look again.
        :raises TypeError: it is no dict, or ``make`` returned no sprite with a method ``show``.
        """
        if mapping is None:
            self._forget()
            return
        if not isinstance(mapping, Mapping):
            raise TypeError(
                "follow() takes a dict of a key and data for each sprite, such as view.get('aliens'), "
                f"got {mapping!r:.80}"
            )
        by_key, members = self._by_key, self.spritedict
        if not by_key.keys() <= mapping.keys():
            self._remove_vanished(mapping)
        for key, data in mapping.items():
            sprite = by_key.get(key)
            if sprite is None:
                self._spawn(key, data)
            elif sprite in members:
                sprite.show(data)
        self._has_looked = True

    def sprite_of(self, key: Any) -> Any:
        """Return the sprite of a key in the followed dict; None without one, or if the game has killed it."""
        sprite = self._by_key.get(key)
        return sprite if sprite is not None and sprite in self else None

    def _spawn(self, key: Any, data: Any) -> None:
        sprite = self._make(key, data)
        if not _can_be_shown(sprite):
            raise TypeError(
                f"make({key!r}, …) returned {sprite!r:.80}; "
                "a pygame.sprite.Sprite with a method show(data) was expected"
            )
        self._by_key[key] = sprite
        sprite.show(data)
        self.add(sprite)
        if self._has_looked and self._on_spawn is not None:
            self._on_spawn(sprite)

    def _remove_vanished(self, mapping: Mapping[Any, Any]) -> None:
        for key in [key for key in self._by_key if key not in mapping]:
            sprite = self._by_key.pop(key)
            if sprite in self:
                self.remove(sprite)
                if self._on_gone is not None:
                    self._on_gone(sprite)

    def _forget(self) -> None:
        for sprite in self._by_key.values():
            self.remove(sprite)
        self._by_key.clear()
        self._has_looked = False


def _can_be_shown(sprite: object) -> bool:
    return isinstance(sprite, pygame.sprite.Sprite) and callable(getattr(sprite, "show", None))
