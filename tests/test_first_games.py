"""The games of the pages for beginners are played in virtual time: Pong, and saucers for one and for many."""

import itertools
import logging
import random
from typing import Any

import pygame
import pytest

from tests.support.documents import ROOT, difference, programs
from tests.support.staged import Staged

FIRST_GAME = programs((ROOT / "docs" / "first-game.md").read_text(encoding="utf-8"))
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
MOST_LINES = 150
MOST_CHANGED = 60


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Staged:
    caplog.set_level(logging.WARNING)
    random.seed(1)
    return Staged(monkeypatch)


class TestPong:
    def test_it_is_a_second_step_of_at_most_150_lines(self) -> None:
        lines = len(FIRST_GAME["pong.py"].splitlines())
        assert lines <= MOST_LINES
        assert f"Pong in {round(lines, -1)} lines" in README

    def test_one_plays_against_the_bot_and_a_friend_takes_its_place_for_the_rematch(
        self, stage: Staged, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        until_one = FIRST_GAME["pong.py"].replace("POINTS = 80, 8, 5, 5", "POINTS = 80, 8, 5, 1")
        seen: list[tuple[list[int], bool, set[int]]] = []

        def play(frame: int) -> None:
            view, me = stage.session.view(), stage.session.me
            if frame in (30, 280):
                stage.press(pygame.K_SPACE)
            if frame == 30:
                assert view.seats[me]["name"] == "Ann"
                stage.press(pygame.K_s)
            if frame == 70:
                assert view.paddles[me]["y"] == stage["HEIGHT"] - stage["PADDLE"] / 2, "it obeys"
            if frame == 200:
                self.friend = stage.guest(profile={"name": "Ben"})
            if frame > 220:
                self.friend.send_input([None, 7, {"up": 1}, {"down": True}][frame % 4])
            if frame == 300:
                self.friend.dispatch_event("READY", True)
            if frame > 30:
                seen.append((view.score, view.seats[me]["ready"], view.paddles.keys() - {me}))

        stage.play(until_one, "Ann", seconds=6, each_frame=play)
        over = seen.index(([0, 1], False, {-1}))  # who stands in the corner loses
        assert ([0, 0], True, {-1}) in seen[:over]
        assert ([0, 1], True, {self.friend.id}) in seen[over:], "the points stay until both are ready"
        assert seen[-1] == ([0, 0], True, {self.friend.id})
        assert stage.session.predictor.corrections == 0
        assert capsys.readouterr().out.startswith("Friends type: python pong.py NAME")
        assert caplog.text == ""


class TestSaucers:
    BEFORE, AFTER = "docs/shooter/alone.py", "docs/shooter/together.py"
    PAGE = (ROOT / "docs" / "embed.md").read_text(encoding="utf-8")

    def test_the_page_counts_the_changed_lines_and_shows_them(self) -> None:
        written, gone, shown = difference(self.BEFORE, self.AFTER)
        assert f"{written} lines are new or different, {gone} of the old ones are gone" in " ".join(self.PAGE.split())
        assert written <= MOST_CHANGED
        assert shown in self.PAGE
        assert f"the {written} lines that make it one for many" in README
        lines = [len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in (self.BEFORE, self.AFTER)]
        assert "has {} lines, [`together.py`](shooter/together.py) {}.".format(*lines) in self.PAGE

    def test_one_shoots_saucers_alone(self, stage: Staged) -> None:
        scores: list[int] = []
        places: set[int] = set()

        def look(screen: object, font: object, battle: Any) -> None:
            scores.append(battle.score)
            places.add(battle.ship.rect.x)

        def play(frame: int) -> None:
            if frame == 1:
                stage.watch("draw", look)
                stage.press(pygame.K_SPACE)
                stage.press(pygame.K_LEFT)

        stage.play((ROOT / self.BEFORE).read_text(encoding="utf-8"), seconds=8, each_frame=play)
        assert scores[0] == 0 < scores[-1]
        assert min(places) == 0

    def test_two_shoot_saucers_whatever_one_of_them_sends(
        self, stage: Staged, caplog: pytest.LogCaptureFixture
    ) -> None:
        drawn: list[dict[str, Any]] = []

        def look(screen: object, font: object, world: Any) -> None:
            view = world.session.view()
            drawn.append(dict(view))
            assert len(world.sprites) == len(view.get("things", {}))

        def play(frame: int) -> None:
            if frame == 1:
                stage.watch("draw", look)
                self.guest = stage.guest()
            if frame == 30:
                stage.press(pygame.K_SPACE)
                stage.press(pygame.K_LEFT)
            self.guest.send_input([None, 7, [pygame.K_LEFT], {f"k{pygame.K_LEFT}": 1}, {"fire": True}][frame % 5])

        stage.play((ROOT / self.AFTER).read_text(encoding="utf-8"), seconds=6, each_frame=play)
        assert drawn[0].get("things") is None, "the first frames are drawn before anything has arrived"
        assert drawn[-1]["score"] > 0
        looks = {thing.get("look", "ship") for view in drawn for thing in view.get("things", {}).values()}
        assert looks == {"ship", "shot", "saucer", "bomb", "boom"}
        ships = {key for key, thing in drawn[-1]["things"].items() if "look" not in thing}
        assert ships == {stage.session.me, self.guest.id}
        stuns = [view.get("things", {}).get(stage.session.me, {}).get("stunned", 0) for view in drawn]
        hits = sum(later > earlier for earlier, later in itertools.pairwise(stuns))
        assert stage.session.predictor.corrections == hits > 0, "only a bomb sets the own ship back"
        assert drawn[-1]["things"][self.guest.id]["rect_x"] == 300, "nonsense moves nothing"
        assert caplog.text == ""

    def test_with_an_address_it_joins(self, stage: Staged) -> None:
        stage.play((ROOT / self.AFTER).read_text(encoding="utf-8"), "192.0.2.5", seconds=0.1, each_frame=lambda _: None)
        assert stage.joined == ["192.0.2.5"]
