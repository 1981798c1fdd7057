"""The difference of two trees by the deltas between them: the same as by comparing all of them."""

import random

from pygase._state.delta import apply, diff
from pygase._state.known_deltas import KnownDeltas
from pygase._state.merging import UpdateReader, merged
from pygase._state.tree import TO_DELETE, Tree
from tests.support.trees import exact, random_update, random_value


class Past:
    """A tree, all earlier ones by their ticks, and what is known of the deltas between them."""

    def __init__(self, tree: Tree) -> None:
        self.tick = 1
        self.tree = tree
        self.trees = {1: tree}
        self.known = KnownDeltas()

    def update(self, update: Tree, is_known: bool = True) -> None:
        delta = UpdateReader().changes(self.tree, update, "update")
        if delta:
            self.tree = merged(self.tree, delta, {})
            self.tick += 1
            self.trees[self.tick] = self.tree
            self.known.add(self.tick, delta if is_known else None)

    def forget_first(self) -> None:
        first = min(self.trees)
        del self.trees[first]
        self.known.drop(first)

    def check(self) -> None:
        for tick, baseline in self.trees.items():
            delta = self.known.difference(tick, baseline, self.tree)
            assert exact(delta) == exact(diff(baseline, self.tree))
            assert exact(apply(baseline, delta)) == exact(self.tree)


def test_every_baseline_gets_the_difference_that_a_whole_comparison_finds(rng: random.Random) -> None:
    for _ in range(150):
        past = Past({key: random_value(rng, 3) for key in ("a", "b", 1, 2)})
        for _ in range(rng.randrange(1, 12)):
            past.update(random_update(rng, past.tree), is_known=rng.random() < 0.9)
            if rng.random() < 0.3 and len(past.trees) > 1:
                past.forget_first()
        past.check()


def test_a_large_world_is_compared_at_few_places_and_the_difference_is_the_same(rng: random.Random) -> None:
    for _ in range(5):
        bag = {"bag": {i: i for i in range(50)}}
        past = Past({"ents": {n: {"x": 0.0, **(bag if n < 20 else {})} for n in range(150)}, "n": 0})
        for turn in range(rng.randrange(1, 20)):
            ents: Tree = {}
            for n in rng.sample(range(20), 5) + rng.sample(range(20, 160), 3):
                ents[n] = rng.choice([TO_DELETE, 5, {"x": turn * 0.1}, {"bag": {rng.randrange(60): turn}}, {"bag": 0}])
            past.update({"ents": ents, "n": turn})
        past.check()


class Name(str):
    """A key that counts how often a dict is asked for it."""

    asked = 0

    def __hash__(self) -> int:
        Name.asked += 1
        return super().__hash__()


def test_what_rests_is_not_looked_at() -> None:
    names, resting, one, two = [Name(f"e{n}") for n in range(1_000)], {"x": 0.0}, {"x": 1.0}, {"x": 2.0}
    first: Tree = {"map": {"ents": dict.fromkeys(names, resting)}, "n": 0}
    second: Tree = {"map": {"ents": {**first["map"]["ents"], names[1]: one}}, "n": 0}
    third: Tree = {"map": {"ents": {**second["map"]["ents"], names[2]: two}}, "n": 0}
    known = KnownDeltas()
    known.add(2, {"map": {"ents": {names[1]: one}}})
    known.add(3, {"map": {"ents": {names[2]: two}}})
    Name.asked = 0
    assert diff(first, third) == {"map": {"ents": {"e1": one, "e2": two}}}
    assert Name.asked >= 1_000
    Name.asked = 0
    assert known.difference(1, first, third) == {"map": {"ents": {"e1": one, "e2": two}}}
    assert 0 < Name.asked < 20
    assert known.difference(2, second, third) is known.difference(2, second, third)
