"""What is done when the program ends: clients send their last words and say goodbye, servers in threads do, too.

The hook is a plain ``atexit`` one, since at that moment exactly the right things are true (CPython 3.11 to 3.14). The
threads that keep a program alive have ended; so nobody plays any more, which is not so yet when the private
``threading._register_atexit`` calls, as the end of the main thread is not the end of a program. The daemon threads, in
which our networks run, still run; a moment later they are frozen. Hooks run in reverse order, and ours is registered
when pygase is imported: a hook of the program's own, which may dispatch events, runs before it, and the end of logging
after it. No thread is started here, which the interpreter refuses by now.

A process that was forked has a copy of everything here, and the sockets of its parent: each entry counts only in the
process that made it.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import logging
import os
import sys
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from .clocks import monotonic

logger = logging.getLogger("pygase")

LAST_WORDS: Final = 0.5
"""Seconds that all clients together have, when the program ends, until their last events are acknowledged: three
resends on a link with a round trip of 100 ms. Nobody notices that a program takes so long to end."""

GRACE: Final = 0.25
"""Seconds that the goodbyes themselves may take on a busy machine, after which the program ends without them."""

A_MOMENT: Final = 1.0
"""Seconds: a program that ends so soon after it has started a server or game loop in a thread, before anybody was
there, did not mean to end."""

_POLL: Final = 0.005
"""Seconds between two looks, where nobody else looks."""


class Living(Protocol):
    """Somebody who has to say goodbye before the program ends."""

    ended: concurrent.futures.Future[Any]
    """Done when there is nobody to say goodbye to any more."""

    is_server: bool
    """Whether it is heard after the clients: one of them may be its own."""

    def leave(self) -> None:
        """Begin to say goodbye. Called in the main thread; does not block."""

    def pump(self) -> None:
        """Do the network's work, if there is no thread or loop that does it."""


_living: dict[int, tuple[int, weakref.ref[Living]]] = {}
"""By id: the process, and who lives there."""

_running: dict[int, tuple[int, _Running]] = {}
"""By id: the process, and what runs there in a thread that ends with the program."""


def note_living(living: Living) -> None:
    """Have somebody say goodbye when the program ends; until then, or until ``ended`` is done, they are remembered.

    Whoever is forgotten by everybody else is forgotten here.
    """
    key = id(living)
    _living[key] = (os.getpid(), weakref.ref(living, lambda _: _living.pop(key, None)))
    living.ended.add_done_callback(lambda _: _living.pop(key, None))


class _Running:
    """A server or game loop in a thread: since when, and what is said if the program ends at once."""

    def __init__(self, call: str, blocking_call: str, was_used: Callable[[], bool]) -> None:
        self.call = call
        self.blocking_call = blocking_call
        self.was_used = was_used
        self.started_at = monotonic()


def note_running(
    ended: concurrent.futures.Future[Any], call: str, blocking_call: str, was_used: Callable[[], bool]
) -> None:
    """Note that a server or a game loop starts in a thread that does not keep the program alive.

    :param ended: done when it has ended.
    :param call: the call that has started it, and ``blocking_call`` the one that would have blocked.
    :param was_used: tells whether any client has been there.
    """
    running = _Running(call, blocking_call, was_used)
    _running[id(running)] = (os.getpid(), running)
    ended.add_done_callback(lambda _: _running.pop(id(running), None))


def _warn() -> None:
    """Warn of a program that has started what it wanted to run, and has ended with that.

    Not of one that was used by a client, that ran for a while, that failed, or that somebody typed in a shell.
    """
    here = [running for process, running in tuple(_running.values()) if process == os.getpid()]
    if not here or hasattr(sys, "last_value") or hasattr(sys, "ps1") or sys.flags.interactive:
        return
    last = max(here, key=lambda running: running.started_at)
    age = monotonic() - last.started_at
    if age < A_MOMENT and not any(running.was_used() for running in here):
        logger.warning(
            "the program has ended %.2f s after %s, and that ends with it: a thread does not keep a program alive. "
            "Let the last line be %s, which blocks",
            age,
            last.call,
            last.blocking_call,
        )


def _leave_all() -> None:
    """The hook: warn, then let the clients end, then the servers."""
    _warn()
    there = [ref() for process, ref in tuple(_living.values()) if process == os.getpid()]
    living = [one for one in there if one is not None and not one.ended.done()]
    _leave([one for one in living if not one.is_server], LAST_WORDS + GRACE)
    _leave([one for one in living if one.is_server], GRACE)


def _leave(living: Iterable[Living], seconds: float) -> None:
    """Let some end, all at once, and wait until they have; so long at most."""
    give_up_at = monotonic() + seconds
    waiting = [one for one in living if _guarded(one.leave)]
    while waiting and monotonic() < give_up_at:
        concurrent.futures.wait([one.ended for one in waiting], _POLL)
        waiting = [one for one in waiting if not one.ended.done() and _guarded(one.pump)]


def _guarded(function: Callable[[], Any]) -> bool:
    """Call a function; return whether it has not raised. The program ends: nobody could do anything about it."""
    try:
        function()
    except Exception as error:
        logger.debug("a goodbye failed: %r", error)
        return False
    return True


atexit.register(_leave_all)
