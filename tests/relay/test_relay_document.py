"""docs/protocol.md describes the bytes of a relay: a recorded evening is decoded by that page alone."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest

from pygase._relay import relay_datagrams
from pygase._relay.codes import CODE_ALPHABET
from pygase._relay.limits import FREE_TRIES, LONGEST_TRIES_PAUSE, RelayLimits
from pygase._relay.relay import INTRODUCTION_INTERVAL, RELAY_COOKIE_LIFETIME
from pygase._relay.relay_datagrams import (
    ALIVE,
    MIN_RELAY_REQUEST_BYTES,
    OWN_ROOM,
    JoinRoom,
    LeaveRoom,
    OpenRoom,
    RelayCookie,
    RelayRefused,
    RoomJoined,
    RoomOpened,
    RoomPeer,
    of_channel,
)
from tests.support.document_decoder import PAGE, Document, named
from tests.support.relaying import RelayBed

DOCUMENT = Document(PAGE.read_text(encoding="utf-8"))
TEXT = " ".join(DOCUMENT.page.split())

DECODERS: dict[str, Callable[[bytes], Any]] = {
    "OPEN_ROOM": OpenRoom.decode,
    "RELAY_COOKIE": RelayCookie.decode,
    "ROOM_OPENED": RoomOpened.decode,
    "JOIN_ROOM": JoinRoom.decode,
    "ROOM_JOINED": RoomJoined.decode,
    "ROOM_PEER": RoomPeer.decode,
    "LEAVE": LeaveRoom.decode,
    "RELAY_REFUSED": RelayRefused.decode,
}


def evening() -> list[bytes]:
    """Return the datagrams of an evening on which everything happens that the page describes."""
    bed = RelayBed(access_key=b"pong")
    host, player, other = bed.host(), bed.player(), bed.player("2001:db8::1")
    host.candidates, player.candidates = bytes(19), bytes(76)
    host.open()
    host.access_key = b"pong"
    code = host.open()
    player.join("000000")
    channel = player.join(code)
    other.join(code)
    player.send_game(channel, b"hello")
    host.send_game(channel, b"welcome")
    player.send(of_channel(ALIVE, channel))
    other.send(of_channel(ALIVE, channel))
    assert player.joined is not None
    player.send(LeaveRoom(channel, player.joined.secret).encode())
    host.send(of_channel(ALIVE, OWN_ROOM))
    host.close()
    return bed.recorded


def flat(decoded: Any) -> dict[str, Any]:
    """Return the fields of a datagram of the code, those of its request among them."""
    fields = decoded._asdict()
    request = fields.pop("request", None)
    return fields if request is None else {**request._asdict(), **fields}


def test_an_evening_is_decoded_by_the_page_and_every_byte_is_accounted_for() -> None:
    seen = set()
    for data in evening():
        fields = DOCUMENT.decode(data, "")
        assert b"".join(each.raw for each in fields) == data
        seen.add(name := DOCUMENT.relay_kinds[data[0]])
        values = named(fields)
        if name in DECODERS:
            for field, value in flat(DECODERS[name](data)).items():
                assert values[field] == (value.encode() if isinstance(value, str) else value), (name, field)
    assert seen == set(DOCUMENT.relay_kinds.values())


def test_kinds_and_reasons_are_those_of_the_code() -> None:
    for names in (DOCUMENT.relay_kinds, DOCUMENT.relay_reasons):
        assert {number: getattr(relay_datagrams, name) for number, name in names.items()} == {n: n for n in names}
    assert len(DOCUMENT.relay_reasons) == 5


@pytest.mark.parametrize(
    "sentence",
    [
        f"requests of less than {MIN_RELAY_REQUEST_BYTES} bytes are not answered",
        f"six of the characters `{CODE_ALPHABET}`",
        f"accepted from that address for {RELAY_COOKIE_LIFETIME:.0f} s",
        f"After {FREE_TRIES} wrong codes of a host",
        f"up to {LONGEST_TRIES_PAUSE:.0f} s. A minute without a wrong code",
        f"at most every {INTRODUCTION_INTERVAL} s",
        f"{RelayLimits().bytes_per_second:,.0f} bytes and",
        f"and {RelayLimits().datagrams_per_second:.0f} datagrams in a second on average",
        f"nothing has arrived from its host for {RelayLimits().lifetime:.0f} s",
    ],
)
def test_the_page_has_the_figures_of_the_code(sentence: str) -> None:
    assert sentence in TEXT


def test_the_proof_of_an_access_key_is_made_as_the_page_says() -> None:
    opening = next(OpenRoom.decode(data) for data in reversed(evening()) if data[0] == relay_datagrams.OPEN_ROOM)
    context = opening.request.cookie + opening.request.nonce + opening.secret
    assert opening.access == blake2b(context, key=b"pong", digest_size=16).digest()
