"""Settings are kept, written whole, and survive a torn file."""

import json
import os
from pathlib import Path

import pygame
import pytest

from pygase_pygame.app import Playing, Settings
from pygase_pygame.app.settings import settings_path
from tests.support.demo import DEMO, DemoScreen
from tests.support.table import Table


def full(path: Path) -> Settings:
    settings = Settings(path, "Zoë", "blue", 0.25, 0.5, keys={"demo": {"up": [pygame.K_i]}})
    settings.comfort.shake, settings.comfort.flash = 0.1, 0.0
    return settings


def test_all_settings_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "not there yet" / "settings.json"
    full(path).save()
    assert Settings.load(path) == full(path)
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("length", [0, 1, 20, 60, 100])
def test_a_torn_file_is_survived_and_replaced(tmp_path: Path, length: int) -> None:
    path = tmp_path / "settings.json"
    full(path).save()
    path.write_bytes(path.read_bytes()[:length])
    settings = Settings.load(path)
    assert settings == Settings(path)
    settings.name = "Ada"
    settings.save()
    assert Settings.load(path).name == "Ada"


def test_a_power_cut_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    full(path).save()

    def no_more(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", no_more)
    Settings(path, "Ada").save()
    assert Settings.load(path) == full(path)


def test_each_part_of_another_kind_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    wrong = {"name": 5, "colour": "red", "sound": 7, "music": "loud", "shake": -1, "flash": True, "keys": [1]}
    path.write_text(json.dumps(wrong) + " ")
    settings = Settings.load(path)
    assert (settings.name, settings.colour, settings.sound, settings.music) == ("", "red", 1.0, 1.0)
    assert (settings.comfort.shake, settings.comfort.flash, settings.keys) == (0.0, 1.0, {})
    path.write_text('{"sound": NaN, "music": Infinity}')
    assert (Settings.load(path).sound, Settings.load(path).music) == (1.0, 1.0)


def test_two_games_at_once_keep_each_others_keys(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    pong, demo = Settings.load(path), Settings.load(path)
    pong.keys["pong"] = {"up": [1]}
    pong.save()
    demo.keys["demo"] = {"up": [2]}
    demo.save()
    assert Settings.load(path).keys == {"pong": {"up": [1]}, "demo": {"up": [2]}}


def test_no_file_no_settings_and_no_error() -> None:
    Settings(None, "Ada").save()
    assert Settings.load(None) == Settings()
    path = settings_path()
    assert path is None or path.name == "_settings.json"


def test_a_game_begins_with_the_players_keys_volume_and_limits() -> None:
    table = Table(DEMO)
    seat = table.sit("Ada")
    settings = Settings(None, sound=0.5, keys={"demo": {**seat.screen.controls.save(), "up": [pygame.K_i]}})
    playing = Playing(seat.session, "Ada", game="demo", settings=settings)
    screen = DemoScreen(playing)
    assert screen.controls.bindings["up"] == (pygame.K_i,)
    assert screen.controls.bindings["down"] == seat.screen.controls.bindings["down"]
    assert playing.sounds.volume == 0.5
    settings.comfort.shake = 0.0
    playing.juice.shake.kick(1.0, now=0.0)
    assert playing.juice.shake.offset(0.1, 100.0) == (0, 0)
    table.close()


def test_sounds_rest_while_the_window_has_no_focus() -> None:
    table = Table(DEMO)
    seat = table.sit("Ada")
    sounds = seat.screen.playing.sounds
    assert sounds.audible
    seat.happens(pygame.WINDOWFOCUSLOST)
    assert not sounds.audible
    seat.happens(pygame.WINDOWFOCUSGAINED)
    assert sounds.audible
    table.close()
