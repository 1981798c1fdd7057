"""Sounds without files: described as tones, computed when the game begins.

::

    sounds = Sounds(SoundSet(hit=[Tone(880, 0.05)], out=[Tone(330, 0.15, to=110, shape="square"), Tone(110, 0.2)]))
    sounds.play("hit")
"""

import array
import functools
import logging
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

SAMPLE_RATE: Final = 22_050
"""Samples a second, of one channel, 16 bits each."""

MAX_LEVEL: Final = 32_000
"""The largest sample."""

FADE_IN: Final = 0.004
"""Seconds in which a tone begins, so that it does not click."""

MAX_TONE: Final = 5.0
"""Seconds of one tone."""

PITCH_STEPS: Final = 24
"""Pitches in an octave that a sound is played at: each is computed once, when it is first needed."""

PITCHES: Final = (0.5, 2.0)
"""The lowest and the highest pitch of :meth:`Sounds.play`."""

_CHANNELS: Final = 16  # sounds at once; a crowded game soon fills pygame's 8

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tone:
    """One tone: it begins at once, and fades out until its end.

    :ivar pitch: hertz, 20 to 11025. A higher one makes noise sharper.
    :ivar seconds: its length, at most 5.
    :ivar to: the pitch at its end, if it glides.
    :ivar shape: sine is round, triangle clear, square like an old arcade; noise is wind, steps and explosions.
    :ivar volume: from 0 to 1.
    :raises ValueError: a number is out of range.
    """

    pitch: float
    seconds: float
    to: float | None = None
    shape: Literal["sine", "triangle", "square", "noise"] = "sine"
    volume: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= MAX_TONE:
            raise ValueError(f"Tone.seconds is a number above 0, at most {MAX_TONE:g}, got {self.seconds!r}")
        if not 0 <= self.volume <= 1:
            raise ValueError(f"Tone.volume is a number from 0 to 1, got {self.volume!r}")
        if not all(
            20 <= pitch <= SAMPLE_RATE / 2 for pitch in (self.pitch, self.pitch if self.to is None else self.to)
        ):
            raise ValueError(
                f"Tone.pitch and Tone.to are hertz from 20 to {SAMPLE_RATE // 2}, got {self.pitch}, {self.to}"
            )


def wave(tones: Iterable[Tone]) -> bytes:
    """Return the samples of consecutive tones: mono, signed 16 bits, in this machine's byte order."""
    samples = array.array("h")
    for tone in tones:
        samples.extend(_samples(tone))
    return samples.tobytes()


def _samples(tone: Tone) -> Iterable[int]:
    count = max(1, round(tone.seconds * SAMPLE_RATE))
    end = tone.pitch if tone.to is None else tone.to
    rng = random.Random(count)
    phase, hiss = 0.0, 0.0
    for number in range(count):
        done = number / count
        phase += (tone.pitch + (end - tone.pitch) * done) / SAMPLE_RATE
        if tone.shape == "noise" and phase >= 1.0:
            hiss = rng.uniform(-1.0, 1.0)  # a new step `pitch` times a second
        phase %= 1.0
        level = hiss if tone.shape == "noise" else _level(tone.shape, phase)
        loudness = tone.volume * (1.0 - done) ** 2 * min(1.0, number / (FADE_IN * SAMPLE_RATE))
        yield round(MAX_LEVEL * loudness * level)


def _level(shape: str, phase: float) -> float:
    if shape == "sine":
        return math.sin(2 * math.pi * phase)
    if shape == "triangle":
        return 4 * abs(phase - 0.5) - 1
    return 0.5 if phase < 0.5 else -0.5


class SoundSet(dict[str, Sequence[Tone]]):
    """A game's sounds by name: `SoundSet(hit=[Tone(880, 0.05)])`."""


