"""PyGaSe: real-time networking for games. A server holds the true game state, clients see it, and both exchange
events."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from . import utils
from ._io.interfaces import get_available_ip_addresses
from ._protocol.channels import RELIABLE
from ._server.players import PlayerInput
from ._state.delta import changes
from ._state.reading import Readable
from .addresses import (
    DEFAULT_PORT,
    check_hostname,
    check_port,
    format_address,
    is_everywhere,
    is_loopback,
    own_address,
    parse_address,
    parse_port,
    port_beside,
)
from .backend import Backend, GameStateMachine, GameStateStore, Server
from .client import Client, Snapshot
from .config import DISCOVERY_PORT, ClientConfig, ServerConfig
from .connection import ClientConnection, ConnectionStats, ConnectionStatus, ServerConnection
from .errors import (
    AddressInUse,
    AddressNotUsable,
    ConnectionFailed,
    DisconnectReason,
    InPlaceChange,
    InvalidValue,
    LocalError,
    MessageTooLarge,
    PygaseError,
    StateTooLarge,
)
from .event import ANY_EVENT, CLIENT_CONNECTED, CLIENT_LEFT, CLIENT_RESUMED, CONNECTED, DISCONNECTED, Event
from .gamestate import TO_DELETE, GameState, GameStateUpdate, GameStatus
from .installation import VERSION, build_info

if TYPE_CHECKING:
    from .discovery import Browser, DiscoveredGame, discover
    from .links import LINKS, Link, describe_link, parse_link
    from .names import clean_line, clean_name, unused_name
    from .timeline.history import StateHistory
    from .timeline.interpolation import PlaybackStats, SnapshotBuffer
    from .timeline.playback import AdaptiveClock, FixedDelayClock
    from .timeline.prediction import Predictor
    from .timeline.rules import Interpolate
    from .timeline.silence import SilenceWatch
    from .timeline.ticks import FixedTimestep

_LATER: Final = {
    "AdaptiveClock": "timeline.playback",
    "Browser": "discovery",
    "DiscoveredGame": "discovery",
    "FixedDelayClock": "timeline.playback",
    "FixedTimestep": "timeline.ticks",
    "Interpolate": "timeline.rules",
    "LINKS": "links",
    "Link": "links",
    "PlaybackStats": "timeline.interpolation",
    "Predictor": "timeline.prediction",
    "SilenceWatch": "timeline.silence",
    "SnapshotBuffer": "timeline.interpolation",
    "StateHistory": "timeline.history",
    "clean_line": "names",
    "clean_name": "names",
    "describe_link": "links",
    "discover": "discovery",
    "parse_link": "links",
    "unused_name": "names",
}
"""Names that are imported at their first use, because few programs need them → module."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


get_availabe_ip_addresses = get_available_ip_addresses
"""The spelling of PyGaSe 0.x in one place of its documentation."""

utils.get_available_ip_addresses = get_available_ip_addresses  # where PyGaSe 0.x had it

__version__ = VERSION

__all__ = [
    "ANY_EVENT",
    "CLIENT_CONNECTED",
    "CLIENT_LEFT",
    "CLIENT_RESUMED",
    "CONNECTED",
    "DEFAULT_PORT",
    "DISCONNECTED",
    "DISCOVERY_PORT",
    "LINKS",
    "RELIABLE",
    "TO_DELETE",
    "AdaptiveClock",
    "AddressInUse",
    "AddressNotUsable",
    "Backend",
    "Browser",
    "Client",
    "ClientConfig",
    "ClientConnection",
    "ConnectionFailed",
    "ConnectionStats",
    "ConnectionStatus",
    "DisconnectReason",
    "DiscoveredGame",
    "Event",
    "FixedDelayClock",
    "FixedTimestep",
    "GameState",
    "GameStateMachine",
    "GameStateStore",
    "GameStateUpdate",
    "GameStatus",
    "InPlaceChange",
    "Interpolate",
    "InvalidValue",
    "Link",
    "LocalError",
    "MessageTooLarge",
    "PlaybackStats",
    "PlayerInput",
    "Predictor",
    "PygaseError",
    "Readable",
    "Server",
    "ServerConfig",
    "ServerConnection",
    "SilenceWatch",
    "Snapshot",
    "SnapshotBuffer",
    "StateHistory",
    "StateTooLarge",
    "build_info",
    "changes",
    "check_hostname",
    "check_port",
    "clean_line",
    "clean_name",
    "describe_link",
    "discover",
    "format_address",
    "get_availabe_ip_addresses",
    "get_available_ip_addresses",
    "is_everywhere",
    "is_loopback",
    "own_address",
    "parse_address",
    "parse_link",
    "parse_port",
    "port_beside",
    "unused_name",
]
