"""Feeds every decoder with changed samples, and keeps in memory what led somewhere new."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from tests.support.fuzzing.corpus import as_line, load
from tests.support.fuzzing.decoders import Target, signature, targets
from tests.support.fuzzing.mutations import Mutator
from tests.support.fuzzing.shapes import Sample, sample

MOST_KEPT: Final = 64
"""Most samples of a decoder that are kept for their new kind of end, beside those of the corpus."""

SLOWEST: Final = 0.5
"""Seconds of processor time that no input of at most 4 KB may take; the usual one takes 10 microseconds."""

BURST: Final = 20
"""Changes of one sample before another one's turn."""


class Fault(AssertionError):
    """An input did harm. The message names the decoder, and the line for the corpus that repeats it."""


class DecoderFuzzer:
    """Changes the samples of each decoder, and reads them.

    :param seed: the same one does the same.
    :ivar counts: numbers of inputs, by decoder; ``ends``: the kinds of ends that were seen, by decoder.
    """

    def __init__(self, seed: int) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.ends: dict[str, set[str]] = defaultdict(set)
        self._mutator = Mutator(random.Random(f"decoders {seed}"))
        corpus = load()
        self._targets = targets()
        self._samples = {t.name: [sample(data, t.shape) for data in corpus[t.name]] for t in self._targets}
        self._originals = {name: len(samples) for name, samples in self._samples.items()}

    def run(self, count: int) -> None:
        """Read that many inputs.

        :raises Fault: if one of them did harm.
        """
        done = 0
        while done < count:
            for target in self._targets:
                self._burst(target, min(BURST, count - done))
                done += min(BURST, count - done)

    def _burst(self, target: Target, count: int) -> None:
        samples = self._samples[target.name]
        one = samples[int(self._mutator.rng.random() * len(samples))]
        for _ in range(count):
            self.read(target, self._mutator.mutated(one, samples))
        self.counts[target.name] += count

    def read(self, target: Target, data: bytes) -> None:
        """Read one input.

        :raises Fault: if it did harm.
        """
        began = time.thread_time()
        try:
            end = signature(target.read, data)
        except Exception as error:
            raise Fault(f"{type(error).__name__}: {error}; kept {as_line(target.name, data)}") from error
        if time.thread_time() - began > SLOWEST:
            raise Fault(f"it took {time.thread_time() - began:.1f} s; kept {as_line(target.name, data)}")
        if end not in self.ends[target.name]:
            self.ends[target.name].add(end)
            self._keep(target, data)

    def _keep(self, target: Target, data: bytes) -> None:
        samples, first = self._samples[target.name], self._originals[target.name]
        if len(samples) - first >= MOST_KEPT:
            del samples[first]
        samples.append(sample(data, target.shape))


def read_all(samples: Iterable[Sample], target: Target) -> None:
    """Read samples as they are; an error other than the decoder's own goes through."""
    for one in samples:
        signature(target.read, one.data)
