"""Events and their dispatch: what is sent, and which function handles it."""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ._diagnostics.log_lines import Late, LogLines
from ._state.codec import holds_more
from ._state.codec import pack_plain as pack
from ._state.codec import unpack_plain as unpack
from ._state.tree import MAX_DEPTH, Cleaner
from .config import ConnectionConfig
from .errors import InvalidValue, MalformedPacket, MessageTooLarge
from .utils import Sendable

logger = logging.getLogger("pygase")

Handler = Callable[..., Any]

MAX_EVENT_VALUES: Final = ConnectionConfig.max_event_values
"""Values that an event may hold where no config says otherwise."""

RESERVED_PREFIX: Final = "pygase:"
"""Event types that begin like this are PyGaSe's own; nobody can send them."""

CLIENT_CONNECTED: Final = "pygase:client_connected"
"""Server: a client has connected. Handlers get ``client_address`` (and ``game_state``, ``dt``) by name."""
CLIENT_RESUMED: Final = "pygase:client_resumed"
"""Server: a client that had lost its connection is back. (Reserved: connections cannot be resumed yet.)"""
CLIENT_LEFT: Final = "pygase:client_left"
"""Server: a client is gone. Handlers get ``reason`` (DisconnectReason) and, by name, ``client_address``."""
CONNECTED: Final = "pygase:connected"
"""Client: the connection stands."""
DISCONNECTED: Final = "pygase:disconnected"
"""Client: the connection has ended. Handlers get ``reason`` (DisconnectReason) and ``detail`` (str)."""
ANY_EVENT: Final = "pygase:any"
"""A handler registered for this gets every event: ``handler(event_type, *args, **kwargs)``."""
_OWN_NAMES: Final = frozenset(
    {"CLIENT_CONNECTED", "CLIENT_RESUMED", "CLIENT_LEFT", "CONNECTED", "DISCONNECTED", "ANY_EVENT"}
)
SHUTDOWN_REQUEST: Final = "pygase:shutdown"
"""On the wire: the host asks the server to shut down."""


class Event(Sendable):
    """Something that happened, to be handled on the other side.

    :param event_type: links the event to its handlers.
    :param args: positional data; with ``kwargs``: what states can hold, too.

    :ivar type: the event type, ``handler_args`` (list) and ``handler_kwargs`` (dict): the data.
    :ivar client_address: on the server, who sent it; None otherwise.
    """

    client_address: tuple[Any, ...] | None = None
    sender: Any = None
    """The ``ClientEvents`` on whose account it is handled; None for events of this side."""
    details: Mapping[str, Any] | None = None
    """What handlers of PyGaSe's own events may take by name."""

    def __init__(self, event_type: str, *args: Any, **kwargs: Any) -> None:
        self.type = event_type
        self.handler_args = list(args)
        self.handler_kwargs = kwargs

    def __repr__(self) -> str:
        data = [repr(arg) for arg in self.handler_args]
        data += [f"{name}={value!r}" for name, value in self.handler_kwargs.items()]
        return f"Event({', '.join([repr(self.type), *data])})"


def encode_event(
    event_type: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    max_bytes: int,
    max_values: int = MAX_EVENT_VALUES,
    *,
    own: bool = False,
) -> bytes:
    """Serialise an event for the wire: msgpack of ``[type]``, ``[type, args]`` or ``[type, args, kwargs]``.

    :param max_bytes: how large it may be, serialised.
    :param max_values: how many values it may hold: numbers, texts, keys, lists, dicts, all that it consists of.
    :param own: whether it may be one of PyGaSe's own.
    :raises InvalidValue: if the data holds what cannot be sent (names path and type), or the type is no str.
    :raises MessageTooLarge: if it is larger than ``max_bytes``, or holds more than ``max_values``.
    :raises ValueError: if the type is one of PyGaSe's own.
    """
    if not isinstance(event_type, str):
        raise InvalidValue(f"event_type must be a str, got {event_type!r} of type {type(event_type).__name__}")
    if event_type.startswith(RESERVED_PREFIX) and not own:
        raise ValueError(
            f"event types that begin with {RESERVED_PREFIX!r} are PyGaSe's own; choose another than {event_type!r}"
        )
    cleaner = Cleaner()
    parts: list[Any] = [cleaner.clean(event_type, "event_type")]
    if args or kwargs:
        parts.append(cleaner.clean(list(args), f"event {event_type!r}: args"))
    if kwargs:
        parts.append(cleaner.clean(dict(kwargs), f"event {event_type!r}: kwargs"))
    try:
        payload = pack(parts)
    except TypeError:
        raise InvalidValue(
            f"event {event_type!r} holds TO_DELETE, which only updates of the state can; send what shall go by name"
        ) from None
    if len(payload) > max_bytes:
        raise MessageTooLarge(
            f"event {event_type!r} takes {len(payload):,} bytes, at most {max_bytes:,} are allowed; "
            "send less at once, or raise max_message_bytes in the config of BOTH sides"
        )
    if len(payload) > max_values and holds_more(payload, max_values):
        raise MessageTooLarge(
            f"event {event_type!r} holds more than {max_values:,} values (numbers, texts, keys, lists, dicts); send "
            "less at once, or many numbers as bytes (array('h', numbers).tobytes()), or raise max_event_values in the "
            "config of BOTH sides"
        )
    return payload


