"""The true game state: updates merge into it, whole or not at all, from any thread."""

import logging
import random
import threading
from typing import Any

import pytest

from pygase._state.backing import real_dict
from pygase._state.codec import pack
from pygase.errors import InvalidValue, StateTooLarge
from pygase.gamestate import TO_DELETE, GameState, GameStateUpdate
from pygase.store import GameStateStore
from pygase.utils import Sqn

FOUR_MIB = 4 * 1024 * 1024


def store_of(**attributes: Any) -> GameStateStore:
    return GameStateStore(GameState(**attributes))


def content(store: GameStateStore) -> dict[str, Any]:
    attributes = dict(vars(store.get_game_state()))
    del attributes["time_order"], attributes["game_status"]
    return attributes


def test_a_store_without_a_state_begins_with_an_empty_one() -> None:
    assert GameStateStore().get_game_state() == GameState()


@pytest.mark.parametrize("wrong", [{"foo": 1}, 5, GameState, GameStateUpdate(1)])
def test_anything_but_a_game_state_is_a_type_error_that_shows_how_to_do_it(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a GameState.*GameState\(name=value"):
        GameStateStore(wrong)


def test_an_initial_state_that_cannot_be_sent_is_refused_by_its_path() -> None:
    with pytest.raises(InvalidValue, match=r"initial_game_state\.players\[1\] is of type set"):
        store_of(players={1: {1, 2}})


def test_a_state_that_the_store_hands_out_is_a_copy() -> None:
    store = store_of(players={1: [0]})
    store.get_game_state().players[1].append(6)
    assert content(store) == {"players": {1: [0]}}


def test_the_time_order_of_the_initial_state_is_kept() -> None:
    assert GameStateStore(GameState(41)).get_game_state().time_order == 41


def test_a_pushed_update_is_merged_deeply() -> None:
    store = store_of(players={1: {"x": 0, "y": 0}}, gone=1)
    store.push_update(GameStateUpdate(1, players={1: {"x": 5}, 2: {"x": 1}}, gone=TO_DELETE))
    assert content(store) == {"players": {1: {"x": 5, "y": 0}, 2: {"x": 1}}}


def test_the_state_takes_over_the_updates_time_order() -> None:
    store = store_of()
    store.push_update(GameStateUpdate(7, x=1))
    assert store.get_game_state().time_order == 7


@pytest.mark.parametrize("time_order", [0, 5])
def test_every_update_that_counts_leads_to_a_newer_state_whatever_it_says_of_its_time(time_order: int) -> None:
    """A client that has the state of a tick would never ask for another state of the same tick."""
    store = GameStateStore(GameState(5, x=0))
    for x in range(1, 4):
        before = store.plumbing.committed
        store.push_update(GameStateUpdate(time_order, x=x))
        assert content(store) == {"x": x}
        assert store.plumbing.committed.tick > before.tick
        assert store.get_game_state() > GameState(int(before.tick))


@pytest.mark.parametrize("first", [1, 7, 65533, 65535])
@pytest.mark.parametrize("seed", range(5))
def test_pushing_and_adding_agree_on_what_counts(first: int, seed: int) -> None:
    """The same updates, some of them old, leave the same content on both ways."""
    rng = random.Random(seed)
    store, state, order = GameStateStore(GameState(first)), GameState(first), Sqn(first)
    for n in range(200):
        claimed = rng.choice([0, order, order + 1, order + rng.randint(1, 1000), order + -1, order + -30_000])
        update = GameStateUpdate(claimed, x=n, **{f"k{rng.randrange(20)}": rng.choice([n, TO_DELETE])})
        before = store.plumbing.committed.tick
        is_old = claimed and claimed < order
        store.push_update(update)
        state += update
        assert content(store) == dict(state), f"seed {seed}, update {n}: {update}"
        assert (state.get("x") == n) is not bool(is_old), f"seed {seed}, update {n}: {update}"
        assert (store.plumbing.committed.tick == before) is bool(is_old)
        order = state.time_order


def test_of_writers_who_began_with_one_state_nobody_loses() -> None:
    """Each counts for itself: the state it read, plus one, and so on."""
    store = GameStateStore(GameState(5, players={}))
    writers = {name: int(store.get_game_state().time_order) for name in range(4)}
    for n in range(50):
        for name in writers:
            writers[name] += 1
            store.push_update(GameStateUpdate(writers[name], players={name: n}))
    assert content(store)["players"] == dict.fromkeys(writers, 49)


def test_an_old_update_is_ignored_also_during_a_tick_and_said_so_once(caplog: pytest.LogCaptureFixture) -> None:
    store = GameStateStore(GameState(100, x=0))
    ticks = []
    store.plumbing.subscribe(lambda: ticks.append(store.plumbing.committed.tick))
    with caplog.at_level(logging.WARNING, "pygase"):
        store.push_update(GameStateUpdate(99, x=1))
        assert ticks == []
        store.plumbing.begin_tick()
        store.push_update(GameStateUpdate(99, x=2))
        pushed = threading.Thread(target=store.push_update, args=(GameStateUpdate(50, x=3),))
        pushed.start()
        pushed.join()
        store.plumbing.end_tick(1.0)
    assert content(store) == {"x": 0}
    assert ticks == [101]
    assert caplog.text.count("an update with time_order 99 was ignored, since the state has 100 already") == 1
    assert len(caplog.records) == 1


def test_a_push_during_a_tick_raises_the_order_as_one_between_ticks_does() -> None:
    store = store_of()
    store.plumbing.begin_tick()
    store.push_update(GameStateUpdate(7, x=1))
    pushed = threading.Thread(target=store.push_update, args=(GameStateUpdate(9, y=1),))
    pushed.start()
    pushed.join()
    store.plumbing.end_tick(1.0)
    assert store.get_game_state().time_order == 9
    store.plumbing.begin_tick()
    store.plumbing.end_tick(2.0)
    assert store.get_game_state().time_order == 10


def test_the_time_order_goes_on_across_its_wrap() -> None:
    store = GameStateStore(GameState(65534, x=0))
    orders = []
    for x in range(4):
        order = store.get_game_state().time_order + 1
        store.push_update(GameStateUpdate(order, x=x))
        orders.append(int(store.get_game_state().time_order))
    assert orders == [65535, 1, 2, 3]
    ticks = store.plumbing.committed.tick
    assert ticks == 65534 + 4


def test_states_handed_out_before_stay_as_they_were() -> None:
    store = store_of(players={1: {"x": 0}})
    before = store.get_game_state()  # not read yet
    tree = store.plumbing.committed.tree
    store.push_update(GameStateUpdate(1, players={1: {"x": 9}}))
    assert before.players == {1: {"x": 0}}
    assert tree["players"] == {1: {"x": 0}}


def test_a_list_in_an_update_can_be_changed_afterwards() -> None:
    store = store_of()
    walls = [1, 2]
    store.push_update(GameStateUpdate(1, walls=walls))
    walls.append(3)
    assert content(store) == {"walls": [1, 2]}


def test_the_update_cache_holds_the_latest_and_is_the_callers_own() -> None:
    store = store_of()
    for n in range(1, 300):
        store.push_update(GameStateUpdate(n, x=[n], **{f"k{n}": 1, f"k{n - 1}": TO_DELETE}))
    cache = store.get_update_cache()
    assert len(cache) == GameStateStore.UPDATE_CACHE_SIZE == 100
    assert cache[-1] == GameStateUpdate(299, x=[299], k299=1, k298=TO_DELETE)
    assert cache[0] < cache[-1]
    cache[-1].x.append("scribble")
    cache.clear()
    assert store.get_update_cache()[-1].x == [299]


@pytest.mark.parametrize("wrong", [{"x": 1}, None, GameState(x=1)])
def test_pushing_anything_but_an_update_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="push_update takes a GameStateUpdate"):
        store_of().push_update(wrong)


def test_an_update_that_cannot_be_sent_changes_nothing() -> None:
    store = store_of(x=1)
    with pytest.raises(InvalidValue, match=r"update\.players\[3\]\.pos is of type complex"):
        store.push_update(GameStateUpdate(1, x=2, players={3: {"pos": 1j}}))
    assert content(store) == {"x": 1}


# -- the bound -------------------------------------------------------------------------------------------------------


def fill_to(size: int, **more: Any) -> bytes:
    """Return the ``noise`` that makes the state exactly ``size`` bytes long."""
    overhead = len(pack({"noise": bytes(70_000), "game_status": 0, **more})) - 70_000
    return bytes(size - overhead)


def test_a_state_of_exactly_four_mib_is_accepted_and_one_byte_more_is_refused() -> None:
    exactly = fill_to(FOUR_MIB)
    store = GameStateStore(GameState(noise=exactly))
    assert len(pack(store.plumbing.committed.tree)) == FOUR_MIB
    with pytest.raises(StateTooLarge, match=r"would take 4,194,305 bytes, at most 4,194,304 are allowed"):
        GameStateStore(GameState(noise=exactly + b"\0"))


def test_an_update_to_exactly_the_bound_is_accepted_and_one_byte_more_changes_nothing() -> None:
    store = store_of(noise=b"", x=1)
    exactly = fill_to(FOUR_MIB, x=1)
    store.push_update(GameStateUpdate(1, noise=exactly))
    before, cached = store.plumbing.committed, store.get_update_cache()
    with pytest.raises(StateTooLarge, match="the update was not applied"):
        store.push_update(GameStateUpdate(2, noise=exactly + b"\0"))
    assert store.plumbing.committed is before
    assert store.get_update_cache() == cached
    store.push_update(GameStateUpdate(2, x=2))  # it continues with everything that fits
    assert store.get_game_state().x == 2


def test_small_changes_of_a_small_state_never_add_up_to_the_bound() -> None:
    store = GameStateStore(GameState(x=0), max_state_bytes=1000)
    for n in range(2000):
        store.push_update(GameStateUpdate(n % 60_000 + 1, x=n, list=[n] * 10))
    assert store.get_game_state().x == 1999


def test_after_deleting_there_is_room_again() -> None:
    store = GameStateStore(GameState(a=bytes(900)), max_state_bytes=1000)
    with pytest.raises(StateTooLarge):
        store.push_update(GameStateUpdate(1, b=bytes(900)))
    store.push_update(GameStateUpdate(1, a=TO_DELETE, b=bytes(900)))
    assert content(store) == {"b": bytes(900)}


# -- ticks and threads -----------------------------------------------------------------------------------------------


def test_all_updates_of_one_tick_are_one_new_state_merged_deeply() -> None:
    store = store_of(players={})
    heard = []
    store.plumbing.subscribe(lambda: heard.append(store.plumbing.committed.tick))
    working = store.plumbing.begin_tick()
    for player in range(10):
        store.plumbing.apply({"players": {player: {"x": player}}})
        assert working.players[player] == {"x": player}  # later handlers of the tick see it
    assert content(store) == {"players": {}}  # other threads do not
    store.plumbing.end_tick(now=1.0)
    assert content(store) == {"players": {n: {"x": n} for n in range(10)}}
    assert heard == [1]


def test_a_push_from_another_thread_during_a_tick_waits_for_its_end_and_is_not_lost() -> None:
    store = store_of(x=0)
    working = store.plumbing.begin_tick()
    pushed = threading.Thread(target=store.push_update, args=(GameStateUpdate(1, y=1),))
    pushed.start()
    pushed.join()
    assert not hasattr(working, "y")
    store.plumbing.apply({"x": 1})
    store.plumbing.end_tick(1.0)
    store.plumbing.begin_tick()
    store.plumbing.end_tick(2.0)
    assert content(store) == {"x": 1, "y": 1}


def test_a_push_from_another_thread_is_in_the_state_though_no_further_tick_follows() -> None:
    store = store_of()
    store.plumbing.begin_tick()
    pushed = threading.Thread(target=store.push_update, args=(GameStateUpdate(1, y=1),))
    pushed.start()
    pushed.join()
    store.plumbing.end_tick(1.0)
    assert content(store) == {"y": 1}


def test_a_push_within_the_tick_is_part_of_it() -> None:
    store = store_of()
    working = store.plumbing.begin_tick()
    store.push_update(GameStateUpdate(1, y=1))
    assert working.y == 1
    store.plumbing.end_tick(1.0)
    assert content(store) == {"y": 1}


def test_an_oversized_push_from_another_thread_is_logged_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = GameStateStore(GameState(), max_state_bytes=1000)
    store.plumbing.begin_tick()
    for update in (GameStateUpdate(1, big=bytes(2000)), GameStateUpdate(1, small=1)):
        pushed = threading.Thread(target=store.push_update, args=(update,))
        pushed.start()
        pushed.join()
    with caplog.at_level(logging.ERROR, "pygase"):
        store.plumbing.end_tick(1.0)
        store.plumbing.begin_tick()
        store.plumbing.end_tick(2.0)
    assert content(store) == {"small": 1}
    assert "at most 1,000 are allowed" in caplog.text


def test_pushes_from_many_threads_during_ticks_are_all_there() -> None:
    store = store_of(counters={})
    done = threading.Event()

    def push(name: int) -> None:
        for n in range(200):
            store.push_update(GameStateUpdate(0, counters={name: {n: True}}))

    def tick() -> None:
        now = 0.0
        while not done.is_set():
            now += 1.0
            store.plumbing.begin_tick()
            store.plumbing.apply({"n": now})
            store.plumbing.end_tick(now)

    ticker = threading.Thread(target=tick)
    threads = [threading.Thread(target=push, args=(n,)) for n in range(4)]
    for thread in (ticker, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    ticker.join()
    assert content(store)["counters"] == {name: dict.fromkeys(range(200), True) for name in range(4)}


def test_listeners_hear_of_every_commit_until_they_are_unsubscribed() -> None:
    store = store_of()
    heard = []

    def listener() -> None:
        heard.append(store.get_game_state().x)

    store.plumbing.subscribe(listener)
    store.push_update(GameStateUpdate(1, x=1))
    store.push_update(GameStateUpdate(2, x=2))
    store.plumbing.unsubscribe(listener)
    store.plumbing.unsubscribe(listener)
    store.push_update(GameStateUpdate(3, x=3))
    assert heard == [1, 2]


def test_the_time_between_commits_is_kept() -> None:
    store = store_of()
    begin = store.plumbing.committed.time
    store.plumbing.begin_tick()
    store.plumbing.end_tick(begin + 10.0)
    store.plumbing.begin_tick()
    store.plumbing.end_tick(begin + 10.02)
    assert store.plumbing.committed.time == begin + 10.02
    assert store.plumbing.committed.span == pytest.approx(0.02)


def test_time_never_goes_back_from_one_commit_to_the_next() -> None:
    store = store_of()
    begin = store.plumbing.committed.time
    store.plumbing.begin_tick()
    store.plumbing.end_tick(begin - 1.0)
    assert store.plumbing.committed.time == begin
    assert store.plumbing.committed.span == 0.0


# -- changes in place ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda state: state.players[1].update(x=5), "players[1].x"),
        (lambda state: state.players.clear(), "players[1]"),
        (lambda state: state.walls.append(3), "walls"),
        (lambda state: setattr(state, "score", 1), "score"),
        (lambda state: setattr(state, "new", 1), "new"),
        (lambda state: setattr(state, "score", 0.0), "score"),
        (lambda state: delattr(state, "score"), "score"),
    ],
)
def test_a_change_in_place_is_named_by_its_path_and_undone(change: Any, path: str) -> None:
    store = store_of(players={1: {"x": 0}}, walls=[1, 2], score=0)
    state = store.plumbing.begin_tick()
    assert store.plumbing.take_back_change_in_place() is None
    change(state)
    assert store.plumbing.take_back_change_in_place() == path
    assert store.plumbing.take_back_change_in_place() is None
    assert store.plumbing.working_state.score == 0
    store.plumbing.end_tick(1.0)
    assert content(store) == {"players": {1: {"x": 0}}, "walls": [1, 2], "score": 0}


