"""PyGaSe: real-time networking for games. A server holds the true game state, clients see it, and both exchange
events."""

from typing import TYPE_CHECKING, Final

from . import utils

if TYPE_CHECKING:
    from ._io.interfaces import get_available_ip_addresses
    from ._io.interfaces import get_available_ip_addresses as get_availabe_ip_addresses
    from ._protocol.channels import RELIABLE
    from ._protocol.played_inputs import PlayerInput
    from ._server.interest import Interest
    from ._state.delta import changes
    from ._state.reading import Readable
    from ._state.whole import Whole
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
    from .discovery import Browser, DiscoveredGame, discover
    from .errors import (
        AddressInUse,
        AddressNotUsable,
        CannotEncrypt,
        CheckpointUnusable,
        ConnectionFailed,
        DisconnectReason,
        IdentityUnusable,
        InPlaceChange,
        InvalidInvite,
        InvalidValue,
        LocalError,
        MessageTooLarge,
        PygaseError,
        StateTooLarge,
    )
    from .event import (
        ANY_EVENT,
        CLIENT_CONNECTED,
        CLIENT_LEFT,
        CLIENT_LOST,
        CLIENT_RESUMED,
        CONNECTED,
        DISCONNECTED,
        EVENTS_LOST,
        RECONNECTED,
        RECONNECTING,
        Event,
    )
    from .gamestate import TO_DELETE, GameState, GameStateUpdate, GameStatus
    from .installation import VERSION as __version__  # noqa: F401 (a name of this package)
    from .installation import build_info
    from .invites import is_invite, parse_invite
    from .links import LINKS, Link, describe_link, parse_link
    from .names import clean_line, clean_name, unused_name
    from .seats import Seats
    from .timeline.first_guesses import Spread
    from .timeline.glide import Glide
    from .timeline.happenings import Happening, Happenings
    from .timeline.history import StateHistory
    from .timeline.interpolation import PlaybackStats, SnapshotBuffer
    from .timeline.playback import AdaptiveClock, FixedDelayClock
    from .timeline.prediction import Predictor
    from .timeline.rules import Interpolate
    from .timeline.silence import SilenceWatch
    from .timeline.ticks import FixedTimestep
    from .timeline.world_prediction import WorldPrediction
    from .timeline.world_predictor import WorldPredictor
    from .timeline.world_rules import step_world

