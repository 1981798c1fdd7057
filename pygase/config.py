"""Every setting of the netcode, with its unit, its default and the reason for the default.

Configs are frozen. Write ``ServerConfig(timeout=10.0)``, or ``dataclasses.replace(config, timeout=10.0)`` for a copy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

DISCOVERY_PORT: Final = 19733
"""UDP port for finding games, whatever port a game itself has. It is below the ports that systems assign at random."""

ENCRYPTION: Final = ("auto", "required", "off")
"""The values of ``encryption`` in both configs."""


MAX_RESUME_SECONDS: Final = 6500.0
"""The longest time for which a lost client keeps its place. It travels as 16 bits of tenths of a second."""


@dataclass(frozen=True)
class ConnectionConfig:
    """Settings of both ends of a connection. Durations are seconds, sizes are bytes."""

    timeout: float = 5.0
    """Silence after which the peer counts as lost. Interruptions of bad Wi-Fi are often 1-2 s, rarely 5 s."""
    slow_handler: float = 0.1
    """Seconds from which on a slow handler or callback on the network's thread is logged. Meanwhile nothing is received
    or sent."""
    heartbeat_interval: float = 1.0
    """Longest time without sending. A fifth of ``timeout``: four consecutive losses do not end a connection."""
    ack_delay: float = 0.025
    """Longest time that an acknowledgement waits for another packet. It is longer than a tick at 50 Hz, so a client
    that sends every tick sends no packet for it alone."""
    bytes_per_second: int = 2_000_000
    """Sending budget of a connection (token bucket). A full state of 4 MiB takes about two seconds."""
    burst_bytes: int = 64_000
    """Bytes of the budget that may be saved up, and that a bulk transfer may have in flight. A quarter of the smallest
    usual receive buffer (Linux: 212,992)."""
    max_message_bytes: int = 256 * 1024
    """Largest event, serialised. A larger one is an error at the sender, and is dropped by the receiver."""
    max_event_values: int = 20_000
    """Most values in an event; numbers, texts, keys, lists and dicts count. 20,000 values are decoded in about two
    milliseconds. A level of 128 x 128 tiles fits; send a larger one as ``bytes``, which is one value. More is an error
    at the sender, and is dropped by the receiver."""
    max_state_bytes: int = 4 * 1024 * 1024
    """Largest game state, serialised and uncompressed."""
    max_state_values: int = 1_000_000
    """Most values in a game state, counted as in ``max_event_values``. It also bounds the unshared values in a client's
    past states. A value takes 35 to 120 bytes of memory. The server's store refuses more; at a client, more ends the
    connection."""
    min_rto: float = 0.05
    """Shortest time after which an unacknowledged message is resent. Twice ``ack_delay``, because the peer may delay
    its acknowledgement by that."""
    fragment_timeout: float = 2.0
    """Seconds without a new fragment after which an incomplete unreliable message is dropped."""
    max_queued_messages: int = 4096
    """Most events that wait to be sent to one peer. Beyond it the oldest unreliable ones are dropped."""
    encryption: str = "auto"
    """``"auto"``: packets are encrypted if both sides can, which needs ``pip install 'pygase[secure]'``.
    ``"required"``: no connection without. ``"off"``: never. docs/security.md explains what each protects against."""

    def __post_init__(self) -> None:
        if self.encryption not in ENCRYPTION:
            name = f"{type(self).__name__}.encryption"
            raise ValueError(f"{name} must be one of {', '.join(map(repr, ENCRYPTION))}, got {self.encryption!r:.80}")
        for field in fields(self):
            value, name = getattr(self, field.name), f"{type(self).__name__}.{field.name}"
            if field.type == "str":
                continue
            if field.type == "bool":
                if not isinstance(value, bool):
                    raise TypeError(f"{name} must be True or False, got {value!r}")
                continue
            if field.type == "bool | None":
                if value is not None and not isinstance(value, bool):
                    raise TypeError(f"{name} must be True, False or None, got {value!r}")
                continue
            _check_number(name, value, whole=field.type == "int")


def _check_number(name: str, value: object, *, whole: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise TypeError(f"{name} must be {'an int' if whole else 'a number'}, got {value!r}")
    if name.endswith(".resume_seconds"):
        if not 0 <= value <= MAX_RESUME_SECONDS:
            raise ValueError(f"{name} must be between 0 (off) and {MAX_RESUME_SECONDS:g}, got {value!r}")
    elif not value > 0:
        raise ValueError(f"{name} must be positive, got {value!r}")


@dataclass(frozen=True)
class ClientConfig(ConnectionConfig):
    """Settings of a client."""

    connect_timeout: float = 5.0
    """Seconds for which ``Client.connect`` tries before it raises ConnectionFailed."""
    connect_retry_interval: float = 0.25
    """Seconds between two connection requests: 20 tries within the default ``connect_timeout``."""
    event_patience: float = 0.5
    """Seconds for which an event waits for the state of its tick, if that state is late: ten consecutive losses at
    20 Hz. Then the event is handled without it. (For the first state of all it waits up to 5 s.)"""
    kept_snapshots: int = 64
    """Most received states in ``Client.snapshots``: about one second at 60 Hz. There are fewer if their unshared values
    exceed ``max_state_values``."""


@dataclass(frozen=True)
class ServerConfig(ConnectionConfig):
    """Settings of a server."""

    max_clients: int = 256
    """Most clients. Further ones are refused with SERVER_FULL, unless a client gives way: see the next three
    settings."""
    absent_after: float = 1.0
    """Seconds after joining until which a client must have acknowledged a state, as every real client does within a
    round trip. If the server is full, a client that has not gives way to a newcomer from another host."""
    silent_after: float = 30.0
    """Seconds without an event and without an input after which a client counts as silent. If the server is full, a
    silent client gives way to a newcomer from another host. ``math.inf``: never."""
    silent_places_per_host: int = 30
    """Silent connections that a host (an IP address; for IPv6 a /64) may keep: spectators, or a class behind one router
    that listens to its teacher. At most half of ``max_clients`` is kept."""
    resume_seconds: float = 30.0
    """Seconds for which a lost client keeps its place and may resume its connection; 0: it leaves at once. A cable that
    is plugged in again, a router that restarts, a program that is started again: most take less. The greatest is
    6,500."""
    max_held_bytes: int = 64 * 1024 * 1024
    """Most bytes held for all clients together: incomplete messages, and reliable events that wait for an earlier one.
    A client that follows the protocol holds a few KB, and two megabytes at most. Beyond the bound, the largest
    connection of the host with most bytes loses its incomplete unreliable messages. If it has none, it is closed with
    OVERLOADED: its other messages have been acknowledged and will not be sent again."""
    joins_per_host: int = 256
    """New and resumed connections of one host at once (token bucket). A class of 30, or a test with hundreds of
    clients, gets in within one second, even if everybody tries twice."""
    joins_per_host_and_second: float = 4.0
    """New and resumed connections of one host per second in the long run. Each costs a whole state, and an event for
    everybody."""
    free_password_guesses: int = 8
    """Wrong passwords of one host without a consequence. After each further one, no password of that host is checked
    during a pause, twice as long as the previous one. A right password resets the count."""
    max_password_pause: float = 4.0
    """Longest such pause, in seconds. It is shorter than ``ClientConfig.connect_timeout``, so a player with the right
    password behind the same router gets in with one call."""
    event_share: float = 0.05
    """Share of a tick's interval for the events of one client, handlers included: 0.8 ms at 60 Hz, or about a hundred
    small events. Further events wait for later ticks. So a flood of events, or slow handlers, hold up this client
    alone. One event of each client is handled in each tick, however long it takes."""
    max_waiting_events: int = 4096
    """Most events of one client that wait for their handlers: while the game is paused, or after ``event_share`` is
    used up. Beyond it unreliable ones are dropped and counted in ``Server.dropped``. Reliable and retried ones have
    been acknowledged; at twice this number the connection is closed."""
    max_waiting_event_bytes: int = 1024 * 1024
    """The same in bytes. A player's inputs take a few hundred bytes a tick."""
    max_bytes_per_second: float = math.inf
    """Most bytes a second to one client; ``math.inf``: as many as its line takes. States become rarer to stay below it.
    All bytes of the UDP payload count, but events and acknowledgements do not wait."""
    snapshot_ring: int = 256
    """Past states that are kept as baselines for deltas. They share structure, so many cost little. At 60 Hz they
    bridge a round trip of four seconds."""
    push_interval: float = 0.01
    """Seconds between two datagrams with updates that are pushed outside a game loop. Updates in between are joined."""
    cookie_lifetime: float = 10.0
    """Seconds for which the answer to a challenge is accepted."""
    max_input_repeat: float = 0.5
    """Seconds for which a player's last input is repeated when no further one arrives. A client in a silence predicts
    for the same time (0.4 s, and 0.1 s of slowing down: ``Prediction.max_ahead``). So players are near their predicted
    position after an outage."""
    max_rewind: float = 1.0
    """Greatest age, in seconds, of the picture that a player claims to have seen (``PlayerInput.view_time``). A shot at
    an older one would hit players who have hidden since then."""
    rewind_slack: float = 0.2
    """Seconds by which that picture may be older than round trip and interpolation delay explain. An input waits for
    its tick, and longer if copies of it are lost: up to 0.15 s at 60 Hz and 20 % loss. See
    ``pygase._protocol.view_times``."""
    view_delay: float = 0.1
    """Interpolation delay, in seconds, that the server assumes for every client; more if it measures loss. It is the
    default of ``FixedDelayClock``, and the delay of an adaptive playback at 20 ticks a second. If your clients choose a
    longer delay (``Session(delay=0.3)``), give the same number here, or their shots miss."""
    local_host: bool | None = None
    """Whether the first client from the server's own machine is the host, who may end the server, without the host
    token. None: yes if the server is bound to a loopback address or was started by ``pygase_pygame.host()``, else no.
    On a rented or shared machine another user's program would be the host. Behind a proxy or a tunnel every client
    seems to be on this machine."""
    invited_only: bool = False
    """Whether only clients with an invite (``Server.invite``) get in, beside this process's own player and whoever has
    the host token. It needs encryption."""
