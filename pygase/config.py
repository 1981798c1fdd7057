"""Every tunable of the netcode, with its unit, its default and the reason for it.

All are frozen: make another with ``dataclasses.replace(config, timeout=10.0)``, or ``ServerConfig(timeout=10.0)``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

DISCOVERY_PORT: Final = 19733
"""UDP port on which games are asked for, whatever their own is. Below those that systems give out at random."""


@dataclass(frozen=True)
class ConnectionConfig:
    """What both ends of a connection can tune. Durations are seconds, sizes bytes."""

    timeout: float = 5.0
    """Silence after which the peer counts as lost. Bad Wi-Fi is often deaf for 1-2 s, rarely for 5."""
    slow_handler: float = 0.1
    """Seconds that a handler or callback may take on the network's thread before the log says so. Nothing is received
    or sent meanwhile, and a tenth of a second is a pause that players see."""
    heartbeat_interval: float = 1.0
    """Longest silence of our own. A fifth of ``timeout``: four in a row may be lost before anybody is given up."""
    ack_delay: float = 0.025
    """How long an acknowledgement may wait for a packet to ride on. Longer than a 50 Hz tick, so that a
    client which sends every tick never sends a packet for the acknowledgement alone."""
    bytes_per_second: int = 2_000_000
    """Sending budget of a connection (token bucket). A full state of 4 MiB takes about two seconds."""
    burst_bytes: int = 64_000
    """How much of the budget may be saved up; also what a bulk transfer may have in flight at once. A quarter
    of the smallest default receive buffer of today's systems (Linux: 212,992)."""
    max_message_bytes: int = 256 * 1024
    """Largest event, serialised. More is an error at the sender, and is dropped by the receiver."""
    max_event_values: int = 20_000
    """Most values in an event: numbers, texts, keys, lists, dicts, all that it consists of. What a value takes on the
    wire says nothing of its cost (an empty dict: one byte). So many are decoded in about two milliseconds, whatever
    they are. A level of 128 x 128 tiles fits; a larger one is a single value as ``bytes``. More is an error at the
    sender, and is dropped by the receiver."""
    max_state_bytes: int = 4 * 1024 * 1024
    """Largest game state, serialised and uncompressed."""
    max_state_values: int = 1_000_000
    """Most values in a game state: numbers, texts, keys, lists, dicts, all that it consists of; also how many a client
    keeps of its own in past states. A value takes 35 to 120 bytes of memory, whatever it takes on the wire. More is
    refused by the server's store, and ends a client's connection."""
    min_rto: float = 0.05
    """Shortest time after which something unacknowledged is resent; twice ``ack_delay``, since the peer may
    hold an acknowledgement for that long."""
    fragment_timeout: float = 2.0
    """Seconds after which an unreliable message of several fragments is given up if no new one has arrived. Its sender
    sends each fragment once, and the longest stalls of Wi-Fi last as long."""
    max_queued_messages: int = 4096
    """Events that may wait for one peer. Beyond it the oldest unreliable ones make room."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, name = getattr(self, field.name), f"{type(self).__name__}.{field.name}"
            if field.type == "bool | None":
                if value is not None and not isinstance(value, bool):
                    raise TypeError(f"{name} must be True, False or None, got {value!r}")
                continue
            whole = field.type == "int"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise TypeError(f"{name} must be {'an int' if whole else 'a number'}, got {value!r}")
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value!r}")


@dataclass(frozen=True)
class ClientConfig(ConnectionConfig):
    """What a client can tune."""

    connect_timeout: float = 5.0
    """How long ``Client.connect`` tries before it raises ConnectionFailed."""
    connect_retry_interval: float = 0.25
    """Time between two connection requests; 20 tries within the default ``connect_timeout``."""
    event_patience: float = 0.5
    """How long an event waits for the state of the tick that sent it, if that is late: ten lost snapshots in a
    row at 20 Hz. After that the event is handled without it. (For the very first state it waits up to 5 s.)"""
    kept_snapshots: int = 64
    """How many received states ``Client.snapshots`` holds: about one second at 60 Hz. Fewer if together they hold more
    values than ``max_state_values`` that they do not share."""


@dataclass(frozen=True)
class ServerConfig(ConnectionConfig):
    """What a server can tune."""

    max_clients: int = 256
    """More are refused with SERVER_FULL, unless one of those who are there gives way; see the next three."""
    absent_after: float = 1.0
    """Seconds after joining within which a client must have acknowledged a state. Every client does within a round
    trip. When the server is full, one that has not gives way to a newcomer from another host."""
    silent_after: float = 30.0
    """Seconds without an event and an input after which a client counts as silent. A game in which somebody plays
    gets both more often. When the server is full, a silent client gives way to a newcomer from another host.
    ``math.inf``: never."""
    silent_places_per_host: int = 30
    """Connections that a host (an IP address; of IPv6 a /64) keeps though they are silent: those who only watch, or a
    class behind one router that listens to its teacher. At most half of ``max_clients`` is kept."""
    max_held_bytes: int = 64 * 1024 * 1024
    """What may be held of all clients together: unfinished messages, and reliable events that wait for one before them.
    A client that keeps to the protocol holds a few KB, and two megabytes at most. Beyond it, of the host that holds
    most, the connection that holds most loses its unfinished unreliable messages; where it has none, it is closed with
    OVERLOADED, since the rest has been acknowledged and would be missing for ever."""
    joins_per_host: int = 256
    """New connections of one host at once (token bucket). A class of 30 or a test with hundreds of clients gets in
    within the same second, also when everybody tries again; it cannot go on like that."""
    joins_per_host_and_second: float = 4.0
    """How fast that allowance comes back. Each newcomer costs a whole state and an event for everybody."""
    free_password_guesses: int = 8
    """Wrong passwords of one host without any consequence, until a right one comes from there. After that, each wrong
    one is followed by a pause, twice as long as the one before, in which no password from that host is looked at."""
    max_password_pause: float = 4.0
    """Longest such pause. Shorter than ``ClientConfig.connect_timeout``, so that somebody with the right password
    behind the same router gets in with the same try."""
    event_share: float = 0.05
    """Share of a tick's interval that the events of one client may take, their handlers included: 0.8 ms at 60 Hz, or
    some hundred small events. Its events beyond that wait for later ticks, so that a flood of one client, or handlers
    that take long, hold up this client alone. One event of each client is handled in each tick, however long it
    takes."""
    max_waiting_events: int = 4096
    """Events of one client that may wait to be handled: while the game is paused, or as ``event_share`` is used up.
    Beyond it unreliable ones are dropped, and counted in ``Server.dropped``. Of reliable and retried ones, which the
    client knows to have arrived, twice as many may wait; beyond that its connection is closed."""
    max_waiting_event_bytes: int = 1024 * 1024
    """The same in bytes. A player's inputs are a few hundred bytes a tick."""
    snapshot_ring: int = 256
    """How many past states are kept as baselines for deltas; they share structure, so that many cost little.
    At 60 Hz this bridges a round trip of four seconds."""
    push_interval: float = 0.01
    """Updates pushed outside a game loop are sent together, at most this often."""
    cookie_lifetime: float = 10.0
    """How long the answer to a challenge is accepted."""
    max_input_repeat: float = 0.5
    """How long a player's last input is repeated when no more arrive. On a bad link nobody stops at once. It is as long
    as a client predicts on in a silence (0.4 s, and 0.1 s of slowing down: ``Prediction.max_ahead``), so players are
    after an outage near where they saw themselves."""
    max_rewind: float = 1.0
    """How long ago the moment can be that a player claims to have seen (``PlayerInput.view_time``), at most. A shot at
    what was longer ago would hit people who have long since hidden."""
    rewind_slack: float = 0.2
    """By how much that moment may be older than the round trip and the interpolation delay explain. An input waits for
    its tick, longer where copies of it get lost: up to 0.15 s at 60 Hz and 20 % loss. See
    ``pygase._server.view_times``."""
    view_delay: float = 0.1
    """Interpolation delay that every client is believed to have; more where the server measures loss. The default of
    ``FixedDelayClock``, and what an adaptive playback has at 20 ticks a second. If the clients of your game stay
    further behind by choice (``Session(delay=0.3)``), give the same number here, or their shots miss."""
    local_host: bool | None = None
    """Whether the first client from the server's own machine is the host, who may end the server, without the host
    token. None: yes if the server is bound to a loopback address, which only this machine's own programs reach, or was
    started by ``pygase_pygame.host()``; otherwise no. On a rented or shared machine, somebody else's program there
    would be the host; and behind a proxy or a tunnel everybody seems to be on this machine."""
