"""The state that a program hands over: it counts until the game begins, keeps its class, and shows the newest after."""

import copy
import dataclasses
import json
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import Backend, Client, GameState, GameStateMachine, GameStateStore, GameStateUpdate, GameStatus, Server
from pygase.errors import AddressInUse, InPlaceChange, InvalidValue, StateTooLarge
from pygase.gamestate import TO_DELETE
from pygase.testing import SimulatedNetwork

WAIT = 5.0


class Board(GameState):
    """A game's own class of states, with all that such a class may have."""

    size = 3
    winner: str | None = None

    def __init__(self, cells: dict[str, int], **more: Any) -> None:
        super().__init__(cells=cells, **more)
        self.made = True

    def taken(self) -> int:
        return len(self.cells)

    @property
    def is_full(self) -> bool:
        return self.taken() >= self.size

    @property
    def level(self) -> int:
        return int(self.hidden_level)

    @level.setter
    def level(self, value: int) -> None:
        self.hidden_level = value


def nothing(game_state: Any, dt: float) -> None:
    return None


def count(game_state: Any, dt: float) -> dict[str, Any]:
    return {"n": game_state.n + 1}


def playing(state: GameState, time_step: Callable[..., Any] = nothing, **more: Any) -> tuple[Backend, SimulatedNetwork]:
    backend = Backend(state, time_step, **more)
    network = SimulatedNetwork()
    network.serve(backend, 0.02)
    return backend, network


# -- until the game begins -------------------------------------------------------------------------------------------


def begin_by_a_tick(store: GameStateStore) -> None:
    machine = GameStateMachine(store)
    machine.time_step = nothing  # type: ignore[method-assign]
    machine.plumbing.tick(0.02, 1.0)


def begin_by_a_server(store: GameStateStore) -> None:
    SimulatedNetwork().serve(Server(store))


def begin_by_a_loop(store: GameStateStore) -> None:
    machine = GameStateMachine(store)
    machine.time_step = nothing  # type: ignore[method-assign]
    thread = machine.run_game_loop_in_thread(0.005)
    machine.stop()
    thread.join(WAIT)


BEGINNINGS = [begin_by_a_tick, begin_by_a_server, begin_by_a_loop]


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_what_is_done_to_the_state_until_the_game_begins_counts(begin: Callable[[GameStateStore], None]) -> None:
    state = GameState(cells={"a": 1}, gone=1, walls=[1])
    store = GameStateStore(state)
    state.new = 5
    state.cells["b"] = 2
    state.walls.append(2)
    del state.gone
    begin(store)
    assert dict(store.get_game_state()) == {"cells": {"a": 1, "b": 2}, "walls": [1, 2], "new": 5}
    with pytest.raises(InPlaceChange):
        state.new = 6
    assert dict(state) == dict(store.get_game_state())


def test_before_the_game_begins_the_store_gives_what_the_state_is_now() -> None:
    state = GameState(n=1)
    store = GameStateStore(state)
    state.n, state.time_order = 2, 40
    given = store.get_game_state()
    assert (given.n, given.time_order, store.plumbing.committed.tick) == (2, 40, 40)
    given.n = 3
    assert store.get_game_state().n == state.n == 2
    assert store.get_update_cache()[-1].time_order == 40


def test_a_push_before_the_game_begins_and_attributes_assigned_around_it_all_count() -> None:
    state = GameState(players={})
    store = GameStateStore(state)
    players = state.players
    state.a = 1
    store.push_update(GameStateUpdate(0, players={1: {"x": 1}}, b=2))
    assert (state.b, state.players[1], state.time_order) == (2, {"x": 1}, 1)
    players[2] = {"x": 2}
    state.c = 3
    begin_by_a_tick(store)
    assert dict(store.get_game_state()) == {"players": {1: {"x": 1}, 2: {"x": 2}}, "a": 1, "b": 2, "c": 3}


def test_what_cannot_be_sent_is_refused_where_the_game_is_to_begin_and_may_be_mended_then() -> None:
    state = GameState(n=0)
    backend = Backend(state, count)
    state.players = {1: {1, 2}}
    for start in (
        lambda: backend.game_state_store.get_game_state(),
        lambda: backend.run_in_thread("127.0.0.1"),
        lambda: backend.game_state_machine.run_game_loop_in_thread(),
    ):
        with pytest.raises(InvalidValue, match=r"initial_game_state\.players\[1\] is of type set"):
            start()
    state.players = {1: [1, 2]}
    SimulatedNetwork().serve(backend)
    assert backend.game_state_store.get_game_state().players == {1: [1, 2]}


