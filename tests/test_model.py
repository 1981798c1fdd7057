"""Whatever players, cables, routers and servers do, the game stays what the model says: a sample of
``python -m tests.long model``."""

import logging
from collections.abc import Iterator

import pytest

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, CLIENT_LOST, CLIENT_RESUMED
from tests.support.model.programs import run_programs
from tests.support.model.truth import LOOSE, ORDERED, Broken, Letters, Lives, Silence
from tests.support.model.world import Player, World

SAMPLE = 40


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def test_random_programs_find_nothing() -> None:
    """The same programs in each run."""
    assert run_programs(12, SAMPLE) == []


def test_random_programs_find_nothing_on_encrypted_connections() -> None:
    pytest.importorskip("cryptography")
    assert run_programs(13, SAMPLE // 2, encrypted=True) == []


def test_a_program_that_breaks_the_model_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test: a server that loses one reliable event in ten is found out."""
    handle, count = World._on_mail, 0

    def forgetful(self: World, kind: str, number: int, game_state: object, client_id: int) -> object:
        nonlocal count
        count += kind == ORDERED
        return None if kind == ORDERED and count % 10 == 0 else handle(self, kind, number, game_state, client_id)

    monkeypatch.setattr(World, "_on_mail", forgetful)
    found = run_programs(12, SAMPLE)
    assert "are missing" in found[0]
    assert any("state.teardown()" in line for line in found[1:])


def test_a_goodbye_that_is_not_heard_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    leave = World.leave

    def cut_and_leave(self: World, player: Player) -> None:
        self.network.partition(player.client)
        leave(self, player)

    monkeypatch.setattr(World, "leave", cut_and_leave)
    found = run_programs(12, SAMPLE)
    assert "has said goodbye, and the latest of it is" in found[0]
    assert any("say_goodbye" in line for line in found[1:])


@pytest.mark.parametrize("event_type", [CLIENT_CONNECTED, CLIENT_RESUMED])
def test_an_id_is_never_back_after_its_goodbye(event_type: str) -> None:
    """Not even at a server that goes on from a checkpoint that is older than the goodbye."""
    lives = Lives()
    for event in (CLIENT_CONNECTED, CLIENT_LEFT):
        lives.note(1, event)
    lives.note_goodbye(1)
    lives.go_back({1: CLIENT_LOST if event_type == CLIENT_RESUMED else None})
    with pytest.raises(Broken, match="is back after its goodbye"):
        lives.note(1, event_type)


@pytest.mark.parametrize(
    ("life", "is_possible"),
    [
        ([CLIENT_CONNECTED, CLIENT_LOST, CLIENT_RESUMED, CLIENT_LOST, CLIENT_LEFT], True),
        ([CLIENT_CONNECTED, CLIENT_LEFT], True),
        ([CLIENT_LOST], False),
        ([CLIENT_CONNECTED, CLIENT_RESUMED], False),
        ([CLIENT_CONNECTED, CLIENT_LOST, CLIENT_LOST], False),
        ([CLIENT_CONNECTED, CLIENT_LEFT, CLIENT_CONNECTED], False),
    ],
)
def test_a_life_has_its_order(life: list[str], is_possible: bool) -> None:
    lives = Lives()
    try:
        for event_type in life:
            lives.note(1, event_type)
    except Broken:
        assert not is_possible
    else:
        assert is_possible


@pytest.mark.parametrize(
    ("sent", "got", "words"),
    [
        ([1, 2, 3], [1, 2, 2], "twice"),
        ([1, 2, 3], [1, 3], "before"),
        ([1, 2, 3], [2, 1], "out of order"),
        ([1, 2, 3], [1, 9], "nobody had sent"),
    ],
)
def test_reliable_letters_are_checked(sent: list[int], got: list[int], words: str) -> None:
    letters = Letters()
    letters.sent[ORDERED], letters.got[ORDERED] = sent, got
    with pytest.raises(Broken, match=words):
        letters.check("Ann")


def test_letters_at_rest_are_complete_but_for_those_with_an_excuse() -> None:
    letters = Letters()
    letters.sent[ORDERED], letters.got[ORDERED], letters.sent[LOOSE] = [1, 2, 3], [1], [4]
    letters.check("Ann")
    with pytest.raises(Broken, match="2 reliable events have not arrived"):
        letters.check_complete("Ann")
    letters.excused = {2, 3}
    letters.check_complete("Ann")


def test_a_silence_with_short_pauses_may_be_survived_or_not() -> None:
    silence = Silence()
    for begin, end in ((0.0, 8.0), (9.0, 17.0)):
        silence.begin(begin)
        silence.end(end)
    assert (silence.longest, silence.longest_with_pauses) == (8.0, 17.0)
    assert not silence.must_survive
    assert not silence.must_end
    silence.begin(30.0)
    silence.end(42.0)
    assert silence.must_end