def test_reading_and_updating_is_no_change_in_place() -> None:
    store = store_of(players={1: {"x": 0}}, walls=[1, (2, 3)])
    state = store.plumbing.begin_tick()
    assert state.players[1]["x"] == 0
    assert state.walls == [1, [2, 3]]
    store.plumbing.apply({"players": {1: {"x": 1}, 2: {"pos": (1, 2)}}, "walls": (5, (6,))})
    assert state.players[2] == {"pos": [1, 2]}
    assert store.plumbing.take_back_change_in_place() is None


def test_the_time_order_of_the_working_state_follows_the_ticks_and_is_made_when_it_is_asked_for() -> None:
    store = GameStateStore(GameState(41, x=0))
    states = store.plumbing
    for order in (41, 42, 43):
        shown = states.begin_tick()
        assert "time_order" not in real_dict.__get__(shown)
        assert "time_order" in shown
        assert [shown.time_order, shown["time_order"], shown.get("time_order"), vars(shown)["time_order"]] == [
            order
        ] * 4
        assert type(shown.time_order) is Sqn
        states.apply({"x": int(order)})
        assert (shown.x, shown.time_order) == (order, order)
        states.end_tick(float(order))
    assert list(vars(store.get_game_state())) == ["time_order", "game_status", "x"]


def test_a_class_of_its_own_with_a_fallback_for_attributes_has_a_time_order() -> None:
    class Arena(GameState):
        def __getattr__(self, name: str) -> str:
            return f"no {name}"

    shown = GameStateStore(Arena(7, x=0)).plumbing.begin_tick()
    assert (shown.time_order, shown.x, shown.y) == (7, 0, "no y")