_MAX_LEVELS: Final = MAX_DEPTH + 2
"""Lists and dicts within one another in an event: the sender counts from the args."""


def event_type_of(payload: bytes) -> str:
    """Return the type of a serialised event, whatever its data is: that is not looked at.

    :raises MalformedPacket: if it is no event.
    """
    head = payload[1] if len(payload) > 1 and 0x91 <= payload[0] <= 0x93 else 0
    told_in = {0xD9: 1, 0xDA: 2, 0xDB: 4}.get(head, 0)
    if not told_in and head & 0xE0 != 0xA0:
        raise MalformedPacket("not an event")
    begin = 2 + told_in
    size = int.from_bytes(payload[2:begin], "big") if told_in else head & 0x1F
    if begin + size > len(payload):
        raise MalformedPacket("an event that is cut off")
    try:
        return str(payload[begin : begin + size], "utf-8")
    except UnicodeDecodeError:
        raise MalformedPacket("an event whose type is no text") from None


def decode_event(payload: bytes, max_values: int = MAX_EVENT_VALUES) -> tuple[str, list[Any], dict[str, Any]]:
    """Return type, args and kwargs of the event that :func:`encode_event` serialised.

    :param max_values: how many values it may hold, as in :func:`encode_event`.
    :raises MalformedPacket: if it is none, or holds more, or is nested too deeply.
    """
    parts = unpack(payload, max_values, _MAX_LEVELS)
    if type(parts) is list and len(parts) == 2:  # the usual ones, without further ado
        event_type, args = parts
        if type(event_type) is str and type(args) is list:
            return event_type, args, {}
    size = len(parts) if type(parts) is list else 0
    if not 1 <= size <= 3 or type(parts[0]) is not str:
        raise MalformedPacket("not an event")
    args = parts[1] if size > 1 else []
    if type(args) is not list:
        raise MalformedPacket("an event's args must be a list")
    if size < 3:
        return parts[0], args, {}
    kwargs = parts[2]
    if type(kwargs) is not dict or (kwargs and {str} != set(map(type, kwargs))):
        raise MalformedPacket("an event's kwargs must be a dict with names as keys")
    return parts[0], args, kwargs


def encode_input(value: Any) -> bytes:
    """Serialise a player's input for the wire.

    :raises InvalidValue: if it is or holds what cannot be sent (names path and type).
    :raises MessageTooLarge: if it takes more than ``MAX_INPUT_BYTES``.
    """
    payload = pack(Cleaner().clean(value, "input"))
    if len(payload) > MAX_INPUT_BYTES:
        raise MessageTooLarge(
            f"an input takes {len(payload)} bytes, at most {MAX_INPUT_BYTES} are possible, as it travels many times; "
            "send only what the player does in a tick (keys, directions), and the rest with dispatch_event"
        )
    return payload


def decode_input(payload: bytes) -> Any:
    """Return the input that :func:`encode_input` serialised.

    :raises MalformedPacket: if it is none.
    """
    return unpack(payload)


MAX_INPUT_BYTES: Final = 254
"""Largest input, serialised: it travels with every packet until it has arrived."""

_CONTEXT: Final = ("game_state", "dt", "client_address")
"""What handlers may take by name besides an event's own data."""


def handler_name(event_type: str) -> str:
    """Return what a log calls the handler of an event: PyGaSe's own events have names without quotes."""
    if event_type.startswith(RESERVED_PREFIX):
        return f"the handler of {event_type.removeprefix(RESERVED_PREFIX).upper()}"
    return f"the handler of event {event_type!r}"


