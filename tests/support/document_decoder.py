"""Decodes datagrams by docs/protocol.md alone: its tables give the place of every field, and this module reads them.

Nothing of pygase is imported here. The rules that the page gives in words (wrap-around, joining of fragments, applying
a delta) are written a second time, from the page: an independent reader of the protocol.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgpack

from tests.support.document_packed import unpacked

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "protocol.md"

TO_SERVER, TO_CLIENT = "from client to server", "from server to client"

_HEADING = re.compile(
    r"^### (Datagram 0x(?P<datagram>\w\w)|Message (?P<message>\d+|frame)|Body of 0x(?P<body>\w\w))"
    r".*?(, (?P<way>from .*))?$"
)
_EXAMPLE_LINE = re.compile(r"^(?P<hex>(?:[0-9a-f]{2} ?)+)(?:× (?P<times>\d+) ?)?(?: +(?P<name>\w+) = (?P<value>.*))?$")


class Undecodable(AssertionError):
    """A datagram does not follow the page."""


class Row(NamedTuple):
    """A field in a table of the page; `offset` is None behind a field of variable size."""

    offset: int | None
    size: str
    name: str
    type: str


class Field(NamedTuple):
    """A decoded field: its bytes and their meaning."""

    name: str
    raw: bytes
    value: Any


class _ToDelete:
    def __repr__(self) -> str:
        return "TO_DELETE"


TO_DELETE = _ToDelete()


def check(condition: object, what: str) -> None:
    """Raise Undecodable unless `condition` holds."""
    if not condition:
        raise Undecodable(what)


# -- reading the page ------------------------------------------------------------------------------------------------


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]


def _tables(page: str) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield each table of the page: the heading above it, its column names, its rows."""
    heading, lines = "", [*page.splitlines(), ""]
    table: list[list[str]] = []
    for line in lines:
        if line.startswith("|"):
            table.append(_cells(line))
        elif table:
            yield heading, table[0], table[2:]
            table = []
        if line.startswith("#"):
            heading = line


def _row(cells: list[str]) -> Row:
    offset, size, name, kind = cells[:4]
    return Row(None if offset == "next" else int(offset), size, name, kind)