def test_a_state_that_grows_too_large_before_the_game_begins_is_refused() -> None:
    state = GameState()
    store = GameStateStore(state, max_state_bytes=1000)
    state.noise = bytes(2000)
    with pytest.raises(StateTooLarge):
        begin_by_a_tick(store)


# -- from then on ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [GameState, Board])
def test_what_the_program_keeps_shows_the_newest_state(kind: type[GameState]) -> None:
    state = Board({"a": 1}, n=0) if kind is Board else GameState(cells={"a": 1}, n=0)
    _, network = playing(state, lambda game_state, dt: {"n": game_state.n + 1, "cells": {"b": game_state.n}})
    network.run(0.1)
    first = state.n
    network.run(0.1)
    assert state.n == state["n"] == first + 5
    assert state.cells == {"a": 1, "b": state.n - 1}
    assert not state.is_paused()
    assert state.time_order > first
    assert {**state} == dict(state) == {name: getattr(state, name) for name in state}


def test_the_program_may_go_on_reading_after_the_game_has_ended() -> None:
    state = GameState(n=0)
    backend, network = playing(state, count)
    network.run(0.1)
    backend.shutdown()
    network.run(0.1)
    n = state.n
    assert n >= 4
    assert state.is_paused()
    backend.game_state_store.push_update(GameStateUpdate(m=1))
    assert (state.n, state.m) == (n, 1)


