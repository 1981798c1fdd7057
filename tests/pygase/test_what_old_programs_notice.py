"""The changes that a program for PyGaSe 0.x notices, as the changelog lists them."""

from typing import Any

import pytest

from pygase import (
    Backend,
    Client,
    GameState,
    GameStateMachine,
    GameStateStore,
    GameStateUpdate,
    InPlaceChange,
    Server,
)
from pygase.event import Event
from pygase.testing import SimulatedNetwork


def test_handlers_run_before_the_time_step_which_sees_what_they_have_changed() -> None:
    seen: list[Any] = []
    machine = GameStateMachine(GameStateStore(GameState(n=0)))

    def step(game_state: GameState, dt: float) -> dict[str, Any]:
        seen.append(("time step", game_state.n))
        return {"n": game_state.n + 1}

    def on_event(game_state: GameState) -> dict[str, Any]:
        seen.append(("handler", game_state.n))
        return {"n": 10}

    machine.time_step = step
    machine.register_event_handler("E", on_event)
    machine._push_event(Event("E"))
    machine.plumbing.tick(0.02, 0.02)
    assert seen == [("handler", 0), ("time step", 10)]
    assert machine.game_state_store.get_game_state().n == 11


def test_the_state_that_a_store_returns_is_the_callers_own_and_the_given_one_is_followed() -> None:
    given = GameState(n=0)
    store = GameStateStore(given)
    machine = GameStateMachine(store)
    machine.time_step = lambda game_state, dt: {}
    given.n = 1
    machine.plumbing.tick(0.02, 0.02)
    store.get_game_state().n = 5
    assert store.get_game_state().n == 1
    with pytest.raises(InPlaceChange):
        given.n = 2
    store.push_update(GameStateUpdate(n=3))
    assert given.n == 3


@pytest.mark.parametrize(("order", "is_merged"), [(4, False), (5, True), (6, True), (0, True)])
def test_an_update_with_the_time_order_of_the_state_or_with_0_is_merged(order: int, is_merged: bool) -> None:
    store = GameStateStore(GameState(n=0))
    store.push_update(GameStateUpdate(5, n=5))
    store.push_update(GameStateUpdate(order, n=9))
    state = store.get_game_state()
    assert (state.n, int(state.time_order)) == ((9, 6) if is_merged else (5, 5))


def test_wait_until_waits_for_an_attribute_and_try_to_returns_none() -> None:
    client = Client()
    with pytest.raises(TimeoutError):
        client.wait_until(lambda game_state: game_state.later > 0, timeout=0.01)
    assert client.try_to(lambda game_state: None, timeout=0.01) is None


def test_floats_arrive_as_they_were_sent() -> None:
    network, client = SimulatedNetwork(), Client()
    network.serve(Backend(GameState(x=0.1), lambda game_state, dt: {}))
    network.connect(client)
    network.run(0.5)
    assert client.try_to(lambda game_state: game_state.x) == 0.1


@pytest.mark.integration
@pytest.mark.parametrize("hostname", ["127.0.0.1", "localhost"])
def test_the_hostname_is_the_one_given_and_threads_do_not_keep_the_program_alive(hostname: str) -> None:
    store = GameStateStore(GameState())
    server, machine, client = Server(store), GameStateMachine(store), Client()
    machine.time_step = lambda game_state, dt: {}
    threads = [server.run_in_thread(0, hostname, machine), machine.run_game_loop_in_thread()]
    threads.append(client.connect_in_thread(server.port or 0, hostname))
    assert (server.hostname, [thread.daemon for thread in threads]) == (hostname, [True, True, True])
    client.disconnect()
    machine.stop()
    server.shutdown()
