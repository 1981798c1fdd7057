"""All exceptions of PyGaSe, as one tree.

::

    PygaseError
    ├── LocalError                     a call that cannot be done
    │   ├── InvalidValue               a value that msgpack cannot carry (names path and type); also a TypeError
    │   ├── MessageTooLarge            an event above the configured bound; also a ValueError
    │   ├── StateTooLarge              a game state above the configured bound; also a ValueError
    │   ├── InPlaceChange              the state was changed in place, so nobody else would see it
    │   ├── CheckpointUnusable         a checkpoint that cannot be loaded or saved; also an OSError
    │   ├── IdentityUnusable           a file that does not keep a server's identity; also an OSError
    │   ├── InvalidInvite              a text that is no invite; also a ValueError
    │   ├── CannotEncrypt              encryption is required and not possible here; also a RuntimeError
    │   ├── AddressInUse               the port is taken by another program; also an OSError
    │   └── AddressNotUsable           host name unknown, or an address that is not ours; also an OSError
    ├── RemoteError                    the other side broke the protocol
    │   └── MalformedPacket            bytes that do not parse; counted and dropped, never raised in a game
    └── ConnectionFailed               no connection was made; also a ConnectionError

A local mistake is raised at the wrong call. A remote fault is never raised: it is counted, and the datagram is dropped.
"""

from __future__ import annotations

import enum


class PygaseError(Exception):
    """Base class of all exceptions of PyGaSe."""


class LocalError(PygaseError):
    """A mistake of this program, raised at once by the wrong call."""


class InvalidValue(LocalError, TypeError):
    """A value in a state or an event that cannot be sent; the message names its path and its type."""


class MessageTooLarge(LocalError, ValueError):
    """An event is larger than ``max_message_bytes`` allows."""


class StateTooLarge(LocalError, ValueError):
    """The game state would exceed ``max_state_bytes`` or ``max_state_values``; the update was not applied."""


class InPlaceChange(LocalError, RuntimeError):
    """The program changed a game state in place instead of returning an update, so nobody else would see the change.

    Raised for the initial state of a game that has begun; in debug mode also for the states of handlers and time step.
    """


class CheckpointUnusable(LocalError, OSError):
    """A file is no checkpoint of this game or is damaged, and stays as it is; or no file can be written there."""


class IdentityUnusable(LocalError, OSError):
    """A file does not keep a server's identity and stays as it is; or no file can be written there."""


class InvalidInvite(LocalError, ValueError):
    """A text is no invite, or not a whole one."""


class CannotEncrypt(LocalError, RuntimeError):
    """This program requires encryption, which is turned off or needs a package that is not installed."""


class AddressInUse(LocalError, OSError):
    """Another program uses the port."""


class AddressNotUsable(LocalError, OSError):
    """The host name cannot be resolved, or is no address of this machine."""


class RemoteError(PygaseError):
    """The peer broke the protocol. It is never raised in a game."""


class MalformedPacket(RemoteError):
    """Bytes that do not follow the protocol."""


class DisconnectReason(enum.IntEnum):
    """The reason why a connection ended or was not made. Its value is sent over the wire."""

    CLOSED = 0
    SERVER_SHUTDOWN = 1
    KICKED = 2
    BANNED = 3
    SERVER_FULL = 4
    WRONG_VERSION = 5
    WRONG_GAME = 6
    WRONG_PASSWORD = 7
    TIMED_OUT = 8
    NO_ANSWER = 9
    REPLACED = 10
    STATE_TOO_LARGE = 11
    PROTOCOL_ERROR = 12
    UNKNOWN_HOST = 13
    OVERLOADED = 14
    ENCRYPTION_REQUIRED = 15
    NOT_ENCRYPTED = 16
    NOT_INVITED = 17
    NOT_RESUMABLE = 18
    NO_SUCH_ROOM = 19
    ROOM_FULL = 20

    @property
    def sentence(self) -> str:
        """One plain English sentence for players."""
        return _SENTENCES[self]

    def __str__(self) -> str:
        return self.name


_SENTENCES = {
    DisconnectReason.CLOSED: "The connection was closed.",
    DisconnectReason.SERVER_SHUTDOWN: "The host has ended the game.",
    DisconnectReason.KICKED: "The host has removed you from the game.",
    DisconnectReason.BANNED: "The host does not let you in.",
    DisconnectReason.SERVER_FULL: "The game is full.",
    DisconnectReason.WRONG_VERSION: "The host runs another version of PyGaSe; both need the same one.",
    DisconnectReason.WRONG_GAME: "A different game runs at this address.",
    DisconnectReason.WRONG_PASSWORD: "The password is wrong.",
    DisconnectReason.TIMED_OUT: "The other side no longer answers; the network or the program there has stopped.",
    DisconnectReason.NO_ANSWER: "Nobody answers there. Is the game running? Check the address and the port, and that "
    "the host's firewall lets UDP in.",
    DisconnectReason.REPLACED: "The same player has connected again from the same address.",
    DisconnectReason.STATE_TOO_LARGE: "The game's state is larger than this program accepts.",
    DisconnectReason.PROTOCOL_ERROR: "The other side does not follow the protocol.",
    DisconnectReason.UNKNOWN_HOST: "That host name is not known. Check the spelling, or use the IP address; and look "
    "whether this machine is online.",
    DisconnectReason.OVERLOADED: "The server has no room left for this program's messages.",
    DisconnectReason.ENCRYPTION_REQUIRED: "The host lets in encrypted connections only. Install encryption with: "
    "pip install 'pygase[secure]', and do not turn it off with encryption='off'.",
    DisconnectReason.NOT_ENCRYPTED: "The host cannot encrypt, or somebody on the way prevents it, and this program "
    "connects only encrypted. The host installs encryption with: pip install 'pygase[secure]'. To connect all the "
    "same, leave out the invite and encryption='required'.",
    DisconnectReason.NOT_INVITED: "The game is for invited players. The invite is missing, or it is an old one; ask "
    "the host for a new one.",
    DisconnectReason.NOT_RESUMABLE: "The host does not know this connection any more; join again.",
    DisconnectReason.NO_SUCH_ROOM: "There is no such room. Check its code; the room may be closed by now.",
    DisconnectReason.ROOM_FULL: "That room is full.",
}


class ConnectionFailed(PygaseError, ConnectionError):
    """No connection was made.

    :ivar reason: a :class:`DisconnectReason`.
    :ivar detail: a text that the server added, or ``""``.
    """

    def __init__(self, reason: DisconnectReason, detail: str = "", hint: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(" ".join(part for part in (reason.sentence, detail, hint) if part))
