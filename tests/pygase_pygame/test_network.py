"""Sessions on real sockets of this machine: joining, hosting, losing, trying again."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pygame
import pytest

from pygase import CLIENT_CONNECTED, AddressInUse, Backend, DisconnectReason, GameState, ServerConfig
from pygase_pygame import CONNECTED, LOST, SERVER_EVENT, Controls, Session, host, join

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("display")]

INTERVAL = 0.01


def make_backend(**options: Any) -> Backend:
    """A game in which a ball rolls, and everyone's input is shown to all."""

    def steer(keys: dict[str, bool], client_id: int) -> dict[str, Any]:
        return {"inputs": {client_id: keys}}

    def greet(client_id: int) -> None:
        backend.server.dispatch_event("WELCOME", client_id, target_client=client_id)

    backend = Backend(
        GameState(ball={"x": 0.0}, inputs={}),
        lambda game_state, dt: {"ball": {"x": game_state.ball["x"] + 100 * dt}},
        {"INPUT": steer, CLIENT_CONNECTED: greet},
        **options,
    )
    return backend


@contextmanager
def serving(backend: Backend, port: int = 0) -> Iterator[int]:
    thread = backend.run_in_thread("127.0.0.1", port, INTERVAL)
    assert backend.server.port is not None
    try:
        yield backend.server.port
    finally:
        backend.shutdown()
        thread.join(2)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def frames(session: Session, until: Callable[[], Any], timeout: float = 5.0) -> Any:
    """Draw frames until something is so."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        session.view()
        result = until()
        if result:
            return result
        time.sleep(1 / 120)
    raise AssertionError(f"not so within {timeout} s; the session is {session.status}: {session.reason}")


def wait_for_event(session: Session, event_type: int) -> pygame.event.Event:
    found: pygame.event.Event = frames(session, lambda: pygame.event.get(event_type))[0]
    return found


def test_a_player_joins_with_an_invite_typed_or_as_an_argument():
    pytest.importorskip("cryptography")
    backend = make_backend()
    with serving(backend):
        invite = backend.server.invite()
        for call in (lambda: join(invite), lambda: join(invite=invite)):  # one after the other: they share one queue
            with call() as session:
                wait_for_event(session, CONNECTED)
                assert session.client.is_encrypted
                assert "#" not in session.address


def test_a_player_joins_sees_the_game_move_smoothly_and_steers():
    controls = Controls(up=pygame.K_UP)
    backend = make_backend()
    with serving(backend) as port, join(f"127.0.0.1:{port}", interpolate=["ball.x"], delay=0.05) as session:
        wait_for_event(session, CONNECTED)
        assert wait_for_event(session, SERVER_EVENT).args == (session.me,)
        frames(session, lambda: session.view().get("ball", {}).get("x", 0.0) > 0)
        received: set[float] = set()
        seen: list[float] = []

        def is_smooth() -> bool:
            """True when 50 frames have shown something between two states (in no hurry: the machine may be busy)."""
            received.update(snapshot.state["ball"]["x"] for snapshot in session.client.snapshots)
            seen.append(session.view().ball["x"])
            return len({*seen} - received) > 50

        frames(session, is_smooth)
        assert seen == sorted(seen)
        me = session.me
        for kind, held in ((pygame.KEYDOWN, True), (pygame.KEYUP, False)):
            controls.handle(pygame.event.Event(kind, key=pygame.K_UP))
            session.send_input(controls.state)
            frames(session, lambda held=held: session.view().inputs.get(me) == {"up": held})


def test_hosting_serves_and_joins_and_closing_ends_both():
    backend = make_backend(game="balls")
    with host(backend, game="balls", interval=INTERVAL) as session:
        frames(session, lambda: session.view().ready)
        port = backend.server.port
        assert backend.server.host_client == session.client.address
        with join("localhost", port, game="balls") as friend:
            frames(friend, lambda: friend.view().ready)
            session.close()
            assert wait_for_event(friend, LOST).reason.startswith("The host has ended the game.")
            assert friend.status == "lost"
    assert backend.server.port is None
    assert session.status == "closed"


def test_hosting_at_all_addresses_is_joined_at_this_machines_own():
    with host(make_backend(), hostname="0.0.0.0", interval=INTERVAL) as session:
        frames(session, lambda: session.status == "connected")


@pytest.mark.parametrize(("chosen", "is_host"), [(None, True), (True, True), (False, False)])
def test_who_hosts_a_game_is_its_host_with_their_next_client_unless_the_config_says_no(chosen, is_host):
    backend = make_backend(config=ServerConfig(local_host=chosen))
    with host(backend, hostname="0.0.0.0", interval=INTERVAL) as session:
        frames(session, lambda: session.status == "connected")
        assert backend.server.host_client == session.client.address
        session.client.disconnect()
        with join("localhost", backend.server.port) as again:
            frames(again, lambda: again.status == "connected")
            assert (backend.server.host_client == again.client.address) == is_host


def test_hosting_at_a_port_in_use_raises_at_once_and_leaves_nothing_behind():
    with serving(make_backend()) as port, pytest.raises(AddressInUse):
        host(make_backend(), port)


def test_nobody_there_is_told_in_words_and_can_be_tried_again_when_somebody_is():
    port = free_port()
    with join("127.0.0.1", port, connect_timeout=0.3) as session:
        lost = wait_for_event(session, LOST)
        assert session.status == "lost"
        assert lost.reason == session.reason
        assert "Nobody answers" in session.reason
        with serving(make_backend(), port):
            session.retry()
            assert session.status == "connecting"
            frames(session, lambda: session.view().ready)
            assert session.status == "connected"


def test_a_server_that_starts_again_is_found_again_and_shown_from_its_beginning():
    port = free_port()
    with join("127.0.0.1", port, interpolate=["ball.x"]) as session:
        with serving(make_backend(), port):
            frames(session, lambda: session.view().get("ball", {}).get("x", 0.0) > 30)
        frames(session, lambda: session.status == "lost")
        before = session.view().ball["x"]
        with serving(make_backend(), port):
            session.retry()
            frames(session, lambda: session.view().ball["x"] < before)
            frames(session, lambda: session.view().ball["x"] > before)


def test_another_game_refuses_with_its_reason():
    with serving(make_backend(game="balls")) as port, join("127.0.0.1", port, game="cubes") as session:
        assert "different game" in wait_for_event(session, LOST).reason


def test_closing_while_connecting_is_quick():
    session = join("127.0.0.1", free_port())
    started = time.monotonic()
    session.close()
    assert time.monotonic() - started < 2.0
    assert session.status == "closed"


def test_an_address_that_makes_no_sense_is_refused_before_anything_starts():
    with pytest.raises(ValueError, match="is not an address"):
        join("localhost:http")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("0.0.0.0", 8080), "hostname must be a str .*, got 8080; "),
        ((8080, None), "hostname must be a str .*, got None; "),
        (("8080", "localhost"), "port must be an int from 0 to 65535, got '8080'; "),
        ((70000,), "port must be an int from 0 to 65535, got 70000; "),
        ((True,), "port must be an int from 0 to 65535, got True; "),
    ],
)
def test_a_place_that_makes_no_sense_is_told_to_who_hosts_with_the_name_of_what_was_called(place, words):
    with pytest.raises((TypeError, ValueError), match=words + r"name what you mean: host\(backend, port=8080"):
        host(make_backend(), *place)


@pytest.mark.parametrize("port", ["8080", 0, 70000])
def test_a_port_that_makes_no_sense_is_told_to_who_joins_with_the_name_of_what_was_called(port):
    with pytest.raises(ValueError, match=r"port must be an int from 1 to 65535, got .*; name what you mean: join\("):
        join("localhost", port)


def test_a_host_name_that_nobody_knows_is_told_in_words(monkeypatch):
    def know_nobody(*args: Any, **kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", know_nobody)
    with join("no-such-host.invalid") as session:
        assert wait_for_event(session, LOST).reason == session.reason
        assert "no-such-host.invalid" in session.reason
        assert "is not known" in session.reason
        assert "check the spelling" in session.reason
        assert session.client.disconnect_reason is DisconnectReason.UNKNOWN_HOST
