"""Sprites that follow a part of the view."""

from __future__ import annotations

import pygame
import pytest

from pygase_pygame import ViewGroup


class Alien(pygame.sprite.Sprite):
    def __init__(self, key, data):
        super().__init__()
        self._layer = data.get("layer", 0)
        self.key = key
        self.image = pygame.Surface((4, 4))
        self.image.fill("red")
        self.rect = self.image.get_rect()

    def show(self, data):
        self.rect.center = data["x"], data["y"]


class Diary:
    """A group, and the callbacks that it made."""

    def __init__(self):
        self.entries = []
        self.group = ViewGroup(
            Alien,
            on_spawn=lambda alien: self.entries.append(("spawn", alien.key, alien.rect.center)),
            on_gone=lambda alien: self.entries.append(("gone", alien.key, alien.rect.center)),
        )

    def keys(self):
        return {alien.key for alien in self.group}


def test_a_sprite_is_made_shown_and_removed_with_its_key():
    diary = Diary()
    diary.group.follow({})
    diary.group.follow({1: {"x": 10, "y": 20}})
    alien = diary.group.sprite_of(1)
    assert alien.rect.center == (10, 20)
    diary.group.follow({1: {"x": 30, "y": 40}, "two": {"x": 5, "y": 6}})
    assert diary.group.sprite_of(1) is alien
    assert alien.rect.center == (30, 40)
    diary.group.follow({"two": {"x": 5, "y": 6}})
    assert diary.keys() == {"two"}
    assert diary.group.sprite_of(1) is None
    assert diary.entries == [("spawn", 1, (10, 20)), ("spawn", "two", (5, 6)), ("gone", 1, (30, 40))]


def test_what_was_there_at_the_first_look_did_not_appear():
    diary = Diary()
    diary.group.follow({1: {"x": 0, "y": 0}})
    assert diary.keys() == {1}
    assert diary.entries == []


def test_without_a_state_all_sprites_leave_silently_and_the_next_look_is_the_first():
    diary = Diary()
    diary.group.follow({1: {"x": 0, "y": 0}})
    diary.group.follow(None)
    assert not diary.group
    diary.group.follow({1: {"x": 0, "y": 0}, 2: {"x": 0, "y": 0}})
    assert diary.keys() == {1, 2}
    assert diary.entries == []


def test_a_sprite_that_the_game_killed_stays_away_while_its_key_is_there():
    diary = Diary()
    diary.group.follow({1: {"x": 0, "y": 0}})
    diary.group.sprite_of(1).kill()
    diary.group.follow({1: {"x": 1, "y": 1}})
    assert not diary.group
    assert diary.group.sprite_of(1) is None
    diary.group.follow({})
    assert diary.entries == []
    diary.group.follow({1: {"x": 2, "y": 2}})
    assert diary.entries == [("spawn", 1, (2, 2))]


def test_a_key_that_went_and_came_has_a_new_sprite():
    diary = Diary()
    diary.group.follow({1: {"x": 0, "y": 0}})
    first = diary.group.sprite_of(1)
    diary.group.follow({})
    diary.group.follow({1: {"x": 0, "y": 0}})
    assert diary.group.sprite_of(1) is not first


def test_sprites_that_the_game_adds_stay():
    diary = Diary()
    own = Alien("own", {})
    diary.group.add(own)
    diary.group.follow({1: {"x": 0, "y": 0}})
    diary.group.follow({})
    diary.group.follow(None)
    assert diary.keys() == {"own"}


def test_it_draws_in_layers():
    screen = pygame.Surface((10, 10))
    group = ViewGroup(Alien)
    group.follow({"above": {"x": 5, "y": 5, "layer": 2}, "below": {"x": 5, "y": 5, "layer": 1}})
    group.sprite_of("above").image.fill("blue")
    group.draw(screen)
    assert screen.get_at((5, 5)) == pygame.Color("blue")
    group.change_layer(group.sprite_of("below"), 3)
    group.draw(screen)
    assert screen.get_at((5, 5)) == pygame.Color("red")


def test_a_sprite_may_kill_itself_while_it_is_shown():
    class Shot(Alien):
        def show(self, data):
            super().show(data)
            if data["x"] > 100:
                self.kill()

    group = ViewGroup(Shot)
    group.follow({1: {"x": 0, "y": 0}, 2: {"x": 0, "y": 0}})
    group.follow({1: {"x": 101, "y": 0}, 2: {"x": 1, "y": 0}})
    assert {shot.key for shot in group} == {2}


@pytest.mark.parametrize("wrong", [["alien"], 3, "aliens"])
def test_only_dicts_can_be_followed(wrong):
    with pytest.raises(TypeError, match=r"takes a dict.*view\.get\('aliens'\)"):
        ViewGroup(Alien).follow(wrong)


@pytest.mark.parametrize("wrong", [lambda key, data: None, lambda key, data: pygame.sprite.Sprite()])
def test_make_must_return_a_sprite_that_can_be_shown(wrong):
    group = ViewGroup(wrong)
    with pytest.raises(TypeError, match=r"make\(1, …\) returned .*method show\(data\) was expected"):
        group.follow({1: {"x": 0, "y": 0}})
    assert not group
