"""Keys, mouse and gamepads to named inputs."""

from __future__ import annotations

import itertools
import json

import pygame
import pytest

from pygase import Backend, GameState
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Controls, binding_of
from pygase_pygame.controls.held_keys import Held
from pygase_pygame.headless import Headless


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


# -- mouse, wheel and gamepads


def event(kind: int, **attributes: object) -> pygame.event.Event:
    return pygame.event.Event(kind, attributes)


def click(button: int, down: bool = True) -> pygame.event.Event:
    return event(pygame.MOUSEBUTTONDOWN if down else pygame.MOUSEBUTTONUP, button=button, pos=(30, 40))


def wheel(x: int = 0, y: int = 0) -> pygame.event.Event:
    return event(pygame.MOUSEWHEEL, x=x, y=y)


def pad_button(button: int, down: bool = True, pad: int = 0) -> pygame.event.Event:
    return event(pygame.JOYBUTTONDOWN if down else pygame.JOYBUTTONUP, button=button, instance_id=pad, joy=pad)


def hat(x: int, y: int, pad: int = 0) -> pygame.event.Event:
    return event(pygame.JOYHATMOTION, hat=0, value=(x, y), instance_id=pad, joy=pad)


def stick(axis: int, value: float, pad: int = 0) -> pygame.event.Event:
    return event(pygame.JOYAXISMOTION, axis=axis, value=value, instance_id=pad, joy=pad)


@pytest.fixture
def walk() -> Controls:
    return Controls(
        left=[pygame.K_a, "pad left"],
        right=[pygame.K_d, "pad right"],
        up=[pygame.K_w, "pad up"],
        down=[pygame.K_s, "pad down"],
        fire=[pygame.K_SPACE, "mouse left", "pad 0", "pad axis 5 +"],
        zoom=["wheel up"],
    )


def test_a_mouse_button_holds_its_input_and_tells_where_the_mouse_is(walk):
    assert walk.mouse is None
    assert walk.handle(click(1))
    assert walk.held("fire")
    assert walk.mouse == (30, 40)
    assert not walk.handle(click(3))
    assert walk.handle(click(1, down=False))
    assert not walk.held("fire")
    walk.handle(event(pygame.MOUSEMOTION, pos=(5, 6), rel=(0, 0), buttons=(0, 0, 0)))
    assert walk.mouse == (5, 6)


def test_a_notch_of_the_wheel_is_a_press_in_one_frame(walk):
    assert not walk.take()["zoom"]
    assert walk.handle(wheel(y=3))
    assert not walk.handle(wheel(y=-1))
    assert not walk.handle(wheel(x=1))
    assert walk.presses("zoom") == 3
    assert not walk.held("zoom")
    assert walk.take()["zoom"]
    assert not walk.take()["zoom"]
    assert walk.presses("zoom") == 0


def test_a_pads_button_trigger_cross_and_stick_hold_inputs(walk):
    assert walk.handle(pad_button(0))
    assert walk.held("fire")
    walk.handle(pad_button(0, down=False))
    walk.handle(stick(5, -1.0))
    assert not walk.held("fire")
    walk.handle(stick(5, 0.9))
    assert walk.held("fire")
    assert walk.handle(hat(-1, 1))
    assert walk.axis("left", "right") == -1
    assert walk.axis("up", "down") == -1
    walk.handle(hat(0, 0))
    assert walk.handle(stick(0, 0.7))
    assert walk.axis("left", "right") == 1
    assert walk.handle(stick(0, -0.7))
    assert walk.axis("left", "right") == -1


def test_a_stick_that_trembles_at_its_threshold_presses_once(walk):
    for value in (0.45, 0.49, 0.51, 0.48, 0.52, 0.45, 0.5):
        walk.handle(stick(0, value))
    assert walk.presses("right") == 1
    assert walk.held("right")
    walk.handle(stick(0, 0.3))
    assert not walk.held("right")


def test_a_stick_at_rest_a_little_off_its_middle_is_nothing(walk):
    walk.handle(stick(0, 0.15))
    walk.handle(stick(1, -0.1))
    assert walk.vector("left", "right", "up", "down") == (0.0, 0.0)
    assert walk.strength("right") == 0.0


def test_a_stick_points_as_far_as_it_is_pushed(walk):
    walk.handle(stick(0, 0.6))
    assert walk.vector("left", "right", "up", "down") == (pytest.approx(0.5), 0.0)
    assert walk.strength("right") == pytest.approx(0.5)
    assert walk.strength("left") == 0.0
    walk.handle(stick(0, 1.0))
    walk.handle(stick(1, 1.0))
    x, y = walk.vector("left", "right", "up", "down")
    assert x == y == pytest.approx(0.5**0.5)


