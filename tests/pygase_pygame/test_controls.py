"""Keys to named inputs."""

from __future__ import annotations

import pygame
import pytest

from pygase_pygame import Controls


def press(key: int) -> pygame.event.Event:
    return pygame.event.Event(pygame.KEYDOWN, key=key)


def release(key: int) -> pygame.event.Event:
    return pygame.event.Event(pygame.KEYUP, key=key)


@pytest.fixture
def controls() -> Controls:
    return Controls(up=[pygame.K_w, pygame.K_UP], down=[pygame.K_s, pygame.K_DOWN], fire=pygame.K_SPACE)


def test_nothing_is_held_at_first(controls):
    assert controls.state == {"up": False, "down": False, "fire": False}


def test_a_key_holds_its_input_from_down_to_up(controls):
    assert controls.handle(press(pygame.K_w))
    assert controls.state == {"up": True, "down": False, "fire": False}
    assert controls.handle(release(pygame.K_w))
    assert not controls.held("up")


def test_two_keys_of_one_input_hold_it_until_the_last_is_let_go(controls):
    controls.handle(press(pygame.K_w))
    assert not controls.handle(press(pygame.K_UP))
    assert not controls.handle(release(pygame.K_w))
    assert controls.held("up")
    assert controls.handle(release(pygame.K_UP))
    assert not controls.held("up")


def test_one_key_can_serve_two_inputs():
    controls = Controls(jump=pygame.K_SPACE, start=[pygame.K_SPACE, pygame.K_RETURN])
    controls.handle(press(pygame.K_SPACE))
    assert controls.state == {"jump": True, "start": True}


def test_key_repeat_and_other_keys_and_other_events_change_nothing(controls):
    controls.handle(press(pygame.K_w))
    assert not controls.handle(press(pygame.K_w))
    assert not controls.handle(press(pygame.K_F1))
    assert not controls.handle(release(pygame.K_s))
    assert not controls.handle(pygame.event.Event(pygame.MOUSEMOTION, pos=(1, 2)))
    assert not controls.handle(pygame.event.Event(pygame.QUIT))


def test_losing_the_focus_lets_everything_go(controls):
    controls.handle(press(pygame.K_w))
    controls.handle(press(pygame.K_SPACE))
    assert controls.handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    assert not any(controls.state.values())
    assert not controls.handle(release(pygame.K_w))


def test_release_all_lets_everything_go(controls):
    controls.handle(press(pygame.K_w))
    assert controls.release_all()
    assert not controls.release_all()
    assert not any(controls.state.values())


def test_an_axis_is_the_balance_of_two_inputs(controls):
    assert controls.axis("up", "down") == 0
    controls.handle(press(pygame.K_s))
    assert controls.axis("up", "down") == 1
    controls.handle(press(pygame.K_w))
    assert controls.axis("up", "down") == 0
    controls.handle(release(pygame.K_s))
    assert controls.axis("up", "down") == -1


def test_a_state_that_was_read_never_changes(controls):
    before = controls.state
    with pytest.raises(TypeError):
        before["up"] = True
    controls.handle(press(pygame.K_w))
    assert not before["up"]
    assert controls.state["up"]


def test_an_unknown_input_is_named_together_with_those_there_are(controls):
    with pytest.raises(ValueError, match=r"'pu'.*up, down, fire"):
        controls.held("pu")
    with pytest.raises(ValueError, match="'left'"):
        controls.axis("left", "down")


@pytest.mark.parametrize("wrong", ["w", ["w"], 1.5, None, True, [pygame.K_w, None]])
def test_what_is_no_key_is_refused(wrong):
    with pytest.raises(TypeError, match=r"Controls\(up=\.\.\.\) takes key constants"):
        Controls(up=wrong)


def test_controls_without_inputs_or_inputs_without_keys_are_refused():
    with pytest.raises(ValueError, match="at least one input"):
        Controls()
    with pytest.raises(ValueError, match="at least one key"):
        Controls(up=[])


def test_a_posted_key_works_like_a_pressed_one(display, controls):
    pygame.event.post(press(pygame.K_UP))
    for event in pygame.event.get():
        controls.handle(event)
    assert controls.held("up")
