"""No bytes do harm to a decoder: a sample of ``python -m tests.long fuzz``."""

import random

import pytest

from pygase.errors import MalformedPacket
from tests.support.fuzzing.corpus import FILE, KEPT, as_line, load, parse
from tests.support.fuzzing.decoders import Target, signature, targets
from tests.support.fuzzing.decoding import DecoderFuzzer, Fault
from tests.support.fuzzing.mutations import MAX_BYTES, Mutator
from tests.support.fuzzing.shapes import sample

SAMPLE = 20_000


def test_no_input_does_harm(seed: int) -> None:
    """Only the decoders' own errors leave them, within bounds of memory and time."""
    fuzzer = DecoderFuzzer(seed)
    fuzzer.run(SAMPLE)
    assert sum(fuzzer.counts.values()) == SAMPLE
    assert set(fuzzer.counts) == {target.name for target in targets()}


def test_the_corpus_is_read_as_it_was_recorded() -> None:
    """Every recorded sample is valid. After a change of the wire, record the corpus anew: ``python -m
    tests.support.fuzzing.corpus``."""
    corpus = load()
    kept = {parse(line)[1] for line in FILE.read_text().splitlines() if line.startswith(KEPT)}
    for target in targets():
        assert corpus[target.name], target.name
        for data in corpus[target.name]:
            if data not in kept:
                target.read(data)


@pytest.mark.parametrize("line", [line for line in FILE.read_text().splitlines() if line.startswith(KEPT)] or [None])
def test_what_once_did_harm_does_none_now(line: str | None) -> None:
    if line is None:
        pytest.skip("nothing has done harm yet")
    name, data = parse(line)
    for target in targets():
        if target.name == name:
            signature(target.read, data)


def test_fuzzing_finds_a_decoder_that_trusts_a_length() -> None:
    """The test of the test: a fault behind one byte of one field is found, and its line repeats it."""

    def trusting(data: bytes) -> object:
        if len(data) < 10:
            raise MalformedPacket("too short")
        return data[data[9] + 10]

    target = Target("refused", "1 8 1 s1", trusting)
    with pytest.raises(Fault, match="IndexError") as caught:
        _fuzz(target, 2_000)
    name, data = parse(str(caught.value).partition("; ")[2])
    assert name == "refused"
    with pytest.raises(IndexError):
        trusting(data)


def _fuzz(target: Target, count: int) -> None:
    fuzzer, mutator = DecoderFuzzer(1), Mutator(random.Random(1))
    one = sample(load()["refused"][0], target.shape)
    for _ in range(count):
        fuzzer.read(target, mutator.mutated(one, [one]))


def test_a_shape_finds_each_field_of_whole_and_of_cut_off_bytes() -> None:
    data = b"\x05" + b"n" * 8 + b"\x07\x03abc"
    assert sample(data, "1 8 1 s1").fields == ((0, 1), (1, 9), (9, 10), (10, 11), (11, 14))
    assert sample(data[:12], "1 8 1 s1").fields == ((0, 1), (1, 9), (9, 10), (10, 11), (11, 12))
    assert sample(b"\x01\x00", "1 s2").fields == ((0, 1), (1, 2), (2, 2))
    assert sample(b"\x92\xa2hi\xcd\x01\x00", "m").fields == ((0, 7), (0, 1), (1, 2), (2, 4), (4, 5), (5, 7))
    assert sample(b"\x01\0\x02abX", "messages").fields == ((0, 6), (0, 1), (1, 3), (3, 5), (0, 5))


def test_mutations_are_bounded_and_repeat(seed: int) -> None:
    samples = [sample(data, "m") for data in load()["event"]]
    for _ in range(2):
        made = [Mutator(random.Random(seed)).mutated(one, samples) for one in samples * 50]
        assert max(map(len, made)) <= MAX_BYTES
        assert made == [Mutator(random.Random(seed)).mutated(one, samples) for one in samples * 50]


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0a\0", b"a\0\0"])
def test_a_line_of_the_corpus_keeps_zeros_and_nothing(data: bytes) -> None:
    assert parse(as_line("path challenge", data)) == ("path challenge", data)
    assert parse(f"{KEPT} {as_line('event', data)}") == ("event", data)
