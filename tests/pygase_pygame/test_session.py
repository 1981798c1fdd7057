"""A client in a render loop: status, events, inputs, views."""

from __future__ import annotations

import pygame
import pytest

from pygase import ConnectionFailed, DisconnectReason
from pygase.names import LONGEST_LINE
from pygase_pygame import CONNECTED, LOST, SERVER_EVENT, Session
from pygase_pygame.connect.reasons import explain
from tests.pygase_pygame.conftest import FakeClient

pytestmark = pytest.mark.usefixtures("display")


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(client: FakeClient, clock: Clock) -> Session:
    return Session(client, interpolate=["x"], delay=0.125, clock=clock, connect=client.begin)


def received() -> list[pygame.event.Event]:
    """Our events, in the order in which a game sees them (asked for several types, pygame sorts by type)."""
    return [event for event in pygame.event.get() if event.type in (SERVER_EVENT, CONNECTED, LOST)]


def types_received() -> list[int]:
    return [event.type for event in received()]


# ---------------------------------------------------------------------------------------------- status


def test_before_anything_is_known_it_is_connecting(session):
    assert session.status == "connecting"
    assert session.reason == "Connecting to the server …"


def test_the_status_follows_the_client(session, client):
    session.connect()
    assert session.status == "connecting"
    client.come_up()
    assert session.status == "connected"
    assert session.reason == ""
    client.end(DisconnectReason.SERVER_SHUTDOWN)
    assert session.status == "lost"
    assert session.reason == "The host has ended the game. Ask the host to open it again, then try again."


def test_closing_hangs_up_once_and_says_so(session, client):
    client.come_up()
    with session:
        pass
    session.close()
    assert client.closed == 1
    assert session.status == "closed"
    assert session.reason == "You have left the game."


def test_a_client_that_the_game_itself_disconnected_is_closed_not_lost(session, client):
    client.come_up()
    client.disconnect()
    session.poll()
    assert session.status == "closed"
    assert LOST not in types_received()


def test_a_connection_that_never_came_about_is_lost_with_what_was_raised(session, client):
    client.error = ConnectionFailed(DisconnectReason.NO_ANSWER, hint="Is the address right?")
    assert session.status == "lost"
    assert session.reason.startswith("Nobody answers there.")
    assert session.reason.endswith("Is the address right?")


def test_closing_ends_what_is_served_beside_it(client):
    class Backend:
        ended = 0

        def shutdown(self) -> None:
            self.ended += 1

    backend = Backend()
    Session(client, backend=backend).close()
    assert backend.ended == 1


@pytest.mark.parametrize("reason", list(DisconnectReason))
def test_every_reason_is_a_plain_sentence(reason):
    sentence = explain(reason, "Words of the server.")
    assert sentence.startswith(reason.sentence)
    assert "Words of the server." in sentence
    assert sentence.endswith(".")


def test_what_a_stranger_says_is_made_fit_for_the_screen():
    endless = explain(DisconnectReason.KICKED, "x" * 100_000)
    assert len(endless) <= LONGEST_LINE
    assert endless.endswith("Ask the host before you try again.")


def test_the_systems_own_words_are_left_out():
    unknown = OSError("the host name 'box' is not known ([Errno -3] Temporary failure in name resolution); check it")
    assert explain(None, error=unknown) == "The host name 'box' is not known; check it"


# ---------------------------------------------------------------------------------------------- trying again


def test_retry_connects_again_but_only_when_the_connection_is_lost(session, client):
    client.come_up()
    session.retry()
    assert session.status == "connected"
    client.end(DisconnectReason.TIMED_OUT)
    session.retry()
    assert session.status == "connecting"
    session.retry()
    client.come_up()
    assert session.status == "connected"


def test_a_closed_session_or_one_around_a_foreign_client_cannot_connect(session, client):
    client.end(DisconnectReason.TIMED_OUT)
    with pytest.raises(RuntimeError, match=r"without connect="):
        Session(client).retry()
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        session.connect()


# ---------------------------------------------------------------------------------------------- events


def test_the_servers_events_arrive_as_pygame_events_in_order(session, client):
    client.come_up()
    client.say("GOAL", "anna", score=3)
    client.say("ROUND", 2)
    connected, goal, round_2 = received()
    assert (connected.type, connected.session) == (CONNECTED, session)
    assert (goal.type, goal.name, goal.args, goal.kwargs) == (SERVER_EVENT, "GOAL", ("anna",), {"score": 3})
    assert (round_2.name, round_2.args, round_2.kwargs) == ("ROUND", (2,), {})


def test_data_called_like_our_own_parameters_gets_through(session, client):
    client.say("ODD", event_type=1, self=2, session=3, name=4)
    (event,) = pygame.event.get(SERVER_EVENT)
    assert event.name == "ODD"
    assert event.kwargs == {"event_type": 1, "self": 2, "session": 3, "name": 4}


