"""Records the samples of the corpus: datagrams of whole sessions, and files that a server writes."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pygase import Backend, Client, ClientConfig, GameState
from pygase._client.seat_file import SeatFile
from pygase._lan.protocol import Answer, Query, encode_info
from pygase._protocol.crypto import keyed_hash
from pygase._protocol.datagrams import Goodbye, NotHere, PathChallenge, PathResponse
from pygase._protocol.identity import SECRETS_BYTES, ServerIdentity
from pygase._protocol.packing import Packing, head_of
from pygase._protocol.resumption import Seat
from pygase._protocol.saved_peers import SavedPeer
from pygase._protocol.wire import ACKS_HEADER, CHALLENGE, CHALLENGE_RESPONSE, SNAPSHOT_HEADER
from pygase._relay.relay_datagrams import (
    ALIVE,
    MET,
    RELAYED,
    JoinRoom,
    LeaveRoom,
    OpenRoom,
    RelayCookie,
    RelayRefused,
    RelayRequest,
    RoomJoined,
    RoomOpened,
    RoomPeer,
    of_channel,
)
from pygase._server.checkpoint import Checkpoint, ClientRecord, encode
from pygase._state.codec import pack
from pygase._state.delta import diff
from pygase._state.event_codec import encode_event, encode_input
from pygase._state.packed_layout import Orders
from pygase._state.packed_writer import pack_delta
from pygase.invites import Invite
from pygase.testing import SimulatedNetwork
from tests.support.fuzzing.corpus import Corpus
from tests.support.fuzzing.decoders import BASE, BASE_TICK, FILE_HEADER, HASH_BYTES, NEAR, SEAT_OF, checkpoint_file
from tests.support.sessions import Session, parameters

SEEDS: Final = (3, 4, 11)
SECONDS: Final = 12.0
GAME: Final = "pong"


def recorded() -> list[bytes]:
    """Return all datagrams of some sessions, and of refused clients. Of encrypted sessions it is the handshake, as far
    as it can be read."""
    found = _refusals()
    for seed in SEEDS:
        found += _datagrams_of(seed, "off")
        found += [data for data in _datagrams_of(seed, "auto") if data[0] in (CHALLENGE, CHALLENGE_RESPONSE)]
    return found


def _datagrams_of(seed: int, encryption: str) -> list[bytes]:
    found: list[bytes] = []
    session = Session(replace(parameters(seed, SECONDS), encryption=encryption))
    session.network.on_datagram = lambda data, sender, receiver: found.append(data)
    session.network.run(SECONDS)
    return found


def _refusals() -> list[bytes]:
    found: list[bytes] = []
    for game, password in (("chess", None), (GAME, "wrong"), (GAME, None)):
        network = SimulatedNetwork(1)
        network.on_datagram = lambda data, sender, receiver: found.append(data)
        network.serve(Backend(GameState(), lambda game_state, dt: {}, game=GAME, password="sesame"))
        network.connect(Client(game=game, password=password, config=ClientConfig(encryption="off")))
        network.run(1.0)
    return found


def made() -> Corpus:
    """Return the samples for the decoders whose bytes no session has, or not the needed ones."""
    rng = random.Random(12)
    body = _checkpoint_body(rng)
    eight, sixteen = rng.randbytes(8), rng.randbytes(16)
    return {
        "path challenge": [PathChallenge(eight, 600, eight).encode()],
        "path response": [PathResponse(eight, 600, eight).encode()],
        "not here": [NotHere(eight, sixteen[:14]).encode()],
        "goodbye": [Goodbye(7, sixteen).encode()],
        "acks": [ACKS_HEADER.pack(40) + bytes(28) + b"\xff" * 4],
        "open room": [OpenRoom(RelayRequest(1, eight, 600, sixteen), sixteen, sixteen, sixteen).encode()],
        "join room": [JoinRoom(RelayRequest(1, eight, 600, sixteen), "K7QX3F", sixteen).encode()],
        "relay cookie": [RelayCookie(eight, 600, sixteen).encode()],
        "room opened": [RoomOpened(eight, "K7QX3F", 60, bytes(6)).encode()],
        "room joined": [RoomJoined(eight, eight[:4], sixteen, bytes(6), bytes(18), bytes(19)).encode()],
        "room peer": [RoomPeer(eight[:4], sixteen, bytes(18), bytes(7)).encode()],
        "leave room": [LeaveRoom(eight[:4], sixteen).encode()],
        "relay refused": [RelayRefused(eight, 4, 60).encode()],
        "relayed": [of_channel(RELAYED, eight[:4]) + sixteen, of_channel(ALIVE, eight[:4]), of_channel(MET, eight[:4])],
        "room code": [b"K7QX-3F", b" k7qx 3f"],
        "query": [Query(bytes(8), name).encode() for name in ("", GAME)],
        "answer": [_answer(bytes(8), name).encode() for name in ("", "Ann's game")],
        "snapshot": _snapshots(),
        "delta": _deltas(),
        "packed": [pack_delta(BASE, tree, diff(BASE, tree), NEAR.root, Orders()) for tree in _later_states()],
        "state": [pack(BASE), pack({"a": [1, 2.5, None, True, b"x", "y" * 40], 7: {"b": {}}})],
        "event": [
            encode_event("mail", (), {}, 1_000),
            encode_event("mail", (1, "two", [3.0]), {"four": {"a": b"5"}}, 1_000),
            encode_event("a" * 40, (None, {1: True}), {}, 1_000),
        ],
        "input": [encode_input(value, 200) for value in (None, [1, -1], {"keys": [1, 2], "at": 0.5})],
        "checkpoint": [body],
        "checkpoint file": [checkpoint_file(body)],
        "seat file": [_seat(rng)],
        "identity file": [ServerIdentity(rng.randbytes(SECRETS_BYTES)).to_file()],
        "invite": [str(Invite(host, 8080, rng.randbytes(32), sixteen)).encode() for host in ("192.0.2.7", "::1")],
    }


def _answer(nonce: bytes, name: str) -> Answer:
    return Answer(nonce, nonce[::-1], 2, False, 8080, 1, 4, GAME, name, encode_info({"map": "castle"}))


def _snapshots() -> list[bytes]:
    """Return a state and deltas against BASE."""
    delta = {"players": {1: {"x": 3.5}}, "score": [1, 0]}
    heads = [(0, 0, BASE), (1, 1, delta), (2, 2, {}), (9, 9, {"new": {"a": {"b": None}}}), (300, 300, delta)]
    return [
        SNAPSHOT_HEADER.pack(0, BASE_TICK + after, back, min(after, 1), 1_000 + after, 200) + pack(tree)
        for after, back, tree in heads
    ]


def _later_states() -> list[dict[Any, Any]]:
    """Return states that follow BASE: with numbers, items, and keys that have changed, come or gone."""
    players = BASE["players"]
    return [
        {**BASE, "players": {**players, 1: {"x": 3.5, "y": 2.25}}, "score": [0, 12]},
        {**BASE, "players": {1: players[1], 3: {"x": 0.0, "name": "Cy"}}, "n": [1, "two", {"three": 3.0}]},
        {"players": {**players, 2: {"x": 1.5, "name": "Bob"}}, "score": [1]},
    ]


def _deltas() -> list[bytes]:
    """Return DELTA messages against BASE."""
    packing = Packing(1_000_000)
    found = []
    for after, tree in enumerate(_later_states(), 1):
        encoded = packing.delta(BASE, tree, diff(BASE, tree))
        assert encoded is not None
        head = head_of(encoded[0], BASE_TICK + after, after, after, 0.1 * after, 0.02)
        found.append(head.encode_short() + encoded[1])
    return found


def _seat(rng: random.Random) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "seat")
        SeatFile(path, SEAT_OF, GAME).save(Seat(7, rng.randbytes(16), 30.0, False, rng.randbytes(32)))
        return path.read_bytes()


def _checkpoint_body(rng: random.Random) -> bytes:
    secret = keyed_hash(b"", rng.randbytes(16), 16)
    ann = SavedPeer(1, ("192.0.2.7", 50_000), {"name": "Ann"}, True, True, (secret,), 3, 5, (pack(["news", [1]]),))
    bo = SavedPeer(2, ("::1", 50_000, 0, 0), {}, False, False, (secret, secret))
    clients = (ClientRecord(ann, unhandled=(pack(["mail", [4]]),)), ClientRecord(bo, is_lost=True))
    bans = 3, "192.0.2.9", "198.51.100.0/24"
    keys = rng.randbytes(32), rng.randbytes(48)
    whole = Checkpoint(GAME, 900, 18.0, 18.0, 1.9e9, 0.02, 64, *keys, bans, BASE, clients)
    return encode(whole)[FILE_HEADER.size : -HASH_BYTES]