class Document:
    """The page, read by its tables.

    :ivar datagrams: the rows of each kind of datagram by (kind, direction); the direction is "" where there is one.
    :ivar bodies: the rows of the bodies of handshake datagrams, by the kind of datagram.
    :ivar messages: the rows of each kind of message; `frame`: those of the frame around it.
    :ivar limits, reasons: the tables of limits (number by name) and of reasons (name by number).
    :ivar datagram_kinds, message_kinds, relay_kinds: names by kind, as the tables of kinds have them.
    :ivar relay_reasons: the table of a relay's reasons.
    """

    def __init__(self, page: str) -> None:
        self.page = page
        self.datagrams: dict[tuple[int, str], list[Row]] = {}
        self.bodies: dict[int, list[Row]] = {}
        self.messages: dict[int, list[Row]] = {}
        self.frame: list[Row] = []
        self.limits: dict[str, float] = {}
        self.reasons: dict[int, str] = {}
        self.datagram_kinds: dict[int, str] = {}
        self.message_kinds: dict[int, str] = {}
        self.relay_kinds: dict[int, str] = {}
        self.relay_reasons: dict[int, str] = {}
        for heading, columns, rows in _tables(page):
            self._take(heading, columns, rows)

    def _take(self, heading: str, columns: list[str], rows: list[list[str]]) -> None:
        if columns[:4] == ["offset", "size", "field", "type"]:
            self._take_layout(heading, [_row(cells) for cells in rows])
        elif heading == "### Limits":
            self.limits = {name: float(value.split()[0]) for name, value, _ in rows}
        elif heading == "### Reasons":
            self.reasons = {int(value): name for value, name, _ in rows}
        elif heading == "### Reasons of a relay":
            self.relay_reasons = {int(value): name for value, name, _ in rows}
        elif columns[0] == "kind":
            kinds = {"## Datagrams": self.datagram_kinds, "## Relays": self.relay_kinds}.get(
                heading, self.message_kinds
            )
            kinds.update((int(kind, 0), name) for kind, name, *_ in rows)

    def _take_layout(self, heading: str, rows: list[Row]) -> None:
        found = _HEADING.match(heading)
        check(found, f"table under the heading {heading!r}")
        assert found is not None
        if found["datagram"]:
            self.datagrams[int(found["datagram"], 16), found["way"] or ""] = rows
        elif found["body"]:
            self.bodies[int(found["body"], 16)] = rows
        elif found["message"] == "frame":
            self.frame = rows
        else:
            self.messages[int(found["message"])] = rows

    # -- decoding ------------------------------------------------------------------------------------------------------

    def decode(self, data: bytes, way: str) -> list[Field]:
        """Return all fields of a datagram; for a packet also those of its messages, one after the other."""
        check(data, "empty datagram")
        rows = self.datagrams.get((data[0], "")) or self.datagrams.get((data[0], way))
        check(rows, f"datagram of unknown kind {data[0]}")
        assert rows is not None
        fields = fields_of(rows, data)
        if fields[-1].name == "messages":
            fields[-1:] = [part for message in self.split_messages(fields[-1].raw, way) for part in message]
        elif fields[-1].name == "body":
            fields[-1:] = fields_of(self.bodies[data[0]], fields[-1].raw)
        return fields

    def split_messages(self, data: bytes, way: str) -> list[list[Field]]:
        """Return the fields of each message in `data`: those of its frame without the body, then those of the body."""
        found = []
        while data:
            is_last = data[0] >= 128  # "Message frame": without a length
            header = fields_of(self.frame[:1], data[:1]) if is_last else fields_of(self.frame[:-1], data[:3])
            kind, size = header[0].value % 128, sum(len(each.raw) for each in header)
            length = len(data) - size if is_last else header[1].value
            body = data[size : size + length]
            check(len(body) == length, "message reaches beyond its packet")
            check(length <= self.limits["MAX_BODY_BYTES"], f"body of {length} bytes")
            check(kind in self.messages, f"message of unknown kind {kind}")
            found.append([header[0]._replace(value=kind), *header[1:], *self.body_fields(kind, body, way)])
            data = data[size + length :]
        return found

    def body_fields(self, kind: int, body: bytes, way: str) -> list[Field]:
        """Return the fields of a message's body; a state's payload as its delta, or as :class:`Packed`."""
        fields = fields_of(_rows_for(way, self.messages[kind]), body)
        if fields[-1].name == "payload":
            fields[-1] = fields[-1]._replace(
                value=delta_of(fields[-1].raw, named(fields)["flags"] & (15 if kind == 12 else 255))
            )
        elif fields[-1].name == "inputs":
            fields[-1] = fields[-1]._replace(value=inputs_of(fields[-1].raw, named(fields)["count"]))
        return fields


def _rows_for(way: str, rows: list[Row]) -> list[Row]:
    """Return the rows of one direction: rows with ↓ occur in the server's datagrams only."""
    return [row._replace(size=row.size.rstrip(" ↓")) for row in rows if way == TO_CLIENT or "↓" not in row.size]


def fields_of(rows: list[Row], data: bytes) -> list[Field]:
    """Cut `data` into fields; all of it, and not a byte more."""
    fields: list[Field] = []
    at = 0
    for row in rows:
        check(row.offset is None or row.offset == at, f"{row.name} is said to be at {row.offset}, but is at {at}")
        size = _size(row, data, at, fields)
        raw = data[at : at + size]
        check(len(raw) == size, f"{row.name} of {size} bytes at {at} reaches beyond the end at {len(data)}")
        fields.append(Field(row.name, raw, _VALUES[row.type](raw)))
        at += size
    check(at == len(data), f"{len(data) - at} bytes are in no table")
    return fields


def _size(row: Row, data: bytes, at: int, before: list[Field]) -> int:
    if row.size == "1 + n":
        check(at < len(data), f"{row.name} is missing")
        return 1 + data[at]
    told = [each.value for each in before if each.name == row.size]
    return int(told[0]) if told else len(data) - at if row.size == "rest" else int(row.size)


