"""The times at which the server gets the player's input."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from pygase import RELIABLE
from pygase_pygame.controls.input_events import InputEvents


class Desk:
    """Records the dispatched events, and has a clock."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.retries: list[int] = []
        self.now = 100.0

    def dispatch(self, event_type: str, state: Any, retries: int = 0) -> None:
        assert event_type == "INPUT"
        self.sent.append(state)
        self.retries.append(retries)

    def sender(self, rate: float | None = None) -> InputEvents:
        return InputEvents(self.dispatch, rate=rate, clock=lambda: self.now)


def test_an_input_is_sent_only_when_it_says_something_new():
    desk = Desk()
    sender = desk.sender()
    assert [sender.send({"up": up}) for up in (False, False, True, True, False)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    assert desk.sent == [{"up": False}, {"up": True}, {"up": False}]


def test_changes_are_sent_reliably_so_that_no_lost_or_overtaken_datagram_leaves_a_key_stuck():
    desk = Desk()
    desk.sender().send({"up": True})
    assert desk.retries == [RELIABLE]


def test_an_input_is_copied_and_made_of_what_can_be_sent():
    desk = Desk()
    state = {"aim": (1, [2]), "keys": MappingProxyType({"up": True})}
    sender = desk.sender()
    sender.send(MappingProxyType(state))
    assert desk.sent == [{"aim": [1, [2]], "keys": {"up": True}}]
    assert type(desk.sent[0]["keys"]) is dict
    assert not sender.send(state)
    state["aim"] = (1, [3])
    assert sender.send(state)
    assert desk.sent[0]["aim"] == [1, [2]]


def test_an_input_that_is_changed_in_place_is_noticed():
    desk = Desk()
    sender = desk.sender()
    state = {"keys": [False]}
    sender.send(state)
    state["keys"][0] = True
    assert sender.send(state)


def test_none_is_an_input_too():
    desk = Desk()
    sender = desk.sender()
    assert sender.send(None)
    assert not sender.send(None)


def test_after_forgetting_the_same_input_is_sent_again():
    desk = Desk()
    sender = desk.sender()
    sender.send({"up": True})
    sender.forget()
    assert sender.send({"up": True})


@pytest.mark.parametrize("frame_rate", [60, 61.7, 144, 1000])
def test_a_rate_is_kept_whatever_the_frame_rate_and_loses_nothing_for_long(frame_rate):
    desk = Desk()
    sender = desk.sender(rate=30)
    for frame in range(int(frame_rate * 10)):
        desk.now = 100.0 + frame / frame_rate
        sender.send({"frame": frame})
    assert len(desk.sent) == pytest.approx(300, abs=2)
    assert set(desk.retries) == {0}


def test_at_a_rate_the_same_input_is_repeated_so_that_a_lost_one_is_made_good():
    desk = Desk()
    sender = desk.sender(rate=10)
    for _ in range(5):
        sender.send({"up": True})
        desk.now += 0.1001
    assert desk.sent == [{"up": True}] * 5


def test_after_a_pause_a_rate_does_not_catch_up():
    desk = Desk()
    sender = desk.sender(rate=10)
    sender.send(1)
    desk.now += 60.0
    assert [sender.send(2) for _ in range(5)] == [True, False, False, False, False]


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="input_rate"):
        Desk().sender(rate=rate)
