"""A server whose data a game cannot use is left with a sentence; a mistake of one's own is raised as ever."""

from __future__ import annotations

import logging
from typing import Any

import pygame
import pytest

from pygase_pygame import LOST, Session
from tests.pygase_pygame.conftest import FakeClient

pytestmark = pytest.mark.usefixtures("display")


def has_a_ball(state: Any) -> str:
    return "" if "ball" in state else "its state has no 'ball'"


@pytest.fixture
def session(client: FakeClient) -> Session:
    return Session(client, clock=lambda: 50.0, connect=client.begin, check=has_a_ball, address="box:1")


def losses() -> list[str]:
    return [event.reason for event in pygame.event.get() if event.type == LOST]


def break_down(session: Session) -> None:
    with session.guard():
        raise KeyError("ball")


def test_what_a_servers_data_lead_to_ends_the_session_with_a_sentence(session: Session, client: FakeClient) -> None:
    client.come_up()
    client.receive(1, 50.0, ball=1)
    session.view()
    break_down(session)
    assert (session.status, client.closed) == ("lost", 1)
    assert session.reason == session.refusal
    assert session.reason.startswith(
        "This server does not fit the game: what it sends led to KeyError in test_guard.py"
    )
    assert losses() == [session.reason]


def test_an_event_is_reason_enough(session: Session, client: FakeClient) -> None:
    client.come_up()
    client.say("NEWS", 5)
    break_down(session)
    assert session.status == "lost"


def test_a_state_that_does_not_fit_is_never_shown(session: Session, client: FakeClient) -> None:
    client.come_up()
    client.receive(1, 50.0, ball=1)
    assert session.view().ball == 1
    client.receive(2, 50.1, puck=1)
    assert not session.view().ready
    assert session.newest == {}
    assert session.reason.startswith("This server does not fit the game: its state has no 'ball'. Perhaps")
    assert not session.view().ready
    assert not session.send_input("up")
    assert losses() == [session.reason], "once"


def test_trying_again_begins_with_a_clean_slate(session: Session, client: FakeClient) -> None:
    client.come_up()
    client.receive(1, 50.0, puck=1)
    session.poll()
    session.retry()
    assert (session.status, session.refusal) == ("connecting", "")
    client.come_up()
    client.receive(1, 50.0, ball=2)
    assert session.view().ball == 2
    client.receive(2, 50.0, puck=1)
    session.poll()
    assert session.status == "lost"
    assert len(losses()) == 2


def test_what_is_raised_after_that_is_of_no_more_interest(session: Session, client: FakeClient) -> None:
    client.come_up()
    client.receive(1, 50.0, puck=1)
    session.poll()
    reason = session.reason
    break_down(session)
    assert session.reason == reason


def test_before_the_server_has_said_anything_it_is_not_to_blame(session: Session, client: FakeClient) -> None:
    client.come_up()
    with pytest.raises(KeyError):
        break_down(session)
    assert session.status == "connected"


def test_ones_own_server_is_ones_own_program(client: FakeClient) -> None:
    class Backend:
        def shutdown(self) -> None:
            pass

    session = Session(client, backend=Backend(), check=has_a_ball)  # type: ignore[arg-type]
    client.come_up()
    client.say("NEWS", 5)
    with pytest.raises(KeyError):
        break_down(session)
    client.receive(1, 50.0, puck=1)
    with pytest.raises(ValueError, match="its state has no 'ball'"):
        session.view()


@pytest.mark.parametrize(("value", "raised"), [("1", True), ("", False), ("0", False)])
def test_a_programmer_can_ask_for_what_is_raised(
    session: Session, client: FakeClient, monkeypatch: pytest.MonkeyPatch, value: str, raised: bool
) -> None:
    monkeypatch.setenv("PYGASE_DEBUG", value)
    client.come_up()
    client.say("NEWS", 5)
    if raised:
        with pytest.raises(KeyError):
            break_down(session)
    else:
        break_down(session)


def test_the_log_has_one_line_and_at_level_debug_the_traceback(
    session: Session, client: FakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.come_up()
    client.say("NEWS", 5)
    break_down(session)
    line, trace = caplog.records
    assert (line.levelname, line.exc_info) == ("WARNING", None)
    assert "box:1" in line.getMessage()
    assert "PYGASE_DEBUG=1" in line.getMessage()
    assert trace.levelname == "DEBUG"
    assert trace.exc_info is not None


def test_what_ends_the_program_on_purpose_goes_through(session: Session, client: FakeClient) -> None:
    client.come_up()
    client.say("NEWS", 5)
    for end in (KeyboardInterrupt, SystemExit):
        with pytest.raises(end), session.guard():
            raise end
    assert session.status == "connected"


def test_a_sentence_of_a_strangers_is_short_and_on_one_line(session: Session, client: FakeClient) -> None:
    client.come_up()
    client.say("NEWS", 5)
    with session.guard():
        raise ValueError("x\n\x00\u202e" * 10_000)
    assert len(session.reason) < 300
    assert session.reason.isprintable()