def _zeros(raw: bytes) -> int:
    check(not any(raw), "padding that is not zero")
    return len(raw)


def _extension(code: int, data: bytes) -> Any:
    check(code == 1 and not data, f"extension type {code}")
    return TO_DELETE


def _msgpack(raw: bytes) -> Any:
    return msgpack.unpackb(raw, strict_map_key=False, ext_hook=_extension)


_VALUES: dict[str, Callable[[bytes], Any]] = {
    "uint": lambda raw: int.from_bytes(raw, "big"),
    "int": lambda raw: int.from_bytes(raw, "big", signed=True),
    "bytes": bytes,
    "text": lambda raw: raw[1:].decode(),
    "sized": lambda raw: raw[1:],
    "body": bytes,
    "msgpack": _msgpack,
    "zeros": _zeros,
    "messages": bytes,
}


class Packed(NamedTuple):
    """The payload of a state that is a packed delta."""

    data: bytes

    def __repr__(self) -> str:
        return f"packed delta of {len(self.data)} bytes"


def delta_of(payload: bytes, flags: int) -> Any:
    """Return the delta in a state's payload; a packed one as it is, since it speaks of its baseline."""
    check(flags in (0, 1, 2, 3, 4, 6), f"flags {flags:#x}")
    if flags & 4:
        return Packed(payload)
    return _msgpack(zlib.decompress(payload) if flags & 1 else payload)


def inputs_of(data: bytes, count: int) -> list[tuple[Any, int | None]]:
    """Return (input, view time) of each input in a message, newest first: "Message 9" on the page."""
    with_view_times, count = count >= 128, count % 128
    check(1 <= count <= 64, f"{count} inputs")
    view_time, at = int.from_bytes(data[:4], "big") if with_view_times else 0, 4 * with_view_times
    found: list[tuple[Any, int | None]] = []
    distance, raw = 0, b""
    for _ in range(count):
        check(at + 1 + with_view_times <= len(data), "inputs are cut off")
        size, at = data[at], at + 1
        seen_at = None
        if with_view_times:
            less, at = int.from_bytes(data[at : at + 1], "big", signed=True), at + 1
            whole = int.from_bytes(data[at : at + 2], "big", signed=True)
            at += 2 * (less == -128)
            if less != -128 or whole != -32768:
                distance = whole if less == -128 else distance + less
                seen_at = view_time = (view_time - distance) % 2**32
        check(size < 254 or found, "an input like the one before, and there is none")
        if size == 254:
            marks = -(-len(raw) // 8)
            mask = "".join(f"{byte:08b}" for byte in data[at : at + marks])
            check("1" not in mask[len(raw) :], "a mask of bytes that are not there")
            differing = [index for index, bit in enumerate(mask) if bit == "1"]
            at += marks
            changes = dict(zip(differing, data[at : at + len(differing)], strict=True))
            raw, at = bytes(changes.get(index, byte) for index, byte in enumerate(raw)), at + len(differing)
        elif size < 254:
            check(at + size <= len(data), "an input is cut off")
            raw, at = data[at : at + size], at + size
        found.append((_msgpack(raw), seen_at))
    check(at == len(data), f"{len(data) - at} bytes behind the last input")
    return found


def named(fields: list[Field]) -> dict[str, Any]:
    """Return the values of fields by their names."""
    return {each.name: each.value for each in fields}


def nearest(wire: int, expected: int, bits: int) -> int:
    """Return the full number that ends in `wire`: "Wrap-around" on the page."""
    half = 1 << (bits - 1)
    full = expected + ((wire - expected + half) % (2 * half)) - half
    return full if full >= 0 else full + 2 * half


def applied(state: Any, delta: dict[Any, Any]) -> dict[Any, Any]:
    """Return the state that a delta leads to: "Deltas" on the page."""
    result = dict(state) if isinstance(state, dict) else {}
    for key, value in delta.items():
        if value is TO_DELETE:
            result.pop(key, None)
        else:
            result[key] = applied(result.get(key), value) if isinstance(value, dict) else value
    return result


# -- a session -------------------------------------------------------------------------------------------------------


@dataclass
class Direction:
    """One direction of a connection, as an onlooker sees it.

    :ivar sent_at: time of sending of each packet, by its full number. `acked`: the acknowledged packets.
    :ivar left_out: the skipped numbers. `telling`: packets with inputs that named the last skipped number.
    :ivar events: (kind of message, event) in the order of their first sending.
    :ivar round_trips: the sender's possible measurements, by the rule of the page.
    """

    sent_at: dict[int, float] = field(default_factory=dict)
    acked: set[int] = field(default_factory=set)
    left_out: list[int] = field(default_factory=list)
    telling: set[int] = field(default_factory=set)
    events: list[tuple[int, Any]] = field(default_factory=list)
    numbers: dict[int, set[int]] = field(default_factory=lambda: {2: set(), 3: set()})
    groups: dict[tuple[int, int], dict[int, bytes]] = field(default_factory=dict)
    whole_groups: set[tuple[int, int]] = field(default_factory=set)
    round_trips: list[float] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)
    closed: dict[str, Any] | None = None


