"""Events are shown once, for a while, and never more than a window can show."""

from games.arena import rules
from games.arena.memory import JUDGED_SECONDS, LINE_SECONDS, TRACER_SECONDS, Memory, Tracer

A, B = rules.new_ship((100, 100)), rules.new_ship((900, 100))


def test_a_ship_that_vanishes_blows_up_where_it_was() -> None:
    memory = Memory()
    memory.see({1: A, 2: B}, now=0.0)
    (blast,) = memory.see({1: A}, now=0.1)
    assert (blast.number, tuple(blast.place)) == (2, (900, 100))
    assert memory.see({1: A}, now=0.2) == []


def test_after_a_new_connection_nothing_blows_up_that_is_only_not_there() -> None:
    memory = Memory()
    memory.see({1: A, 2: B}, now=0.0)
    memory.clear_picture()
    assert memory.see({}, now=0.1) == []


def test_a_judgement_stands_beside_what_was_seen_when_the_shot_was_fired() -> None:
    memory = Memory()
    memory.fire(9, Tracer(1, (100, 100), (700, 100), True, 0.0), {2: B})
    memory.judge((9, [720, 100], True, 2, [890, 100], [990, 100], 0.15), now=0.2)
    (judgement,) = memory.judgements
    assert (judgement.shown, judgement.seen, judgement.now) == ((900, 100), [890, 100], [990, 100])


def test_judgements_of_shots_that_nobody_fired_are_ignored() -> None:
    memory = Memory()
    memory.judge((9, [720, 100], False, 2, [890, 100], [990, 100], 0.15), now=0.2)
    memory.fire(1, Tracer(1, (0, 0), (1, 1), False, 0.0), {})
    memory.judge((1, [720, 100], False, -1, None, None, 0.15), now=0.2)
    assert not memory.judgements


def test_everything_is_over_after_a_while_and_there_is_never_much() -> None:
    memory = Memory()
    for number in range(1_000):
        memory.fire(number % rules.SHOT_NUMBERS, Tracer(1, (0, 0), (1, 1), False, 0.0), {2: B})
        memory.judge((number % rules.SHOT_NUMBERS, [0, 0], True, 2, [1, 1], [2, 2], 0.1), now=0.0)
        memory.fire(number % rules.SHOT_NUMBERS, Tracer(1, (0, 0), (1, 1), False, 0.0), {2: B})
        memory.say("hello", "chat", 0.0)
        memory.say("hello", "feed", 0.0)
    held = (memory.tracers, memory.lines, memory.feed, memory.judgements)
    assert all(0 < len(things) < 100 for things in held)
    assert memory.unjudged <= rules.SHOT_NUMBERS // 2 + 1
    memory.forget(max(TRACER_SECONDS, LINE_SECONDS, JUDGED_SECONDS) + 0.1)
    assert not any(held)
