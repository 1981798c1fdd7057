"""What each client may see: asks the game's view in each tick, and checks its answers."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .._diagnostics.log_lines import LogLines
from .._diagnostics.tracebacks import place_of
from .._io.clocks import fine_clock
from .._io.ports import Clock
from .._state.delta import diff
from .._state.merging import UpdateReader, merged
from .._state.tree import Tree, exactly_equal
from ..errors import InvalidValue, PygaseError

if TYPE_CHECKING:
    from .._protocol.endpoint import ServerEndpoint
    from .._protocol.server_peer import ServerProtocol
    from .state_keeper import Commit

View = Callable[[Tree, int], Any]
"""``see(tree, client_id) -> tree``: returns the part of a state that a client may see."""


class _Seen(NamedTuple):
    """A checked answer of a view. ``given`` stays alive as long as its id is known.

    :ivar delta: leads from ``before`` to ``tree``.
    """

    given: Any
    before: Tree
    tree: Tree
    delta: Tree


class Asked(Protocol):
    """What is asked for the tree of a client.

    :ivar called: its name in messages.
    """

    called: str

    def begin(self, commit: Commit) -> None:
        """Take the next state."""

    def ask(self, tree: Tree, client_id: int, before: Tree) -> tuple[Tree, Tree | None]:
        """Return the tree that a client may see, and the delta that leads there from ``before``; None: not known."""


class CheckedView:
    """Asks a view, and makes frozen trees of its answers. One answer for several clients makes one tree.

    Parts that an answer has in common with the client's last tree are shared with it, so they take no bytes.
    """

    def __init__(self, see: View) -> None:
        self._see = see
        self._reader = UpdateReader()
        self._known: dict[int, _Seen] = {}
        self.called = f"the view{place_of(see)}"

    def begin(self, commit: Commit) -> None:
        """Begin with a new state. Who may see all of it gets its own tree."""
        self._known = {id(commit.tree): _Seen(commit.tree, commit.before, commit.tree, commit.delta)}

    def ask(self, tree: Tree, client_id: int, before: Tree) -> tuple[Tree, Tree | None]:
        """Return the tree that a client may see, and the delta that leads there from ``before``; None: not known.

        :param before: the tree that the client has seen last.
        :raises InvalidValue: the view has returned what cannot be sent.
        """
        given = self._see(tree, client_id)
        seen = self._known.get(id(given))
        if seen is None:
            seen = self._known[id(given)] = self._checked(given, before)
        return seen.tree, seen.delta if seen.before is before else None

    def _checked(self, given: Any, before: Tree) -> _Seen:
        if not isinstance(given, Mapping):
            raise InvalidValue(
                f"{self.called} must return a dict of state attributes, such as {{**tree, 'secrets': {{}}}}, "
                f"got {given!r:.80}"
            )
        delta = diff(before, given if type(given) is dict else dict(given), exactly_equal)
        delta = self._reader.attribute_changes(before, delta, "what the view returned")
        return _Seen(given, before, merged(before, delta, {}) if delta else before, delta)


class Views:
    """Gives each client its own view of each state.

    :param view: the game's.
    :param is_debug: returns whether an exception of the view is raised. Otherwise it is logged, and the client goes on
        seeing what it saw last.
    :param note_seconds: called with the seconds that the view took in a tick.
    """

    def __init__(
        self, view: Asked, log: LogLines, is_debug: Callable[[], bool], note_seconds: Callable[[float], None]
    ) -> None:
        self._view = view
        self._log = log
        self._is_debug = is_debug
        self._note_seconds = note_seconds

    def push(self, commit: Commit, endpoint: ServerEndpoint, clock: Clock) -> bool:
        """Give a new state to all clients; return whether it has changed what anybody sees."""
        exact = fine_clock(clock)
        began_at = exact()
        changed = self.show(commit, endpoint, endpoint.peers.values())
        self._note_seconds(exact() - began_at)
        return changed

    def show(self, commit: Commit, endpoint: ServerEndpoint, peers: Iterable[ServerProtocol]) -> bool:
        """Give a state to some clients; return whether it has changed what one of them sees."""
        rings = endpoint.shared.views
        if rings is not None:
            rings.begin(commit.tick + 1, commit.tree, commit.time, commit.span)
        self._view.begin(commit)
        changed = False
        for peer in peers:
            seen = self._seen(commit.tree, peer)
            if seen is not None:
                tree, delta = seen
                changed |= peer.snapshots.ring.push(commit.tick + 1, tree, commit.time, commit.span, delta)
        return changed

    def _seen(self, tree: Tree, peer: ServerProtocol) -> tuple[Tree, Tree | None] | None:
        client_id = peer.client_id
        try:
            return self._view.ask(tree, client_id, peer.snapshots.ring.tree)
        except Exception as error:
            if self._is_debug():
                error.add_note(f"(raised by {self._view.called}, for client {client_id})")
                raise
            self._report(error, client_id)
            return None

    def _report(self, error: Exception, client_id: int) -> None:
        words = "%s, for client %d: %s. The client goes on seeing what it saw last"
        if isinstance(error, PygaseError):  # its sentence is complete
            self._log.write(logging.ERROR, words, self._view.called, client_id, error, kind="view")
        else:
            text = f"raised {error!r}"
            self._log.write(logging.ERROR, words, self._view.called, client_id, text, kind="view", error=error)


def check_view(view: Any) -> None:
    """Refuse a view that cannot be called, before the game begins.

    :raises TypeError: with the arguments of the call, and the function's parameters.
    """
    if not callable(view):
        raise TypeError(f"view must be a function of (tree, client_id) that returns a dict, got {view!r:.80}")
    try:
        signature = inspect.signature(view)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind({}, 1)
    except TypeError as error:
        raise TypeError(f"view is called with (tree, client_id); yours takes {signature}: {error}") from None
