"""Refuses what pygame gives where the player's input is expected, and says how to write it."""

from __future__ import annotations

from typing import Any, Final

import pygame

from .controls import Controls

_AN_INPUT_IS: Final = "send_input expected the player's input, a few named values such as controls.take(), got "
_NAMED: Final = 'controls = Controls(left=pygame.K_LEFT, fire=[pygame.K_SPACE, "pad 0"])'


def check_input(state: Any) -> None:
    """Check that an input is none of pygame's own objects.

    :raises TypeError: it is; the message says what to write.
    """
    wrong = _what(state)
    if wrong:
        raise TypeError(_AN_INPUT_IS + wrong)


def _what(state: Any) -> str:
    if isinstance(state, pygame.key.ScancodeWrapper):
        return (
            "pygame.key.get_pressed(), which is all keys of the keyboard: name those of your game, as in "
            f'{{"left": keys[pygame.K_LEFT]}}, or let {_NAMED} do it'
        )
    if isinstance(state, pygame.event.Event) or (
        isinstance(state, list) and any(isinstance(each, pygame.event.Event) for each in state)
    ):
        return (
            f"an event of pygame: make {_NAMED} once, pass each event to controls.handle(event), and in each frame "
            "call session.send_input(controls.take())"
        )
    return "the controls themselves: write session.send_input(controls.take())" if isinstance(state, Controls) else ""