def test_keys_point_fully_and_no_faster_on_diagonals(walk):
    walk.handle(press(pygame.K_a))
    assert walk.vector("left", "right", "up", "down") == (-1.0, 0.0)
    walk.handle(press(pygame.K_s))
    x, y = walk.vector("left", "right", "up", "down")
    assert -x == y == pytest.approx(0.5**0.5)
    walk.handle(press(pygame.K_d))
    assert walk.vector("left", "right", "up", "down") == (0.0, 1.0)


def test_a_pad_that_is_pulled_out_lets_go_what_it_held_and_no_other_does(walk):
    for pad in (0, 7):
        walk.handle(pad_button(0, pad=pad))
    walk.handle(stick(0, 1.0, pad=7))
    walk.handle(press(pygame.K_w))
    assert walk.handle(event(pygame.JOYDEVICEREMOVED, instance_id=7))
    assert walk.state == {"left": False, "right": False, "up": True, "down": False, "fire": True, "zoom": False}
    assert walk.strength("right") == 0.0
    assert walk.handle(event(pygame.JOYDEVICEREMOVED, instance_id=0))
    assert not walk.held("fire")
    assert walk.held("up")


def test_two_pads_hold_an_input_until_the_last_is_let_go(walk):
    walk.handle(pad_button(0, pad=1))
    assert not walk.handle(pad_button(0, pad=2))
    assert not walk.handle(pad_button(0, down=False, pad=1))
    assert walk.handle(pad_button(0, down=False, pad=2))


def test_controls_can_be_one_players_pad_only(walk):
    walk.pad = 2
    assert not walk.handle(pad_button(0, pad=1))
    assert not walk.handle(hat(1, 0, pad=1))
    assert not walk.handle(stick(0, 1.0, pad=1))
    assert walk.handle(pad_button(0, pad=2))


def test_a_pad_that_is_plugged_in_while_the_game_runs_is_opened(monkeypatch):
    class Pad:
        def __init__(self, index: int) -> None:
            if index != 1:
                raise pygame.error("Invalid joystick device number")

        def get_instance_id(self) -> int:
            return 31

    monkeypatch.setattr(pygame.joystick, "Joystick", Pad)
    held = Held()
    assert not list(held.changes(event(pygame.JOYDEVICEADDED, device_index=1)))
    assert held.pads == [31]
    assert not list(held.changes(event(pygame.JOYDEVICEADDED, device_index=5)))
    list(held.changes(event(pygame.JOYDEVICEREMOVED, instance_id=31)))
    assert not held.pads
    monkeypatch.setattr(pygame.joystick, "get_init", lambda: True)
    monkeypatch.setattr(pygame.joystick, "get_count", lambda: 2)
    assert Held().pads == [31]


def test_losing_the_focus_lets_sticks_and_buttons_go_too(walk):
    walk.handle(stick(0, 1.0))
    walk.handle(click(1))
    assert walk.handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    assert not any(walk.state.values())
    assert walk.vector("left", "right", "up", "down") == (0.0, 0.0)


# -- from frame to frame


def test_a_key_pressed_and_let_go_between_two_frames_is_held_in_one(controls):
    controls.take()
    controls.handle(press(pygame.K_SPACE))
    controls.handle(release(pygame.K_SPACE))
    assert controls.presses("fire") == 1
    assert controls.take() == {"up": False, "down": False, "fire": True}
    assert controls.take() == {"up": False, "down": False, "fire": False}


def test_a_key_let_go_and_pressed_again_between_two_frames_is_let_go_in_one(controls):
    controls.handle(press(pygame.K_SPACE))
    assert controls.take()["fire"]
    controls.handle(release(pygame.K_SPACE))
    controls.handle(press(pygame.K_SPACE))
    assert not controls.take()["fire"]
    assert controls.take()["fire"]


def test_what_happens_slowly_is_taken_as_it_is(controls):
    taken = []
    for happens in (None, press, None, None, release, None):
        if happens:
            controls.handle(happens(pygame.K_w))
        taken.append(controls.take()["up"])
    assert taken == [False, True, True, True, False, False]


def test_the_first_take_counts_what_was_pressed_before_it():
    controls = Controls(fire=pygame.K_SPACE)
    controls.handle(press(pygame.K_SPACE))
    controls.handle(release(pygame.K_SPACE))
    assert controls.take() == {"fire": True}


def test_presses_count_since_the_last_take(controls):
    for _ in range(3):
        controls.handle(press(pygame.K_SPACE))
        controls.handle(release(pygame.K_SPACE))
    assert controls.presses("fire") == 3
    controls.take()
    assert controls.presses("fire") == 0
    with pytest.raises(ValueError, match="'shoot'"):
        controls.presses("shoot")