def takes(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function can be given an argument of that name (not counting ``**kwargs``)."""
    try:
        parameter = inspect.signature(function).parameters.get(name)
    except (TypeError, ValueError):  # some built-in functions have none
        return False
    return parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)


class RegisteredHandler:
    """A handler, and which of the context's values its signature takes."""

    __slots__ = (
        "accepts_all",
        "function",
        "is_own",
        "last",
        "leading",
        "names",
        "signature",
        "takes_address_alone",
        "usual",
    )

    def __init__(self, event_type: str, function: Handler) -> None:
        self.is_own = event_type.startswith(RESERVED_PREFIX)
        """Whether it is for one of PyGaSe's own events."""
        self.function = function
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):  # some built-in functions have none
            self.signature = None
        parameters = self.signature.parameters.values() if self.signature else ()
        self.accepts_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.names = frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
        self.usual = tuple(name for name in _CONTEXT if name in self.names)
        order = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.leading = len(order) - len(self.usual)
        """How many parameters there are before those of the context, if those are the last ones; else -1."""
        self.last = tuple(order[self.leading :])
        """The parameters of the context, if there are no others after the first of them."""
        if set(self.last) != set(self.usual) or len(order) != len(parameters) or self._is_wrapped():
            self.leading = -1
        self.takes_address_alone = self.last == ("client_address",)

    def _is_wrapped(self) -> bool:
        """Tell whether the signature may be that of another function, such as one that a decorator has wrapped."""
        try:
            own = inspect.signature(self.function, follow_wrapped=False)
        except (TypeError, ValueError):  # what is wrapped has one, the wrapper has none
            return True
        return own != self.signature or hasattr(self.function, "__signature__")

    def keyword_arguments(
        self, kwargs: dict[str, Any], context: Mapping[str, Any], details: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return an event's ``kwargs`` with what the signature takes of ``context`` and ``details``."""
        if self.accepts_all:
            wanted = {**context, **(details or {})}
        else:
            wanted = {name: context[name] for name in self.usual if name in context}
            if details:
                wanted.update((name, value) for name, value in details.items() if name in self.names)
        return {**kwargs, **wanted} if kwargs else wanted  # the context wins: no client can pose as another

    def mismatch(self, args: list[Any], kwargs: dict[str, Any]) -> str | None:
        """Return why the arguments do not fit the signature, or None if they do."""
        if self.signature is None:
            return None
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            return str(error)
        return None

    def meant(self, mismatch: str, known: Iterable[str]) -> str:
        """Return what may have been meant, as words to add; or ""."""
        if "multiple values" in mismatch:
            return f" (write the event's own values first, and {', '.join(self.usual)} after them)"
        from difflib import get_close_matches  # only here: it is needed for mistakes alone

        free = [name for name in known if name not in self.names and name != "dt"]  # of two letters all are close
        for name in self.names:
            close = get_close_matches(name, free, 1) if repr(name) in mismatch else []
            if close:
                return f" (did you mean {close[0]!r}?)"
        return ""


class UniversalEventHandler:
    """Finds and calls the handler of an event.

    :ivar failures: how many events could not be handled, by ``"unknown type"`` and ``"wrong arguments"``.
    """

    MAX_TYPES_WARNED_OF: Final = 16
    """Event types that get a line in the log of their own. All lines after that share one a second: a peer that sends
    ever other types cannot fill the log."""

    def __init__(self, log: LogLines | None = None) -> None:
        self._handlers: dict[str, RegisteredHandler] = {}
        self._replaced: set[str] = set()
        """Types of which a second handler has been logged."""
        self._log = log if log is not None else LogLines()
        self._warned: set[str] = set()
        self.failures: Counter[str] = Counter()

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Link a function or coroutine function to an event type.

        A type has one handler: a later one replaces an earlier one, and the first time that is logged.

        :raises TypeError: if it is not callable or the type is no str.
        """
        if not isinstance(event_type, str):
            raise TypeError(f"event_type must be a str, got {event_type!r}")
        if not callable(event_handler_function):
            raise TypeError(
                f"the handler of {event_type!r} must be a function, got {event_handler_function!r}; "
                "pass the function itself, without calling it"
            )
        if event_type in _OWN_NAMES:
            logger.warning(
                "a handler for events of the type %r, which nobody sends unless your game does; for PyGaSe's own write "
                "the name without quotes: from pygase import %s",
                *(event_type,) * 2,
            )
        self._note_replaced(event_type, event_handler_function)
        self._handlers[event_type] = RegisteredHandler(event_type, event_handler_function)

    def _note_replaced(self, event_type: str, function: Handler) -> None:
        """Log, once for each type, that a second handler replaces the first one."""
        former = self._handlers.get(event_type)
        if former is None or former.function == function or event_type in self._replaced:
            return
        self._replaced.add(event_type)
        logger.warning(
            "a second handler for events of the type %r replaces the first one (%.200r instead of %.200r), since a "
            "type has one handler; to do two things, call both functions in one handler",
            *(event_type, function, former.function),
        )

    def has_event_type(self, event_type: str) -> bool:
        """Tell whether there is a handler for that type."""
        return event_type in self._handlers

    @property
    def find(self) -> Callable[[str], RegisteredHandler | None]:
        """A function that returns the handler of an event type, for :meth:`call`; None if there is none."""
        return self._handlers.get

    def function_for(self, event_type: str) -> Handler | None:
        """Return the function that handles that type, if there is one."""
        handler = self._handlers.get(event_type)
        return handler.function if handler is not None else None

    @property
    def event_types(self) -> list[str]:
        """The types for which there is a handler."""
        return list(self._handlers)

    @property
    def is_empty(self) -> bool:
        """True if there is no handler at all."""
        return not self._handlers

    def handle(self, event: Event, **context: Any) -> Any:
        """Call the event's handler with its data, and with what of ``context`` its signature takes.

        Returns what the handler returns (a coroutine, if it is a coroutine function). An unknown type or arguments that
        do not fit are logged and counted, and give None; what the handler itself raises is raised.
        """
        others = {name: value for name, value in context.items() if name not in _CONTEXT}
        usual = {name: value for name, value in context.items() if name in _CONTEXT}
        return self.dispatch(
            event.type, event.handler_args, event.handler_kwargs, usual, {**(event.details or {}), **others}
        )

    def dispatch(
        self,
        event_type: str,
        args: list[Any],
        kwargs: dict[str, Any],
        context: Mapping[str, Any],
        details: Mapping[str, Any] | None = None,
    ) -> Any:
        """The same as :meth:`handle`, for an event in pieces.

        :param context: ``game_state``, ``dt``, ``client_address``, as far as there are any.
        :param details: what else handlers may take by name.
        """
        handler = self._handlers.get(event_type)
        if handler is None:
            self.warn_of_unknown(event_type, context.get("client_address"))
            return None
        return self.call(handler, event_type, args, kwargs, context, details)

    def warn_of_unknown(self, event_type: str, address: Any) -> None:
        """Log and count an event for which there is no handler; ``address``: who sent it, or None."""

        def tell() -> str:
            known = ", ".join(name for name in self._handlers if not name.startswith(RESERVED_PREFIX)) or "none"
            return f"there is no handler for it; known are: {known}"

        self._warn("unknown type", event_type, address, tell)

    def call(
        self,
        handler: RegisteredHandler,
        event_type: str,
        args: list[Any],
        kwargs: dict[str, Any],
        context: Mapping[str, Any],
        details: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call what :meth:`find` has found; the rest as in :meth:`dispatch`."""
        if kwargs or details or len(args) != handler.leading or len(context) != len(_CONTEXT):
            kwargs = handler.keyword_arguments(kwargs, context, details)
        else:
            for name in handler.last:
                args = [*args, context[name]]  # (by position is much faster than by name)
        try:
            return handler.function(*args, **kwargs)
        except TypeError:
            reason = handler.mismatch(args, kwargs)
            if reason is None:
                raise
        self._warn_of_mismatch(handler, event_type, reason, context.get("client_address"), [*context, *(details or {})])
        return None

    def _warn_of_mismatch(
        self, handler: RegisteredHandler, event_type: str, reason: str, address: Any, known: Iterable[str]
    ) -> None:
        self._warn(
            "wrong arguments",
            event_type,
            address,
            lambda: f"{reason}{handler.meant(reason, known)}; its handler takes {handler.signature}",
        )

    def _warn(self, kind: str, event_type: str, address: Any, tell: Callable[[], str]) -> None:
        """Count an event that was ignored, and log it with what ``tell`` returns; see MAX_TYPES_WARNED_OF."""
        self.failures[kind] += 1
        key = f"{kind} {event_type[:40]}"
        if key in self._warned or len(self._warned) >= self.MAX_TYPES_WARNED_OF:
            key = kind
        self._warned.add(key)
        sender = f" from {address}" if address else ""
        message = "Event %.80r%s was ignored (%s): %.400s"
        self._log.write(logging.WARNING, message, event_type, sender, kind, Late(tell), kind=key)
