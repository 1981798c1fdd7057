"""Sounds are computed, and a machine without a mixer plays in silence, after one warning."""

import array
import logging
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pygame
import pytest

from pygase_pygame.app import sounds
from pygase_pygame.app.sounds import SAMPLE_RATE, Sounds, SoundSet, Tone, wave

BEEP = SoundSet(beep=[Tone(440, 0.05)])


@pytest.fixture(autouse=True)
def _mixer_is_closed() -> Iterator[None]:
    yield
    pygame.mixer.quit()


def samples(*tones: Tone) -> list[int]:
    data = wave(tones)
    return list(struct.unpack(f"={len(data) // 2}h", data))


def crossings(levels: list[int]) -> int:
    """Count how often a wave goes up through zero."""
    return sum(a < 0 <= b for a, b in pairwise(levels))


@pytest.mark.parametrize("shape", ["sine", "triangle", "square"])
def test_a_tone_has_its_pitch_its_length_and_its_volume(shape: Any) -> None:
    levels = samples(Tone(441, 0.5, shape=shape, volume=0.5))
    assert len(levels) == SAMPLE_RATE // 2
    assert crossings(levels) == pytest.approx(441 / 2, abs=3)
    assert 6_000 < max(map(abs, levels)) <= 16_000


def test_a_tone_glides_and_noise_is_none() -> None:
    glide = samples(Tone(200, 0.5, to=800))
    assert crossings(glide[: SAMPLE_RATE // 4]) < crossings(glide[SAMPLE_RATE // 4 :])
    noise = samples(Tone(5000, 0.2, shape="noise"))
    assert len(set(noise[: SAMPLE_RATE // 20])) > 100


def test_tones_follow_each_other_and_neither_click_at_the_beginning_nor_at_the_end() -> None:
    both = samples(Tone(440, 0.1), Tone(880, 0.2, shape="square"))
    assert len(both) == pytest.approx(0.3 * SAMPLE_RATE, abs=2)
    assert both[0] == 0
    assert abs(both[-1]) < 10


def test_the_same_description_makes_the_same_sound() -> None:
    noise = Tone(3000, 0.1, shape="noise")
    assert wave([noise]) == wave([noise])


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": 0}, {"seconds": 6}, {"volume": 1.5}, {"pitch": 5}, {"pitch": 30_000}, {"to": 1}],
    ids=str,
)
def test_what_cannot_be_a_tone_says_so(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"Tone.{next(iter(wrong))}"):
        Tone(**{"pitch": 440, "seconds": 0.1, **wrong})


def test_a_sound_is_played_where_there_is_a_mixer() -> None:
    played = Sounds(BEEP)
    assert played.audible
    played.play("beep", volume=0.5, pan=-1.0)
    assert pygame.mixer.get_busy()


def test_a_name_that_nobody_has_is_a_mistake_heard_or_not() -> None:
    for there in (Sounds(BEEP), Sounds(BEEP, wanted=False)):
        with pytest.raises(ValueError, match="no sound 'boom'; there are: beep"):
            there.play("boom")


def test_without_a_mixer_there_is_one_warning_and_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise pygame.error("ALSA: Couldn't open audio device")

    monkeypatch.setattr(pygame.mixer, "init", fails)
    with caplog.at_level(logging.WARNING):
        silent = Sounds(SoundSet(beep=[Tone(440, 0.05)], boop=[Tone(220, 0.05)]))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "silent" in caplog.text
    assert not silent.audible
    silent.play("beep")


def test_a_pygame_that_was_built_without_a_mixer_is_silent_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Missing:
        def __getattr__(self, name: str) -> Any:
            raise NotImplementedError("mixer module not available")

    monkeypatch.setattr(pygame, "mixer", Missing())
    assert not Sounds(BEEP).audible
    assert "silent" in caplog.text
    monkeypatch.undo()


def test_who_wants_no_sound_opens_no_mixer() -> None:
    assert not Sounds(BEEP, wanted=False).audible
    assert pygame.mixer.get_init() is None


def test_a_mixer_with_another_rate_plays_for_the_same_time() -> None:
    second = array.array("h", range(SAMPLE_RATE)).tobytes()
    assert len(sounds.fitted(second, 44_100, 2)) == 44_100 * 2 * 2
    assert len(sounds.fitted(second, SAMPLE_RATE, 1)) == SAMPLE_RATE * 2


def test_a_crowd_of_sounds_is_no_trouble() -> None:
    played = Sounds(BEEP)
    for _ in range(200):
        played.play("beep")


def test_a_higher_pitch_has_fewer_samples_and_each_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    made: list[int] = []
    sound = pygame.mixer.Sound
    monkeypatch.setattr(pygame.mixer, "Sound", lambda buffer: (made.append(len(buffer)), sound(buffer=buffer))[1])
    player = Sounds(BEEP)
    for pitch in (0.5, 1.0, 2.0, 9.0) * 10:
        player.play("beep", pitch=pitch)
    assert len(made) == 3
    assert [size / made[0] for size in made] == pytest.approx([1.0, 2.0, 0.5], abs=0.01)


def test_sounds_rest_and_have_a_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    player = Sounds(BEEP)
    assert player.audible
    player.rest()
    assert not player.audible
    player.play("beep")  # nothing happens
    player.wake()
    player.volume = 0.0
    assert not player.audible
