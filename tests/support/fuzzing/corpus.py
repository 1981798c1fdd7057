"""The kept corpus: real bytes for each decoder, recorded from sessions, and inputs that once found a fault.

``corpus.txt`` has one sample a line: the decoder's name, the bytes in hex, and the number of zeros behind them. Make it
anew after a change of the wire with ``python -m tests.support.fuzzing.corpus``; lines that begin with ``kept`` stay.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

from pygase._protocol.wire import (
    BULK_SNAPSHOT,
    CLOSE,
    DATA,
    DELTA,
    EVENT,
    EVENT_ONCE,
    EVENT_ORDERED,
    FRAGMENT,
    HEADER_BYTES,
    INPUT_STATE,
    INPUTS,
    LAST,
    MESSAGE_HEADER,
    SNAPSHOT,
    message,
)

FILE: Final = Path(__file__).with_name("corpus.txt")
KEPT: Final = "kept"
MOST_OF_A_KIND: Final = 8

Corpus = dict[str, list[bytes]]

_OF_KIND: Final = {1: "request", 2: "challenge", 3: "response", 4: "accepted", 5: "refused"}
_OF_MESSAGE: Final = {
    EVENT: "event",
    SNAPSHOT: "snapshot",
    BULK_SNAPSHOT: "snapshot",
    CLOSE: "close",
    INPUTS: "inputs",
    INPUT_STATE: "input state",
    FRAGMENT: "messages",
    EVENT_ONCE: "messages",
    EVENT_ORDERED: "messages",
}
_STATES: Final = (SNAPSHOT, BULK_SNAPSHOT, DELTA)


def load() -> Corpus:
    """Return the samples of each decoder."""
    found: Corpus = defaultdict(list)
    for line in FILE.read_text(encoding="ascii").splitlines():
        name, data = parse(line)
        found[name].append(data)
    return dict(found)


def parse(line: str) -> tuple[str, bytes]:
    """Return the decoder's name and the bytes of a line."""
    name, digits, zeros = line.removeprefix(f"{KEPT} ").rsplit(" ", 2)
    return name, bytes.fromhex(digits.strip("-")) + bytes(int(zeros))


def as_line(name: str, data: bytes) -> str:
    """Return the line of a sample."""
    digits = data.rstrip(b"\0")
    return f"{name} {digits.hex() or '-'} {len(data) - len(digits)}"


def harvest(datagrams: list[bytes]) -> Corpus:
    """Return samples for the decoders of the wire, from recorded datagrams: different in size, if there is a choice."""
    found: dict[str, dict[int, bytes]] = defaultdict(dict)
    for data in datagrams:
        if data[0] in _OF_KIND:
            found[_OF_KIND[data[0]]].setdefault(len(data), data)
        elif data[0] == DATA:
            _harvest_packet(data, found)
    return {name: _spread(samples) for name, samples in sorted(found.items())}


def _harvest_packet(data: bytes, found: dict[str, dict[int, bytes]]) -> None:
    found["packet"].setdefault(len(data) // 20, data)
    at = HEADER_BYTES
    while at < len(data):
        if data[at] & LAST:
            whole = message(data[at] & ~LAST, data[at + 1 :])
            end = len(data)
        else:
            end = at + MESSAGE_HEADER.size + MESSAGE_HEADER.unpack_from(data, at)[1]
            whole = data[at:end]
        kind = whole[0]
        name = _OF_MESSAGE.get(kind)
        if name is not None and not (kind == FRAGMENT and whole[MESSAGE_HEADER.size] in _STATES):
            body = whole if name == "messages" else whole[MESSAGE_HEADER.size :]
            found[name].setdefault(len(body) * 8 + kind, body)
        at = end


def _spread(samples: dict[int, bytes]) -> list[bytes]:
    """Return some of the samples, evenly from the smallest to the largest of up to 600 bytes."""
    chosen = [data for _, data in sorted(samples.items()) if len(data) <= 600 or data[0] == 1]
    step = max(len(chosen) / MOST_OF_A_KIND, 1.0)
    return [chosen[int(index * step)] for index in range(min(len(chosen), MOST_OF_A_KIND))]


def write(corpus: Corpus) -> None:
    """Write the corpus, and keep the lines of faults."""
    kept = [line for line in FILE.read_text().splitlines() if line.startswith(f"{KEPT} ")] if FILE.exists() else []
    lines = [as_line(name, data) for name, samples in sorted(corpus.items()) for data in samples]
    FILE.write_text("\n".join([*lines, *kept]) + "\n", encoding="ascii")


def main() -> int:
    """Record sessions, and write the corpus."""
    from tests.support.fuzzing.recording import made, recorded  # needs whole games; reading the corpus does not

    write(harvest(recorded()) | made())
    return 0


if __name__ == "__main__":
    sys.exit(main())