class Opener(Protocol):
    def opened(self, data: bytes, way: str, client: Any) -> bytes:
        """Return a datagram as it would be without encryption."""


class Onlooker:
    """Reads every datagram between one server and its clients as it is sent, and decodes it by the page.

    :param latency: seconds of every datagram's way, if known; used for round trips only.
    :param secrets: opens encrypted datagrams.
    :ivar seen: number of datagrams and messages of each kind, and of each way to send a state.
    :ivar states: the states sent to each client, by tick.
    :ivar inputs: (input, view time) by number, of each client.
    :ivar told: the feedback to each client on its inputs: (tick, applied, margin in ticks) in the order of the packets.
    :ivar places: the addresses of each connection, by its token, at which its client has proved to be.
    :ivar refusals, acceptances, challenges, responses: the fields of these datagrams, by the client's address.
    :ivar goodbyes: the different GOODBYE datagrams.
    """

    def __init__(self, document: Document, server: Any, latency: float = 0.0, secrets: Opener | None = None) -> None:
        self.document = document
        self.secrets = secrets
        self.seen: Counter[str] = Counter()
        self.states: dict[Any, dict[int, dict[Any, Any]]] = {}
        self.refusals: dict[Any, dict[str, Any]] = {}
        self.acceptances: dict[Any, dict[str, Any]] = {}
        self.responses: dict[Any, dict[str, Any]] = {}
        self.challenges: dict[Any, dict[str, Any]] = {}
        self.goodbyes: list[dict[str, Any]] = []
        self.directions: dict[tuple[Any, str], Direction] = {}
        self.reported: dict[Any, set[int]] = {}
        self.inputs: dict[Any, dict[int, tuple[Any, int | None]]] = {}
        self.told: dict[Any, list[tuple[int, int, float]]] = {}
        self.bytes: Counter[tuple[Any, str]] = Counter()
        self.places: dict[bytes, set[Any]] = {}
        self._server = server
        self._latency = latency
        self._times: dict[Any, int] = {}

    def observe(self, data: bytes, sender: Any, receiver: Any, now: float) -> None:
        """Take a datagram that is being sent."""
        way, client = (TO_SERVER, sender) if receiver == self._server else (TO_CLIENT, receiver)
        if data[0] in (6, 7, 0x87, 8, 9, 10):
            client = self._home(data, way, client)
        check(len(data) <= self.document.limits["MAX_DATAGRAM_BYTES"], f"datagram of {len(data)} bytes, {way}")
        self.seen[self.document.datagram_kinds[data[0]]] += 1
        self.bytes[client, way] += len(data)
        if self.secrets is not None:
            data = self.secrets.opened(data, way, client)
        fields = self.document.decode(data, way)
        check(b"".join(each.raw for each in fields) == data, "fields leave bytes out")
        if data[0] == 6:
            self._packet(data, way, client, now)
        else:
            self._handshake(data[0], named(fields), way, client)

    def _home(self, data: bytes, way: str, address: Any) -> Any:
        """Return the first address of the connection of a datagram. The server sends to those that have answered."""
        token = data[1:9]
        home = next((known for known, each in self.acceptances.items() if each["token"] == token), address)
        places = self.places.setdefault(token, {home})
        if data[0] == 9:
            places.add(address)
        check(
            data[0] not in (6, 7, 0x87) or way == TO_SERVER or address in places,
            f"datagram {data[0]} to an unproved address",
        )
        return home

    def _handshake(self, kind: int, values: dict[str, Any], way: str, client: Any) -> None:
        check((way == TO_SERVER) == (kind in (1, 3, 9, 11)), f"handshake datagram {kind} {way}")
        if client not in self.responses:  # it has not shown yet that it can receive
            check(self.bytes[client, TO_CLIENT] <= self.bytes[client, TO_SERVER], "amplification")
        if kind == 2:
            self.challenges[client] = values
        elif kind == 3:
            self.responses[client] = values
        elif kind == 4:
            if values["token"] != self.acceptances.get(client, values)["token"]:
                self._forget(client)
            self.acceptances[client] = values
        elif kind == 5:
            self.refusals[client] = values
        elif kind == 11 and values not in self.goodbyes:
            self.goodbyes.append(values)

    def _forget(self, client: Any) -> None:
        """A new connection from an address that had another one."""
        for way in (TO_SERVER, TO_CLIENT):
            self.directions.pop((client, way), None)
        for known in (self.states, self.reported, self.inputs, self.told, self._times):
            known.pop(client, None)

    # -- packets -------------------------------------------------------------------------------------------------------

    def direction(self, client: Any, way: str) -> Direction:
        """Return the knowledge about one direction of a connection."""
        return self.directions.setdefault((client, way), Direction())

    def _packet(self, data: bytes, way: str, client: Any, now: float) -> None:
        header = named(fields_of(self.document.datagrams[6, way], data))
        check(header["token"] == self.acceptances[client]["token"], "token of another connection")
        ours = self.direction(client, way)
        number = nearest(header["sequence"], max(ours.sent_at, default=0), 16)
        check(len(header["messages"]) <= self.document.limits["MAX_MESSAGE_ROOM"], "no room for a tag")
        messages = self.document.split_messages(header["messages"], way)
        if number in ours.sent_at:
            check([m[0].value for m in messages] == [6], f"packet {number} is sent anew and is no CLOSE")
            return
        self._in_line(ours, number)
        ours.silences.append(now - max(ours.sent_at.values(), default=now))
        ours.sent_at[number] = now
        self._acknowledgement(header, way, client, now)
        if "reported_tick" in header:
            self._report(header["reported_tick"], client)
        self.seen["empty packet" if not messages else "packet with messages"] += 1
        if way == TO_SERVER:
            self._skipped(ours, number, [(message[0].value, named(message)) for message in messages])
        for message in messages:
            body = [part for part in message[1:] if part.name != "length"]
            self._message(message[0].value, named(body), b"".join(part.raw for part in body), way, client)

    def _in_line(self, ours: Direction, number: int) -> None:
        """The number is the next one, or the one after it, if it is time to leave out a number."""
        following = max(ours.sent_at, default=-1) + 1
        if number == following + 1:
            check(
                following - max(ours.left_out, default=0) >= self.document.limits["MIN_SKIP_DISTANCE"],
                f"{following} is left out, and {ours.left_out[-1:]} before",
            )
            ours.left_out.append(following)
            ours.telling.clear()
            self.seen["number left out"] += 1
        else:
            check(number == following, f"packet {number} is out of line")

    def _skipped(self, ours: Direction, number: int, messages: list[tuple[int, dict[str, Any]]]) -> None:
        """A client's packet names the last skipped number if the page requires it, and no other."""
        kinds = [kind for kind, _ in messages]
        if 11 in kinds:
            at = kinds.index(11)
            check(kinds[at + 1 :][:1] == [9], "SKIPPED does not stand before INPUTS")
            told = nearest(messages[at][1]["skipped"], max(ours.sent_at), 16)
            check(told == ours.left_out[-1], f"{told} is told of, and {ours.left_out} were left out")
            ours.telling.add(number)
        elif 9 in kinds and ours.left_out:
            check(
                bool(ours.telling & ours.acked), f"packet {number} has inputs and does not tell of {ours.left_out[-1]}"
            )

    def _acknowledgement(self, header: dict[str, Any], way: str, client: Any, now: float) -> None:
        theirs = self.direction(client, TO_CLIENT if way == TO_SERVER else TO_SERVER)
        if (header["ack"], header["ack_bits"], header["ack_delay"]) == (65535, 0, 65535):
            return  # nothing received yet
        newest = nearest(header["ack"], max(theirs.sent_at, default=0), 16)
        if newest not in theirs.acked and header["ack_delay"] != 65535:
            arrives_at = now + self._latency
            theirs.round_trips.append(arrives_at - theirs.sent_at[newest] - header["ack_delay"] * 1e-4)
        self._acknowledge(theirs, newest, header["ack_bits"])

    def _acknowledge(self, theirs: Direction, newest: int, bits: int) -> None:
        named_packets = {newest, *(newest - 1 - i for i in range(bits.bit_length()) if bits >> i & 1)}
        check(named_packets <= theirs.sent_at.keys(), "a packet is acknowledged that was never sent")
        theirs.acked |= named_packets

    def _report(self, wire_tick: int, client: Any) -> None:
        known = self.states.get(client, {})
        tick = nearest(wire_tick, max(known, default=0), 32) if wire_tick else 0
        check(tick == 0 or tick in known, f"tick {tick} is reported, which was never sent")
        self.reported.setdefault(client, {0}).add(tick)

    # -- messages ------------------------------------------------------------------------------------------------------

    def _message(self, kind: int, values: dict[str, Any], body: bytes, way: str, client: Any) -> None:
        self.seen[self.document.message_kinds[kind]] += 1
        ours = self.direction(client, way)
        check(ours.closed is None, "a message after CLOSE")
        if kind in (1, 2, 3):
            check(("after" in values) == (way == TO_CLIENT), "a client's event with `after`, or a server's without")
            self._event(ours, kind, values)
        elif kind == 5:
            self._fragment(ours, values, way, client)
        elif kind == 6:
            ours.closed = values
        elif kind == 8:
            theirs = self.direction(client, TO_CLIENT if way == TO_SERVER else TO_SERVER)
            self._acknowledge(theirs, nearest(values["newest"], max(theirs.sent_at), 16), values["bits"])
        elif kind == 9:
            check(way == TO_SERVER, "a server sends inputs")
            self._inputs(client, values)
        elif kind == 11:
            check(way == TO_SERVER, "a server tells of a number that it left out")
        elif kind == 10:
            check(way == TO_CLIENT, "a client tells of inputs")
            newest = max(self.inputs.get(client, {0: None}))
            applied = nearest(values["applied"], newest, 32)
            tick = nearest(values["tick"], max(self.states.get(client, {}), default=0), 32)
            self.told.setdefault(client, []).append((tick, applied, values["margin"] / 4))
        else:
            check(way == TO_CLIENT, "a client sends a state")
            self._state(client, values)

    def _inputs(self, client: Any, values: dict[str, Any]) -> None:
        known = self.inputs.setdefault(client, {})
        newest = nearest(values["newest"], max(known, default=0), 32)
        check(newest >= len(values["inputs"]), "input 0")
        self.seen["inputs with view times" if values["count"] >= 128 else "inputs without view times"] += 1
        for back, (value, view_time) in enumerate(values["inputs"]):
            self.seen["input sent anew"] += newest - back in known
            before, seen_at = known.get(newest - back, (value, view_time))
            check(repr(before) == repr(value), f"input {newest - back} has changed")
            check(None in (seen_at, view_time) or seen_at == view_time, f"the view time of {newest - back} has changed")
            known[newest - back] = value, view_time if seen_at is None else seen_at

    def _event(self, ours: Direction, kind: int, values: dict[str, Any]) -> None:
        check(isinstance(values["event"], list) and 1 <= len(values["event"]) <= 3, "no event")
        check("TO_DELETE" not in repr(values["event"]), "a marker in an event")
        if kind != 1:
            known = ours.numbers[kind]
            number = nearest(values["number"], max(known, default=0), 16)
            if number in known:
                self.seen["sent anew"] += 1
                return
            check(number >= 1, "event 0")
            known.add(number)
        ours.events.append((kind, values["event"]))

    def _fragment(self, ours: Direction, values: dict[str, Any], way: str, client: Any) -> None:
        size, full = len(values["part"]), self.document.limits["FRAGMENT_BYTES"]
        last = values["index"] == values["count"] - 1
        check(values["index"] < values["count"] >= 2, "fragment outside its message")
        check(0 < size <= full if last else size == full, f"fragment of {size} bytes")
        key = values["whole"], values["group"]
        parts = ours.groups.setdefault(key, {})
        self.seen["sent anew"] += values["index"] in parts
        if key in ours.whole_groups:
            return
        parts[values["index"]] = values["part"]
        if len(parts) == values["count"]:
            ours.whole_groups.add(key)
            body = b"".join(parts[i] for i in range(len(parts)))
            self.seen[f"{self.document.message_kinds[key[0]]} in fragments"] += 1
            self._message(key[0], named(self.document.body_fields(key[0], body, way)), body, way, client)

    def _state(self, client: Any, values: dict[str, Any]) -> None:
        states = self.states.setdefault(client, {})
        newest, back = max(states, default=0), values["baseline_back"]
        if "baseline" in values:  # a DELTA
            tick = nearest(values["baseline"], newest, 16) + back
            check(back and values["flags"] >> 4, "a DELTA without a baseline, or a previous state")
        else:
            tick = nearest(values["tick"], newest, 32)
            self._times[client] = nearest(values["time"], self._times.get(client, 0), 32)
        if back:
            check(tick - back in self.reported[client], "the baseline was never reported")
        check(back or "TO_DELETE" not in repr(values["payload"]), "a marker in a full state")
        self.seen["delta" if back else "full state"] += 1
        self.seen["compressed state"] += values["flags"] & 1
        delta, baseline = values["payload"], states[tick - back] if back else {}
        if isinstance(delta, Packed):
            self.seen["packed delta"] += 1
            states[tick] = unpacked(baseline, delta.data, self.acceptances[client].get("precision"))
        else:
            states[tick] = applied(baseline, delta)


