"""Events, and the functions that handle them."""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ._diagnostics.log_lines import Late, LogLines
from ._state.event_codec import RESERVED_PREFIX as RESERVED_PREFIX
from .addresses import client_name
from .utils import Sendable

logger = logging.getLogger("pygase")

Handler = Callable[..., Any]

CLIENT_CONNECTED: Final = "pygase:client_connected"
"""Server: a client has connected. Handlers get, by name, ``client_id`` and ``profile`` (a dict, the client's word
for its player)."""
CLIENT_LOST: Final = "pygase:client_lost"
"""Server: a client no longer answers. It keeps its place for ``ServerConfig.resume_seconds``; then CLIENT_RESUMED or
CLIENT_LEFT follows. Handlers get ``client_id`` and ``client_address`` by name."""
CLIENT_RESUMED: Final = "pygase:client_resumed"
"""Server: a lost client is back, as the same client. Handlers get ``client_id``, ``client_address`` (the present one)
and ``is_new_process`` by name: True if the player's program was started again, so that it knows nothing of the game."""
CLIENT_LEFT: Final = "pygase:client_left"
"""Server: a client has left. Handlers get ``reason`` (DisconnectReason) and, by name, ``client_id``."""
CONNECTED: Final = "pygase:connected"
"""Client: the connection stands."""
RECONNECTING: Final = "pygase:reconnecting"
"""Client: the server no longer answers, and the client tries to reach it again. RECONNECTED or DISCONNECTED follows.
Handlers get ``seconds_left`` (float): for how long it will try."""
RECONNECTED: Final = "pygase:reconnected"
"""Client: the connection goes on, as the same client."""
EVENTS_LOST: Final = "pygase:events_lost"
"""Client: the server was restarted from a checkpoint, and does not remember some reliable events of this client.
Handlers get ``count`` (int)."""
DISCONNECTED: Final = "pygase:disconnected"
"""Client: the connection has ended. Handlers get ``reason`` (DisconnectReason) and ``detail`` (str)."""
ANY_EVENT: Final = "pygase:any"
"""A handler registered for this gets every event: ``handler(event_type, *args, **kwargs)``."""
_OWN_NAMES: Final = frozenset(
    {
        "CLIENT_CONNECTED",
        "CLIENT_LOST",
        "CLIENT_RESUMED",
        "CLIENT_LEFT",
        "CONNECTED",
        "RECONNECTING",
        "RECONNECTED",
        "EVENTS_LOST",
        "DISCONNECTED",
        "ANY_EVENT",
    }
)
SHUTDOWN_REQUEST: Final = "pygase:shutdown"
"""On the wire: the host asks the server to shut down."""


class Event(Sendable):
    """A happening that the other side handles.

    :param event_type: links the event to its handler.
    :param args, kwargs: the event's data; the same types as in a state.

    :ivar type: the event type; ``handler_args`` (list) and ``handler_kwargs`` (dict): the data.
    :ivar client_id: on the server, the sender's id; else None.
    :ivar client_address: on the server, where the sender was when the event arrived; else None.
    """

    client_id: int | None = None
    client_address: tuple[Any, ...] | None = None
    # -- plumbing: for PyGaSe's own parts, never for games

    sender: Any = None
    """The ``ClientEvents`` that account for the time of its handler; None for events of this side."""
    details: Mapping[str, Any] | None = None
    """Values that handlers of PyGaSe's own events may take by name."""

    def __init__(self, event_type: str, *args: Any, **kwargs: Any) -> None:
        self.type = event_type
        self.handler_args = list(args)
        self.handler_kwargs = kwargs

    def __repr__(self) -> str:
        data = [repr(arg) for arg in self.handler_args]
        data += [f"{name}={value!r}" for name, value in self.handler_kwargs.items()]
        return f"Event({', '.join([repr(self.type), *data])})"


_CONTEXT: Final = ("game_state", "dt", "client_id", "client_address")
"""Values that a handler may take by name besides the event's own data."""


SERVER_TICK: Final = "server_tick"
"""The name by which a client's handler may take the tick of the state that precedes an event."""

SENDER: Final = frozenset({"client_id", "client_address"})
"""Names under which a wire finds the sender among an event's keyword arguments."""


def handler_name(event_type: str) -> str:
    """Return the words for an event's handler in a log line. PyGaSe's own events have names without quotes."""
    if event_type.startswith(RESERVED_PREFIX):
        return f"the handler of {_shown_type(event_type)}"
    return f"the handler of event {event_type!r}"