class Sounds:
    """Plays sounds by name. It is silent if they are not `wanted`, and, after one warning, without a mixer."""

    def __init__(self, described: Mapping[str, Sequence[Tone]], wanted: bool = True) -> None:
        self._described = {name: tuple(tones) for name, tones in described.items()}
        self._sounds: dict[tuple[str, int], Any] = {}  # by name and steps of pitch
        self.volume = 1.0
        """The player's volume, 0 to 1, for all sounds."""
        self.on = wanted
        self._rests = False
        self._tried = False
        if wanted:
            self._load()

    def _load(self) -> None:
        """Compute the sounds, once: those of a player who wants none are computed when that changes."""
        if self._tried or not self._described:
            return
        self._tried = True
        try:
            _open_mixer()
            self._sounds = {(name, 0): _loaded(tones, 0) for name, tones in self._described.items()}
        except Exception as error:  # pygame, SDL or the system may raise anything; the game goes on without sound
            logger.warning("This game is silent: %s", error)

    def play(self, name: str, volume: float = 1.0, pan: float = 0.0, pitch: float = 1.0) -> None:
        """Play a sound.

        :param volume: from 0 to 1.
        :param pan: from -1 (left) to 1 (right).
        :param pitch: from 0.5 (an octave lower, and twice as long) to 2.0; ``pygase_pygame.juice.vary()`` returns one.
        :raises ValueError: there is no sound of that name, even while sounds are off.
        """
        if name not in self._described:
            raise ValueError(f"there is no sound {name!r}; there are: {', '.join(sorted(self._described)) or 'none'}")
        if not self.audible:
            return
        channel = self._sound(name, pitch).play()
        if channel is not None:  # None: all channels are taken
            volume *= self.volume
            channel.set_volume(volume * min(1.0, 1.0 - pan), volume * min(1.0, 1.0 + pan))

    def rest(self) -> None:
        """Be silent until :meth:`wake`, as while the window has no focus. Nothing is played later."""
        self._rests = True

    def wake(self) -> None:
        """End :meth:`rest`."""
        self._rests = False

    @property
    def audible(self) -> bool:
        """Whether :meth:`play` makes any sound."""
        if not self.on or self._rests or self.volume <= 0.0:
            return False
        self._load()
        return bool(self._sounds)

    def _sound(self, name: str, pitch: float) -> Any:
        lowest, highest = PITCHES
        steps = round(PITCH_STEPS * math.log2(min(max(pitch, lowest), highest)))
        sound = self._sounds.get((name, steps))
        if sound is None:
            sound = self._sounds[name, steps] = _loaded(self._described[name], steps)
        return sound


def _open_mixer() -> None:
    mixer = _mixer()
    if not mixer.get_init():
        mixer.init(SAMPLE_RATE, -16, 2, 512)
    mixer.set_num_channels(_CHANNELS)
    bits = mixer.get_init()[1]
    if bits != -16:
        raise RuntimeError(f"the mixer takes samples of {bits} bits, not of 16")


def _mixer() -> Any:
    import pygame  # only here: a description of sounds needs no pygame

    return pygame.mixer


def _loaded(tones: tuple[Tone, ...], steps: int) -> Any:
    mixer = _mixer()
    rate, _, channels = mixer.get_init()
    samples_a_second = round(
        rate / 2.0 ** (steps / PITCH_STEPS)
    )  # fewer of them sound higher, since all play at `rate`
    return mixer.Sound(buffer=_computed(tones, samples_a_second, channels))


@functools.lru_cache(maxsize=64)  # a player who leaves a game and joins it again does not wait again
def _wave(tones: tuple[Tone, ...]) -> bytes:
    return wave(tones)


def _computed(tones: tuple[Tone, ...], rate: int, channels: int) -> bytes:
    return fitted(_wave(tones), rate, channels)


def fitted(samples: bytes, rate: int, channels: int) -> bytes:
    """Return mono 16-bit samples of SAMPLE_RATE at another rate and number of channels."""
    mono = array.array("h", samples)
    if rate != SAMPLE_RATE:
        mono = array.array(
            "h", (mono[int(number * SAMPLE_RATE / rate)] for number in range(len(mono) * rate // SAMPLE_RATE))
        )
    every = array.array("h", bytes(mono.itemsize * len(mono) * channels))
    for channel in range(channels):
        every[channel::channels] = mono
    return every.tobytes()