# -- the example -----------------------------------------------------------------------------------------------------


def shown(each: Field) -> str:
    """Return a field's value as the example shows it."""
    if each.value == b"":
        return "empty"
    return each.value.hex() if isinstance(each.value, bytes) else repr(each.value)


def rendered(fields: list[Field]) -> str:
    """Return a datagram as the example shows it: bytes on the left, their meaning on the right."""
    lines = []
    for each in fields:
        if len(each.raw) > 64 and not any(each.raw):
            lines.append(f"00 × {len(each.raw)}".ljust(50) + f"{each.name} = {shown(each)}")
            continue
        pieces = [each.raw[i : i + 16].hex(" ") for i in range(0, len(each.raw), 16)]
        lines.append(f"{pieces[0]:50}{each.name} = {shown(each)}")
        lines += pieces[1:]
    return "\n".join(lines) + "\n"


class Shown(NamedTuple):
    """A datagram of the example: which way it goes, its bytes, and (name, bytes, value as text) of its fields."""

    way: str
    data: bytes
    fields: list[tuple[str, bytes, str]]


def example(page: str) -> list[Shown]:
    """Return the datagrams of the page's example."""
    blocks = re.findall(r"^\*\*\w+\*\*, (from \w+ to \w+).*\n+```hex\n([^`]*)^```", page, re.MULTILINE)
    return [Shown(way, *_parsed(block)) for way, block in blocks]


def _parsed(block: str) -> tuple[bytes, list[tuple[str, bytes, str]]]:
    fields: list[tuple[str, bytes, str]] = []
    for line in block.splitlines():
        found = _EXAMPLE_LINE.match(line)
        check(found, f"line of the example: {line!r}")
        assert found is not None
        raw = bytes.fromhex(found["hex"]) * int(found["times"] or 1)
        if found["name"]:
            fields.append((found["name"], raw, found["value"]))
        else:
            name, before, value = fields[-1]
            fields[-1] = name, before + raw, value
    return b"".join(raw for _, raw, _ in fields), fields