def _shown_type(event_type: str) -> str:
    """Return an event type as a program writes it: PyGaSe's own are constants in capitals."""
    is_own = event_type.startswith(RESERVED_PREFIX)
    return event_type.removeprefix(RESERVED_PREFIX).upper() if is_own else event_type


def takes(function: Callable[..., Any], name: str) -> bool:
    """Return whether a function has a parameter of that name; ``**kwargs`` does not count."""
    try:
        parameter = inspect.signature(function).parameters.get(name)
    except (TypeError, ValueError):  # some built-in functions have none
        return False
    return parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)


class RegisteredHandler:
    """A handler, and the values of the context, such as ``client_id``, that its signature takes by name."""

    __slots__ = (
        "accepts_all",
        "function",
        "is_own",
        "last",
        "leading",
        "names",
        "signature",
        "sole",
        "usual",
    )

    def __init__(self, event_type: str, function: Handler) -> None:
        self.is_own = event_type.startswith(RESERVED_PREFIX)
        """Whether it handles one of PyGaSe's own events."""
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
        """Number of parameters before those of the context; -1 if the context's are not the last ones."""
        self.last = tuple(order[self.leading :])
        """The parameters of the context, in their order, if no others stand between or after them."""
        if set(self.last) != set(self.usual) or len(order) != len(parameters) or self._is_wrapped():
            self.leading = -1
        self.sole = self.last[0] if len(self.last) == 1 else ""
        """The only value of the context that it takes; "" if there are none or more."""

    def _is_wrapped(self) -> bool:
        """Return whether the signature may be that of another function, such as one that a decorator has wrapped."""
        try:
            own = inspect.signature(self.function, follow_wrapped=False)
        except (TypeError, ValueError):  # the wrapped function has one, the wrapper has none
            return True
        return own != self.signature or hasattr(self.function, "__signature__")

    def keyword_arguments(
        self, kwargs: dict[str, Any], context: Mapping[str, Any], details: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return an event's ``kwargs``, with the values of ``context`` and ``details`` that the signature takes."""
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
        """Return a guess at the mistake, as words to add to a message; "" without a guess.

        :param mismatch: the message of the TypeError; ``known``: names that the handler could have taken.
        """
        if "multiple values" in mismatch:
            return f" (write the event's own values first, and {', '.join(self.usual)} after them)"
        from difflib import get_close_matches  # only here: it is needed for mistakes alone

        # (not `dt`: too many names are close to two letters)
        free = [name for name in known if name not in self.names and name != "dt"]
        for name in self.names:
            close = get_close_matches(name, free, 1) if repr(name) in mismatch else []
            if close:
                return f" (did you mean {close[0]!r}?)"
        return ""


def _sender_in(context: Mapping[str, Any]) -> str:
    """Return the name of an event's sender in a log; "" for an event of this side."""
    return client_name(context.get("client_id"), context.get("client_address"))


class UniversalEventHandler:
    """Finds and calls the handler of an event.

    :ivar failures: number of events that could not be handled, by ``"unknown type"`` and ``"wrong arguments"``.
    """

    MAX_TYPES_WARNED_OF: Final = 16
    """Event types that get a log line of their own. All others share one line a second, so no peer can fill the log."""

    def __init__(self, log: LogLines | None = None) -> None:
        self._handlers: dict[str, RegisteredHandler] = {}
        self._replaced: set[str] = set()
        self._log = log if log is not None else LogLines()
        self._warned: set[str] = set()
        self.failures: Counter[str] = Counter()

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Link a function or coroutine function to an event type. A later one replaces an earlier one; the log notes it
        once.

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
                "a handler for events of the type %r, which is not PyGaSe's own; for PyGaSe's own write "
                "the name without quotes: from pygase import %s",
                *(event_type,) * 2,
            )
        self._note_replaced(event_type, event_handler_function)
        self._handlers[event_type] = RegisteredHandler(event_type, event_handler_function)

    def unregister_event_handler(self, event_type: str) -> bool:
        """Drop the handler of an event type; return whether there was one."""
        return self._handlers.pop(event_type, None) is not None

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

    # -- plumbing: for PyGaSe's own parts, never for games -----------------------------------------------------------

    @property
    def kinds_warned_of(self) -> int:
        """Number of kinds of ignored events with a log line of their own."""
        return len(self._warned)

    def has_event_type(self, event_type: str) -> bool:
        """Return whether there is a handler for that type."""
        return event_type in self._handlers

    def takes(self, event_type: str, name: str) -> bool:
        """Return whether the handler of that type has a parameter of that name."""
        handler = self._handlers.get(event_type)
        return handler is not None and name in handler.names

    @property
    def find(self) -> Callable[[str], RegisteredHandler | None]:
        """A function that returns the handler of an event type, for :meth:`call`, or None."""
        return self._handlers.get

    def function_for(self, event_type: str) -> Handler | None:
        """Return the function that handles that type, or None."""
        handler = self._handlers.get(event_type)
        return handler.function if handler is not None else None

    @property
    def event_types(self) -> list[str]:
        """The types for which there is a handler."""
        return list(self._handlers)

    def types_that_get(self, name: str) -> list[str]:
        """Return the types whose handlers get the value of that name from the context."""
        return [kind for kind, handler in self._handlers.items() if handler.accepts_all or name in handler.names]

    @property
    def is_empty(self) -> bool:
        """True if there is no handler at all."""
        return not self._handlers

    def handle(self, event: Event, **context: Any) -> Any:
        """Call the event's handler with its data, and with the values of ``context`` that its signature takes.

        Return the handler's result, a coroutine if it is a coroutine function; None for an unknown type or for
        arguments that do not fit, which are logged and counted. An exception of the handler passes through.
        """
        kwargs = event.handler_kwargs
        if event.client_id is not None:  # a wire finds the sender among them, and a handler need not take it
            kwargs = {name: value for name, value in kwargs.items() if name not in SENDER}
            context = {"client_id": event.client_id, "client_address": event.client_address, **context}
        others = {name: value for name, value in context.items() if name not in _CONTEXT}
        usual = {name: value for name, value in context.items() if name in _CONTEXT}
        return self.dispatch(event.type, event.handler_args, kwargs, usual, {**(event.details or {}), **others})

    def dispatch(
        self,
        event_type: str,
        args: list[Any],
        kwargs: dict[str, Any],
        context: Mapping[str, Any],
        details: Mapping[str, Any] | None = None,
    ) -> Any:
        """Like :meth:`handle`, for an event in pieces.

        :param context: ``game_state``, ``dt``, ``client_id``, ``client_address``, or some of them.
        :param details: further values that the handler may take by name.
        """
        handler = self._handlers.get(event_type)
        if handler is None:
            self.warn_of_unknown(event_type, _sender_in(context))
            return None
        return self.call(handler, event_type, args, kwargs, context, details)

    def warn_of_unknown(self, event_type: str, sender: str) -> None:
        """Log and count an event without a handler; ``sender``: its name in a log, or ""."""

        def explain() -> str:
            known = ", ".join(_shown_type(name) for name in self._handlers) or "none"
            return f"there is no handler for it; known are: {known}"

        self._warn("unknown type", event_type, sender, explain)

    def call(
        self,
        handler: RegisteredHandler,
        event_type: str,
        args: list[Any],
        kwargs: dict[str, Any],
        context: Mapping[str, Any],
        details: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a handler that :meth:`find` has returned; the other parameters as in :meth:`dispatch`."""
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
        self._warn_of_mismatch(handler, event_type, reason, _sender_in(context), [*context, *(details or {})])
        return None

    def _warn_of_mismatch(
        self, handler: RegisteredHandler, event_type: str, reason: str, sender: str, known: Iterable[str]
    ) -> None:
        self._warn(
            "wrong arguments",
            event_type,
            sender,
            lambda: f"{reason}{handler.meant(reason, known)}; its handler takes {handler.signature}",
        )

    def _warn(self, kind: str, event_type: str, sender: str, explain: Callable[[], str]) -> None:
        """Count an ignored event, and log it with the words of ``explain``; see MAX_TYPES_WARNED_OF."""
        self.failures[kind] += 1
        key = f"{kind} {event_type[:40]}"
        if key in self._warned or len(self._warned) >= self.MAX_TYPES_WARNED_OF:
            key = kind
        self._warned.add(key)
        sender = f" from {sender}" if sender else ""
        message = "Event %.80r%s was ignored (%s): %.400s"
        self._log.write(logging.WARNING, message, event_type, sender, kind, Late(explain), kind=key)
