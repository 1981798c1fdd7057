"""The file of checkpoints, and the numbers with which a new process goes on."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase import CheckpointUnusable, GameState
from pygase._server.checkpoint import encode
from pygase._server.checkpoint_file import CheckpointFile
from pygase._server.restarting import (
    MOST_TICKS_AHEAD,
    UNKNOWN_AGE,
    age_of,
    clock_ahead,
    only_in_initial,
    tick_after,
)
from pygase._server.state_keeper import StateKeeper
from tests.server.test_checkpoint_file import EXAMPLE

VALUES = 10_000


def opened(path: Path, game: str = "pong") -> CheckpointFile:
    return CheckpointFile(path, game, VALUES)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_without_a_file_there_is_no_checkpoint_and_none_is_made(tmp_path: Path) -> None:
    assert opened(tmp_path / "game").loaded is None
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_loaded_and_leftovers_are_removed(tmp_path: Path) -> None:
    (tmp_path / "game").write_bytes(encode(EXAMPLE))
    (tmp_path / ".game.123.tmp").write_bytes(encode(EXAMPLE)[:50])
    assert opened(tmp_path / "game").loaded == EXAMPLE
    assert [path.name for path in tmp_path.iterdir()] == ["game"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "is no checkpoint of PyGaSe"),
        (b"", "is no checkpoint of PyGaSe"),
        (encode(EXAMPLE)[:100], "is cut off"),
        (encode(EXAMPLE)[:-1] + b"?", "is damaged"),
        (encode(EXAMPLE._replace(game="chess")), "is of the game 'chess', and this game is 'pong'"),
    ],
)
def test_an_unusable_file_is_refused_with_what_to_do_and_kept(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "game"
    path.write_bytes(content)
    with pytest.raises(CheckpointUnusable) as raised:
        opened(path)
    assert str(raised.value).startswith(f"the checkpoint {path} {words}")
    assert str(raised.value).endswith("The file stays as it is; to begin a new game, move it away or name another file")
    assert path.read_bytes() == content


@pytest.mark.parametrize("path", [None, 5, "", b"", ["game"]])
def test_something_else_than_a_path_is_a_type_error(path: object) -> None:
    with pytest.raises(TypeError, match=r"checkpoint must be the path of a file, such as 'game.checkpoint', got"):
        CheckpointFile(path, "pong", VALUES)


def test_a_place_where_no_file_can_be_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(CheckpointUnusable, match=r"there is no folder .*; make it first"):
        opened(tmp_path / "none" / "game")
    with pytest.raises(CheckpointUnusable, match=r"is a folder; name a file in it"):
        opened(tmp_path)


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "game"
    path.write_bytes(encode(EXAMPLE))
    path.chmod(0)
    with pytest.raises(CheckpointUnusable, match="cannot be read: Permission denied"):
        opened(path)


def test_only_one_server_at_a_time_uses_a_file(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "game"), opened(tmp_path / "game")
    one.claim()
    with pytest.raises(CheckpointUnusable, match=r"another running server uses the checkpoint .*; end it first"):
        other.claim()
    one.release()
    one.release()
    other.claim()
    other.release()


@pytest.mark.integration
def test_a_backend_that_was_made_before_another_server_saved_is_out_of_date(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "game"), opened(tmp_path / "game")
    one.claim()
    one.save(lambda: encode(EXAMPLE), lambda: None)
    assert one.finish()
    one.release()
    with pytest.raises(CheckpointUnusable, match=r"another server has saved .*; make a new Backend, which loads it"):
        other.claim()
    one.claim()
    one.release()
    opened(tmp_path / "game").claim()


# -- the numbers -------------------------------------------------------------------------------------------------------


@given(st.floats(0, 1e7), st.floats(0.001, 1.0), st.floats(0.1, 60.0))
def test_the_tick_is_beyond_any_that_the_old_process_can_have_sent(age: float, tick: float, save: float) -> None:
    loaded = EXAMPLE._replace(interval=tick)
    now = tick_after(loaded, age, save)
    assert now >= min(loaded.tick + age / tick, loaded.tick + MOST_TICKS_AHEAD)
    assert now <= loaded.tick + MOST_TICKS_AHEAD


def test_a_clock_that_was_set_back_makes_the_age_unknown_and_long() -> None:
    assert age_of(EXAMPLE, EXAMPLE.wall_time + 7.0) == 7.0
    assert age_of(EXAMPLE, EXAMPLE.wall_time - 1.0) == UNKNOWN_AGE


def test_the_clock_goes_ahead_only_after_a_restart_of_the_machine() -> None:
    assert clock_ahead(EXAMPLE, 10.0, EXAMPLE.time + 10.0) == 0.0
    assert clock_ahead(EXAMPLE, 10.0, EXAMPLE.time + 9.5) == 0.0
    assert clock_ahead(EXAMPLE, 10.0, EXAMPLE.time + 500.0) == 0.0
    assert clock_ahead(EXAMPLE, 10.0, 3.0) == EXAMPLE.time + 7.0


def test_names_of_the_initial_state_that_the_checkpoint_lacks() -> None:
    assert only_in_initial({"score": 0, "lives": 3, "level": 1, "game_status": 0}, EXAMPLE) == ["level", "lives"]


# -- the state ---------------------------------------------------------------------------------------------------------


def test_a_saved_state_takes_the_place_of_the_initial_one_which_shows_it() -> None:
    initial = GameState(score=0, lives=3)
    keeper = StateKeeper(initial, 10_000, 1_000)
    keeper.restore({"score": 5, "game_status": 1}, 70_000)
    assert keeper.committed.tree == {"score": 5, "game_status": 0}
    assert keeper.committed.tick == 70_000
    assert initial.score == 5
    assert "lives" not in initial
    keeper.check_initial()
    keeper.begin(has_loop=True)
    assert keeper.committed.tree["score"] == 5
    keeper.begin_tick()
    keeper.apply({"score": 6})
    keeper.end_tick(keeper.clock())
    assert (keeper.committed.tick, initial.score) == (70_001, 6)


def test_a_state_goes_ahead_and_never_back() -> None:
    keeper = StateKeeper(GameState(score=0), 10_000, 1_000)
    keeper.restore({"score": 5, "game_status": 0}, 10)
    keeper.go_ahead_to(500)
    assert keeper.committed.tick == 500
    keeper.go_ahead_to(400)
    assert keeper.committed.tick == 500


class Shaped(GameState):
    """A state whose class has a name that the game uses."""

    lives = 3


def test_a_saved_attribute_that_the_class_has_as_well_is_shown() -> None:
    initial = Shaped(score=0)
    keeper = StateKeeper(initial, 10_000, 1_000)
    keeper.restore({"score": 5, "lives": 1, "game_status": 0}, 10)
    assert (initial.lives, keeper.state().lives) == (1, 1)
