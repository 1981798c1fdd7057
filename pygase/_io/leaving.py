"""The end of the program: clients send their last events and say goodbye, and so do servers in threads.

The hook is a plain ``atexit`` hook, because of the moment at which it runs (CPython 3.11 to 3.14):

- The threads that keep a program alive have ended. (The private ``threading._register_atexit`` calls earlier, when only
  the main thread has ended.)
- The daemon threads, in which our networks run, still run. A moment later they are frozen.
- Hooks run in reverse order, and ours is registered when pygase is imported. So hooks of the program, which may
  dispatch events, run before it, and the end of logging runs after it.
- The interpreter refuses new threads, so none is started here.

A forked process has a copy of everything here, and the sockets of its parent. So each entry counts only in the process
that made it.
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
"""Seconds for the last events of all clients to be acknowledged when the program ends: three resends on a link with a
round trip of 100 ms."""

GRACE: Final = 0.25
"""Seconds for the goodbyes themselves on a busy machine. After that the program ends without them."""

MEANT_TO_RUN: Final = 1.0
"""Seconds. A program that ends sooner after starting a server or game loop in a thread, without any client, did not
mean to end."""

_POLL: Final = 0.005


class Living(Protocol):
    """A client's session or a server's run, which says goodbye before the program ends."""

    ended: concurrent.futures.Future[Any]
    """Done when it has ended and needs no goodbye."""

    is_server: bool
    """Whether it is a server, which leaves after the clients: one of them may be its own player."""

    def leave(self) -> None:
        """Begin to say goodbye. Called in the main thread; must not block."""

    def pump(self) -> None:
        """Do the network's work once, unless a thread or a loop does it."""


_living: dict[int, tuple[int, weakref.ref[Living]]] = {}
"""Id → its process, and the object that has to leave."""

_running: dict[int, tuple[int, _Running]] = {}
"""Id → its process, and a server or game loop in a thread that ends with the program."""


def note_living(living: Living) -> None:
    """Only a weak reference to the session or run is kept."""
    key = id(living)
    _living[key] = (os.getpid(), weakref.ref(living, lambda _: _living.pop(key, None)))
    living.ended.add_done_callback(lambda _: _living.pop(key, None))


class _Running:
    def __init__(self, call: str, blocking_call: str, was_used: Callable[[], bool]) -> None:
        self.call = call
        self.blocking_call = blocking_call
        self.was_used = was_used
        self.started_at = monotonic()


def note_running(
    ended: concurrent.futures.Future[Any], call: str, blocking_call: str, was_used: Callable[[], bool]
) -> None:
    """Note that a server or game loop starts in a thread that does not keep the program alive.

    :param ended: done when it has ended.
    :param call: its call, such as ``"backend.run_in_thread(...)"``; ``blocking_call``: the call that blocks instead.
    :param was_used: returns whether any client has been there.
    """
    running = _Running(call, blocking_call, was_used)
    _running[id(running)] = (os.getpid(), running)
    ended.add_done_callback(lambda _: _running.pop(id(running), None))


def _warn() -> None:
    """Log a warning if the program ends right after it has started a server or game loop in a thread.

    There is no warning if a client has been there, if the program ran for a while or failed, or in a shell.
    """
    here = [running for process, running in tuple(_running.values()) if process == os.getpid()]
    if not here or hasattr(sys, "last_value") or hasattr(sys, "ps1") or sys.flags.interactive:
        return
    last = max(here, key=lambda running: running.started_at)
    age = monotonic() - last.started_at
    if age < MEANT_TO_RUN and not any(running.was_used() for running in here):
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
    referred = [ref() for process, ref in tuple(_living.values()) if process == os.getpid()]
    living = [one for one in referred if one is not None and not one.ended.done()]
    _leave([one for one in living if not one.is_server], LAST_WORDS + GRACE)
    _leave([one for one in living if one.is_server], GRACE)


def _leave(living: Iterable[Living], seconds: float) -> None:
    """Let all leave together, and wait for their ends, ``seconds`` at most."""
    give_up_at = monotonic() + seconds
    waiting = [one for one in living if _guarded(one.leave)]
    while waiting and monotonic() < give_up_at:
        concurrent.futures.wait([one.ended for one in waiting], _POLL)
        waiting = [one for one in waiting if not one.ended.done() and _guarded(one.pump)]


def _guarded(function: Callable[[], Any]) -> bool:
    """Call a function; return whether it has succeeded. The program ends, so an exception is only logged."""
    try:
        function()
    except Exception as error:
        logger.debug("a goodbye failed: %r", error)
        return False
    return True


atexit.register(_leave_all)