_MODULES: Final = {
    "ANY_EVENT": "pygase.event",
    "AdaptiveClock": "pygase.timeline.playback",
    "AddressInUse": "pygase.errors",
    "AddressNotUsable": "pygase.errors",
    "Backend": "pygase.backend",
    "Browser": "pygase.discovery",
    "CLIENT_CONNECTED": "pygase.event",
    "CLIENT_LEFT": "pygase.event",
    "CLIENT_LOST": "pygase.event",
    "CLIENT_RESUMED": "pygase.event",
    "CONNECTED": "pygase.event",
    "CannotEncrypt": "pygase.errors",
    "CheckpointUnusable": "pygase.errors",
    "Client": "pygase.client",
    "ClientConfig": "pygase.config",
    "ClientConnection": "pygase.connection",
    "ConnectionFailed": "pygase.errors",
    "ConnectionStats": "pygase.connection",
    "ConnectionStatus": "pygase.connection",
    "DEFAULT_PORT": "pygase.addresses",
    "DISCONNECTED": "pygase.event",
    "EVENTS_LOST": "pygase.event",
    "RECONNECTING": "pygase.event",
    "RECONNECTED": "pygase.event",
    "DISCOVERY_PORT": "pygase.config",
    "DisconnectReason": "pygase.errors",
    "DiscoveredGame": "pygase.discovery",
    "Event": "pygase.event",
    "FixedDelayClock": "pygase.timeline.playback",
    "FixedTimestep": "pygase.timeline.ticks",
    "GameState": "pygase.gamestate",
    "GameStateMachine": "pygase.backend",
    "GameStateStore": "pygase.backend",
    "GameStateUpdate": "pygase.gamestate",
    "GameStatus": "pygase.gamestate",
    "Glide": "pygase.timeline.glide",
    "Happening": "pygase.timeline.happenings",
    "Happenings": "pygase.timeline.happenings",
    "IdentityUnusable": "pygase.errors",
    "InPlaceChange": "pygase.errors",
    "Interest": "pygase._server.interest",
    "Interpolate": "pygase.timeline.rules",
    "InvalidInvite": "pygase.errors",
    "InvalidValue": "pygase.errors",
    "LINKS": "pygase.links",
    "Link": "pygase.links",
    "LocalError": "pygase.errors",
    "MessageTooLarge": "pygase.errors",
    "PlaybackStats": "pygase.timeline.interpolation",
    "PlayerInput": "pygase._protocol.played_inputs",
    "Predictor": "pygase.timeline.prediction",
    "PygaseError": "pygase.errors",
    "RELIABLE": "pygase._protocol.channels",
    "Readable": "pygase._state.reading",
    "Seats": "pygase.seats",
    "Server": "pygase.backend",
    "ServerConfig": "pygase.config",
    "ServerConnection": "pygase.connection",
    "SilenceWatch": "pygase.timeline.silence",
    "Snapshot": "pygase.client",
    "SnapshotBuffer": "pygase.timeline.interpolation",
    "Spread": "pygase.timeline.first_guesses",
    "StateHistory": "pygase.timeline.history",
    "StateTooLarge": "pygase.errors",
    "TO_DELETE": "pygase.gamestate",
    "__version__": "pygase.installation:VERSION",
    "addresses": "pygase.addresses",
    "backend": "pygase.backend",
    "WorldPrediction": "pygase.timeline.world_prediction",
    "WorldPredictor": "pygase.timeline.world_predictor",
    "Whole": "pygase._state.whole",
    "build_info": "pygase.installation",
    "changes": "pygase._state.delta",
    "check_hostname": "pygase.addresses",
    "check_port": "pygase.addresses",
    "checks": "pygase.checks",
    "clean_line": "pygase.names",
    "clean_name": "pygase.names",
    "client": "pygase.client",
    "config": "pygase.config",
    "connection": "pygase.connection",
    "describe_link": "pygase.links",
    "discover": "pygase.discovery",
    "discovery": "pygase.discovery",
    "errors": "pygase.errors",
    "event": "pygase.event",
    "format_address": "pygase.addresses",
    "gamestate": "pygase.gamestate",
    "get_availabe_ip_addresses": "pygase._io.interfaces:get_available_ip_addresses",
    "get_available_ip_addresses": "pygase._io.interfaces",
    "history": "pygase.history",
    "installation": "pygase.installation",
    "interpolation": "pygase.interpolation",
    "is_everywhere": "pygase.addresses",
    "is_invite": "pygase.invites",
    "is_loopback": "pygase.addresses",
    "links": "pygase.links",
    "machine": "pygase.machine",
    "names": "pygase.names",
    "own_address": "pygase.addresses",
    "parse_address": "pygase.addresses",
    "parse_invite": "pygase.invites",
    "parse_link": "pygase.links",
    "parse_port": "pygase.addresses",
    "port_beside": "pygase.addresses",
    "prediction": "pygase.prediction",
    "server": "pygase.server",
    "step_world": "pygase.timeline.world_rules",
    "store": "pygase.store",
    "testing": "pygase.testing",
    "ticks": "pygase.ticks",
    "timeline": "pygase.timeline",
    "unused_name": "pygase.names",
}
"""The module of each public name. It is imported when the name is used: a client needs nothing of the server.

`get_availabe_ip_addresses` is how PyGaSe 0.x spelled the name in one place of its documentation.
"""

__getattr__ = utils.imported_when_used(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})


__all__ = [
    "ANY_EVENT",
    "CLIENT_CONNECTED",
    "CLIENT_LEFT",
    "CLIENT_LOST",
    "CLIENT_RESUMED",
    "CONNECTED",
    "DEFAULT_PORT",
    "DISCONNECTED",
    "DISCOVERY_PORT",
    "EVENTS_LOST",
    "LINKS",
    "RECONNECTED",
    "RECONNECTING",
    "RELIABLE",
    "TO_DELETE",
    "AdaptiveClock",
    "AddressInUse",
    "AddressNotUsable",
    "Backend",
    "Browser",
    "CannotEncrypt",
    "CheckpointUnusable",
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
    "Glide",
    "Happening",
    "Happenings",
    "IdentityUnusable",
    "InPlaceChange",
    "Interest",
    "Interpolate",
    "InvalidInvite",
    "InvalidValue",
    "Link",
    "LocalError",
    "MessageTooLarge",
    "PlaybackStats",
    "PlayerInput",
    "Predictor",
    "PygaseError",
    "Readable",
    "Seats",
    "Server",
    "ServerConfig",
    "ServerConnection",
    "SilenceWatch",
    "Snapshot",
    "SnapshotBuffer",
    "Spread",
    "StateHistory",
    "StateTooLarge",
    "Whole",
    "WorldPrediction",
    "WorldPredictor",
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
    "is_invite",
    "is_loopback",
    "own_address",
    "parse_address",
    "parse_invite",
    "parse_link",
    "parse_port",
    "port_beside",
    "step_world",
    "unused_name",
]