def test_release_all_forgets_presses(controls):
    controls.handle(press(pygame.K_SPACE))
    controls.release_all()
    assert controls.presses("fire") == 0
    assert not controls.take()["fire"]


def test_what_was_taken_never_changes(controls):
    taken = controls.take()
    with pytest.raises(TypeError):
        taken["up"] = True


@pytest.mark.parametrize("rate", [30, 60, 144])
def test_every_tap_of_a_frames_length_or_less_arrives_at_the_server_as_one(seed, rate):
    taps: list[bool] = []

    def step(game_state: GameState, dt: float, inputs: dict) -> dict:
        taps.extend(player.value["fire"] for player in inputs.values())
        return {}

    network = SimulatedNetwork(seed=seed, link=Link(latency=0.05, jitter=0.02, loss=0.1))
    network.serve(Backend(GameState(), step), interval=1 / 60)
    with Headless(network, frame_rate=rate) as stage:
        session, controls = stage.join(tick=1 / 60), Controls(fire=pygame.K_SPACE)

        def frame() -> None:
            for happened in pygame.event.get():
                controls.handle(happened)
            session.send_input(controls.take())

        stage.run(2.0, frame)
        for _ in range(20):
            stage.tap(pygame.K_SPACE)
            stage.run(0.2, frame)
        stage.run(1.0, frame)
    presses = sum(after and not before for before, after in itertools.pairwise(taps))
    assert presses == 20


# -- bindings that change


def test_an_input_can_be_bound_to_something_else_while_the_game_runs(controls):
    controls.handle(press(pygame.K_w))
    controls.rebind("up", pygame.K_i, "pad up")
    assert not controls.held("up")
    assert not controls.handle(press(pygame.K_UP))
    assert controls.handle(press(pygame.K_i))
    assert controls.bindings["up"] == (pygame.K_i, "pad up")
    controls.rebind("up", [pygame.K_o])
    assert controls.bindings["up"] == (pygame.K_o,)


def test_a_wrong_binding_is_refused_and_the_old_one_stays(controls):
    with pytest.raises(ValueError, match="'pu'"):
        controls.rebind("pu", pygame.K_i)
    with pytest.raises(ValueError, match="at least one key"):
        controls.rebind("up")
    for wrong in ("w", None, "mouse 4", "pad axis 1", "pad 100", "wheel 1", "mouse", ""):
        with pytest.raises(TypeError, match="takes key constants"):
            controls.rebind("up", wrong)
    with pytest.raises(ValueError, match="at most 32"):
        controls.rebind("up", range(100))
    assert controls.bindings["up"] == (pygame.K_w, pygame.K_UP)


def test_bindings_survive_a_settings_file(walk):
    walk.rebind("fire", "mouse right", pygame.K_LCTRL)
    text = json.dumps(walk.save())
    other = Controls(**dict.fromkeys(walk.bindings, pygame.K_F1))
    assert other.load(json.loads(text))
    assert other.bindings == walk.bindings


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "up",
        {"up": ["w"], "down": [7], "fire": []},
        {"up": None, "down": [7]},
        {"down": [7], "jump": [8]},
        {"up": 1.5, "down": [7], "fire": {"a": 1}},
        {"down": [7], "fire": [["x"]]},
    ],
)
def test_of_a_broken_settings_file_is_taken_what_makes_sense(controls, broken):
    before = controls.bindings
    assert not controls.load(broken)
    expected = (7,) if isinstance(broken, dict) else before["down"]
    assert controls.bindings == {**before, "down": expected}


@pytest.mark.parametrize(
    ("happened", "binding"),
    [
        (press(pygame.K_q), pygame.K_q),
        (click(1), "mouse left"),
        (click(6), "mouse 6"),
        (click(4), None),
        (wheel(y=1), "wheel up"),
        (wheel(x=-1), "wheel left"),
        (wheel(), None),
        (pad_button(3), "pad 3"),
        (hat(0, -1), "pad hat down"),
        (hat(1, 0), "pad hat right"),
        (hat(0, 0), None),
        (stick(2, -0.9), "pad axis 2 -"),
        (stick(2, 0.3), None),
        (release(pygame.K_q), None),
        (pygame.event.Event(pygame.QUIT), None),
    ],
)
def test_what_a_player_presses_can_be_bound(happened, binding):
    assert binding_of(happened) == binding
    if binding is not None:
        controls = Controls(chosen=binding)
        assert controls.handle(happened)
        assert controls.take()["chosen"]


def test_labels_say_what_to_press(display, walk):
    assert walk.label("left") == "A or pad left"
    assert walk.label("fire") == "Space or left mouse button or pad button 0 or pad axis 5 +"