WRITES: list[Callable[[Any], Any]] = [
    lambda state: setattr(state, "n", 5),
    lambda state: setattr(state, "new", 5),
    lambda state: delattr(state, "n"),
    lambda state: setattr(state, "keys", 5),
    lambda state: setattr(state, "game_status", 0),
    lambda state: setattr(state, "time_order", 9),
    lambda state: state.cells.update(b=1),
    lambda state: state.cells.pop("a"),
    lambda state: state.cells["a"].append(1),
    lambda state: state.cells["a"].sort(),
    lambda state: state["cells"].setdefault("c", 1),
    lambda state: vars(state).update(n=5),
    lambda state: state + GameStateUpdate(0, n=5),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("when", ["while it runs", "when it has ended"])
def test_writing_to_it_raises_a_sentence_that_says_what_to_do(write: Callable[[Any], Any], when: str) -> None:
    state = GameState(n=0, cells={"a": [2, 1]})
    backend, network = playing(state)
    if when == "when it has ended":
        backend.shutdown()
        network.run(0.1)
    before = dict(state)
    with pytest.raises(InPlaceChange, match=r"[Rr]eturn|leave it out|take another name"):
        write(state)
    assert dict(state) == before
    with pytest.raises(TypeError, match="only for reading: return"):
        state["n"] = 1


def test_an_attribute_assigned_names_itself_in_the_sentence() -> None:
    state = GameState(score=0)
    playing(state)
    with pytest.raises(InPlaceChange, match=r"game_state\.score .*Return \{'score': \.\.\.\}") as caught:
        state.score = 1
    assert "push_update(GameStateUpdate(score=...))" in str(caught.value)
    with pytest.raises(InPlaceChange, match=r"\{'score': TO_DELETE\}"):
        del state.score


def test_what_was_read_of_it_can_be_sent_and_copies_can_be_changed() -> None:
    state = GameState(cells={"a": [1, {"x": 1}]}, n=0)
    backend, _ = playing(state)
    store = backend.game_state_store
    store.push_update(GameStateUpdate(other=state.cells))
    assert store.get_game_state().other == {"a": [1, {"x": 1}]}
    assert json.dumps(state.cells) == '{"a": [1, {"x": 1}]}'
    for copied in (copy.deepcopy(state), pickle.loads(pickle.dumps(state)), copy.copy(state)):
        assert type(copied) is GameState
        assert copied == state
        copied.cells["a"][1]["x"] = 2
        copied.n = 7
        assert (state.n, state.cells["a"][1]["x"]) == (0, 1)
    cells = copy.deepcopy(state.cells)
    cells["a"][1]["y"] = 1
    assert GameState.from_bytes(state.to_bytes()) == state
    assert state == store.get_game_state()
    assert repr(state).startswith("GameState(")


def test_what_has_not_changed_is_not_copied_again() -> None:
    state = GameState(n=0, walls=[[1, 2], [3, 4]])
    _, network = playing(state, count)
    walls = state.walls
    network.run(0.1)
    assert state.walls is walls


# -- a subclass ------------------------------------------------------------------------------------------------------


def test_a_subclass_stays_that_class_wherever_the_server_shows_the_state() -> None:
    made, seen = [], []

    class Counted(Board):
        def __init__(self, cells: dict[str, int]) -> None:
            super().__init__(cells)
            made.append(self)

    def note(game_state: Any, **_: Any) -> None:
        seen.append((type(game_state), game_state.taken(), game_state.is_full))

    def step(game_state: Any, dt: float) -> dict[str, Any]:
        note(game_state)
        return {"cells": {f"c{game_state.taken()}": 1}} if game_state.taken() < 3 else {}

    state = Counted({"a": 1})
    backend, network = playing(state, step, event_handlers={"LOOK": note})
    backend.server.register_event_handler("ASK", note)
    client = Client()
    network.connect(client)
    client.dispatch_event("LOOK")
    client.dispatch_event("ASK")
    network.run(0.5)
    given = backend.game_state_store.get_game_state()
    assert (type(given), given.taken(), given.is_full) == (Counted, 3, True)
    assert {kind for kind, *_ in seen} == {Counted}
    assert (Counted, 1, False) in seen
    assert (Counted, 3, True) in seen
    assert len(made) == 1
    assert (type(state), state.taken(), state.is_full) == (Counted, 3, True)
    assert state == given
    assert repr(given).startswith("Counted(")


def test_values_of_the_class_are_only_what_is_there_before_the_state_says_more() -> None:
    """``winner = None`` in the class must not hide a value that an update sets or deletes."""
    seen: list[Any] = []

    def step(game_state: Any, dt: float) -> dict[str, Any]:
        seen.append((game_state.winner, game_state.size))
        return {"winner": [None, "x", TO_DELETE][len(seen) - 1] if len(seen) < 4 else "y", "size": len(seen)}

    state = Board({})
    machine = GameStateMachine(GameStateStore(state))
    machine.time_step = step  # type: ignore[method-assign]
    store, shown = machine.game_state_store, []
    for n in range(5):
        machine.plumbing.tick(0.02, float(n))
        shown.append((state.winner, store.get_game_state().winner, state.size))
    assert [winner for winner, _ in seen] == [None, None, "x", None, "y"]
    assert [size for _, size in seen] == [3, 1, 2, 3, 4]
    assert shown == [(None, None, 1), ("x", "x", 2), (None, None, 3), ("y", "y", 4), ("y", "y", 5)]
    assert store.plumbing.take_back_change_in_place() is None


def test_setters_of_a_subclass_work_until_the_game_begins() -> None:
    state = Board({}, hidden_level=1)
    store = GameStateStore(state)
    state.level = 4
    begin_by_a_tick(store)
    assert (state.level, store.get_game_state().level) == (4, 4)
    with pytest.raises(InPlaceChange):
        state.level = 5


def test_a_subclass_with_a_getattr_of_its_own_is_asked_only_for_what_is_missing() -> None:
    class Lenient(GameState):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return f"no {name}"

    state = Lenient(n=1)
    backend, _ = playing(state, lambda game_state, dt: {"seen": game_state.nothing, "n": game_state.n + 1})
    backend.game_state_machine.plumbing.tick(0.02, 5.0)
    given = backend.game_state_store.get_game_state()
    assert (given.seen, given.n, given.other) == ("no nothing", 2, "no other")
    assert (state.n, state.other) == (2, "no other")


def test_a_dataclass_and_one_that_never_calls_the_init_of_game_state_work() -> None:
    @dataclasses.dataclass(eq=False)
    class Score(GameState):
        n: int = 0
        names: list[str] = dataclasses.field(default_factory=list)

    state = Score(names=["anna"])
    _, network = playing(state, count)
    network.run(0.1)
    assert state.n >= 4
    assert state.names == ["anna"]
    assert state.time_order > 0


def test_a_subclass_whose_new_wants_arguments_works() -> None:
    class Picky(GameState):
        def __new__(cls, kind: str) -> "Picky":
            return super().__new__(cls)

        def __init__(self, kind: str) -> None:
            super().__init__(kind=kind, n=0)

    state = Picky("lava")
    backend, network = playing(state, count)
    network.run(0.1)
    assert (type(backend.game_state_store.get_game_state()), state.kind) == (Picky, "lava")
    assert copy.deepcopy(state) == state


# -- more than one game, and a server without a loop -----------------------------------------------------------------


def test_two_games_made_with_one_state_are_two_games() -> None:
    state = GameState(n=10, cells={"a": 1})
    one, two = Backend(state, count), Backend(state, count)
    state.cells["b"] = 2
    network = SimulatedNetwork()
    network.serve(one, 0.02, port=8001)
    network.run(0.2)
    network.serve(two, 0.02, port=8002)
    network.run(0.1)
    n_of_one, n_of_two = (game.game_state_store.get_game_state().n for game in (one, two))
    assert 23 <= n_of_one <= 25
    assert 13 <= n_of_two <= 15, "it begins with what the state was when the first game began"
    assert two.game_state_store.get_game_state().cells == {"a": 1, "b": 2}
    assert state.n == n_of_two, "it shows the game that has begun last"


def test_a_new_game_may_be_made_with_the_state_of_an_ended_one_and_goes_on_from_there() -> None:
    state = GameState(n=0)
    backend, network = playing(state, count)
    network.run(0.1)
    backend.shutdown()
    network.run(0.1)
    n = state.n
    again = Backend(state, count)
    assert again.game_state_store.get_game_state().n == n
    SimulatedNetwork().serve(again)
    again.game_state_machine.plumbing.tick(0.02, 1.0)
    assert state.n == n + 1


def test_a_server_that_waits_for_its_game_loop_still_takes_attributes() -> None:
    state = GameState(cells={"a": 1})
    store = GameStateStore(state)
    machine, server = GameStateMachine(store), Server(store)
    machine.time_step = nothing  # type: ignore[method-assign]
    network = SimulatedNetwork()
    network.serve(server, event_wire=machine)
    client = Client()
    network.connect(client)
    network.run(0.2)
    state.score = 3
    state.cells = {"b": 2}
    network.run(0.2)
    assert dict(client.snapshots[-1].state) == {"cells": {"b": 2}, "score": 3, "game_status": 0}
    machine.plumbing.tick(0.02, 1.0)
    with pytest.raises(InPlaceChange):
        state.score = 4
    assert state.score == 3


def test_an_attribute_that_is_too_large_for_a_waiting_server_changes_nothing() -> None:
    state = GameState(a=1)
    store = GameStateStore(state, max_state_bytes=1000)
    store.plumbing.begin(has_loop=False)
    with pytest.raises(StateTooLarge):
        state.a = bytes(2000)
    assert state.a == 1


# -- on real sockets -------------------------------------------------------------------------------------------------


@pytest.fixture
def backends() -> Iterator[list[Backend]]:
    made: list[Backend] = []
    yield made
    for backend in made:
        backend.shutdown()


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.integration
def test_on_real_sockets_attributes_count_and_a_restart_goes_on(backends: list[Backend]) -> None:
    state = Board({"a": 1})
    backend = Backend(state, lambda game_state, dt: {"n": game_state.taken(), "m": game_state.get("m", 0) + 1})
    backends.append(backend)
    state.cells["b"] = 2
    state.cells = {**state.cells, "c": 3}
    for _ in range(2):
        before = state.get("m", 0)
        backend.run_in_thread("127.0.0.1", 0, 0.005)
        client = Client()
        client.connect_in_thread(backend.server.port or 0)
        client.wait_until(lambda game_state, before=before: game_state.n == 3 and game_state.m > before, timeout=WAIT)
        assert state.n == 3
        with pytest.raises(InPlaceChange):
            state.n = 4
        client.disconnect()
        backend.shutdown()
        assert state.is_paused()
        with pytest.raises(InPlaceChange):
            state.n = 4


@pytest.mark.integration
def test_a_server_that_could_not_be_bound_leaves_the_state_to_the_program(backends: list[Backend]) -> None:
    taken = Backend(GameState(), nothing)
    backends.append(taken)
    taken.run_in_thread("127.0.0.1", 0)
    state = GameState(n=0)
    backend = Backend(state, count)
    backends.append(backend)
    with pytest.raises(AddressInUse):
        backend.run_in_thread("127.0.0.1", taken.server.port or 0)
    state.n = 100
    backend.run_in_thread("127.0.0.1", 0, 0.005)
    until(lambda: state.n > 100)


@pytest.mark.integration
def test_reading_it_from_another_thread_never_sees_half_a_commit(backends: list[Backend]) -> None:
    state = Board({"a": 0}, n=0)
    backend = Backend(state, lambda game_state, dt: {"n": game_state.n + 1, "cells": {"a": game_state.n + 1}})
    backends.append(backend)
    backend.run_in_thread("127.0.0.1", 0, 0.001)
    until(lambda: not state.is_paused())
    wrong: list[Any] = []

    def read() -> None:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            seen = vars(state)
            if seen["n"] != seen["cells"]["a"] or state.size != 3 or GameStatus.get(state.game_status) != "Active":
                wrong.append(dict(seen))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert wrong == []