@pytest.mark.parametrize("told", [True, False])
def test_a_loss_is_told_once_whether_or_not_the_client_tells_it(session, client, told):
    client.come_up()
    client.end(DisconnectReason.KICKED, "Be nice.", told=told)
    session.poll()
    session.view()
    connected, lost = received()
    assert connected.type == CONNECTED
    assert lost.type == LOST
    assert lost.reason == session.reason
    assert "Be nice." in lost.reason


def test_each_loss_is_told(session, client):
    for _ in range(2):
        session.connect()
        client.come_up()
        client.end(DisconnectReason.TIMED_OUT)
        session.poll()
    assert types_received() == [CONNECTED, LOST, CONNECTED, LOST]


def test_a_failed_retry_is_told(session, client):
    session.connect()
    client.end(DisconnectReason.NO_ANSWER)
    session.poll()
    session.retry()
    client.end(DisconnectReason.NO_ANSWER)
    session.poll()
    assert types_received() == [LOST, LOST]


def test_after_closing_nothing_more_is_posted(session, client):
    session.close()
    client.say("LATE")
    client.end(DisconnectReason.TIMED_OUT)
    session.poll()
    assert types_received() == []


def test_without_a_display_nothing_crashes_and_nothing_is_lost(session, client):
    pygame.quit()
    client.come_up()
    client.say("GOAL")
    session.view()
    pygame.init()
    pygame.display.set_mode((10, 10))
    session.view()
    assert types_received() == [CONNECTED, SERVER_EVENT]


# ---------------------------------------------------------------------------------------------- inputs


def test_input_goes_out_when_it_is_new_and_there_is_a_connection(session, client):
    assert not session.send_input({"up": True})
    client.come_up()
    assert session.send_input({"up": True})
    assert not session.send_input({"up": True})
    assert [(name, args) for name, args, _ in client.dispatched] == [("INPUT", ({"up": True},))]


def test_after_a_reconnect_the_server_is_told_what_is_held(session, client):
    client.come_up()
    session.send_input({"up": True})
    client.end(DisconnectReason.TIMED_OUT)
    assert not session.send_input({"up": True})
    session.retry()
    client.come_up()
    assert session.send_input({"up": True})
    assert len(client.dispatched) == 2


def test_the_inputs_event_and_rate_are_the_games_to_choose(client, clock):
    session = Session(client, input_event="STEER", input_rate=10, clock=clock)
    client.come_up()
    for _ in range(3):
        session.send_input(0.5)
        clock.now += 0.06
    assert client.dispatched == [("STEER", (0.5,), 0)] * 2


def test_wrong_arguments_are_refused_with_a_reason(client):
    with pytest.raises(ValueError, match="delay"):
        Session(client, delay=-1)
    with pytest.raises(ValueError, match="input_rate"):
        Session(client, input_rate=0)
    with pytest.raises(ValueError, match="malformed"):
        Session(client, interpolate=["players..x"])


# ---------------------------------------------------------------------------------------------- views


def test_before_the_first_state_the_view_is_empty(session):
    view = session.view()
    assert not view.ready
    assert view.get("x", 7) == 7


def test_the_view_is_interpolated_behind_the_server(session, client, clock):
    client.come_up()
    for tick in range(4):
        client.receive(tick, 50.0 + tick * 0.0625, x=float(tick), step=tick)
    clock.now = 50.0 + 1.5 * 0.0625 + 0.125
    view = session.view()
    assert view.ready
    assert view.x == pytest.approx(1.5)
    assert view.step == 1


def test_each_snapshot_is_taken_in_once_however_many_arrive_between_two_frames(session, client, clock):
    client.come_up()
    seen = []
    for tick in range(200):
        client.receive(tick, 50.0 + tick * 0.0625, x=float(tick))
        clock.now = 50.0 + tick * 0.0625
        if tick % 7 == 0:
            seen.append(session.view().x)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(196 - 2.0)


def test_the_last_picture_stays_while_the_connection_is_lost_and_until_the_new_ones_first_state(
    session: Session, client: FakeClient, clock: Clock
):
    client.come_up()
    client.receive(900, 60.0, x=1.0)
    clock.now = 61.0
    assert session.view() == {"x": 1.0}
    client.end(DisconnectReason.SERVER_SHUTDOWN)
    assert session.view() == {"x": 1.0}
    session.retry()
    client.come_up()
    assert session.view() == {"x": 1.0}
    client.receive(0, 61.0, x=5.0)  # a server that was started a moment ago
    assert session.view() == {"x": 5.0}


def test_a_slow_display_sees_nothing_of_the_old_connection_once_the_new_one_has_a_state(
    session: Session, client: FakeClient, clock: Clock
):
    client.come_up()
    client.receive(3, 50.0, x=1.0)
    client.end(DisconnectReason.TIMED_OUT)
    client.begin()
    client.come_up()
    client.receive(2, 50.2, x=5.0)
    clock.now = 50.3
    assert session.view() == {"x": 5.0}
