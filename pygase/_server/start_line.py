"""The line that says where a server serves: in the log, and on the terminal of a program without a log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from .._io.interfaces import get_available_ip_addresses
from ..addresses import is_everywhere, is_loopback

logger = logging.getLogger("pygase")

CTRL_C: Final = "%s. Ctrl-C ends it."


class Bound(Protocol):
    """A server whose socket is open."""

    @property
    def hostname(self) -> str | None:
        """The host name to which it is bound."""

    @property
    def port(self) -> int | None:
        """Its port."""


AnyBound = TypeVar("AnyBound", bound=Bound)


def log_start(hostname: str, port: int) -> None:
    """Log where a server serves, at the level INFO."""
    logger.info("%s", place(hostname, port))


def after_bound(server: AnyBound, on_bound: Callable[[AnyBound], Any] | None) -> Callable[[], Any]:
    """Return the function that a blocking ``run`` calls once its server is bound.

    :param on_bound: the program's own function. A program that gives one prints what it likes, so nothing is shown.
    """
    if on_bound is None:
        return lambda: show_start(server)
    return lambda: on_bound(server)


def show_start(server: Bound) -> None:
    """Show where a server serves on the terminal of a program that has not configured its logging.

    Without it the program looks as if it hangs. Nothing is shown where no person reads it, nor to a program that has
    silenced this logger.
    """
    hostname, port, last_resort = server.hostname, server.port, logging.lastResort
    if hostname is None or port is None or last_resort is None:
        return
    if not logger.hasHandlers() and logger.isEnabledFor(logging.WARNING) and _stderr_is_a_terminal():
        words = (place(hostname, port),)
        last_resort.handle(logger.makeRecord(logger.name, logging.INFO, __file__, 0, CTRL_C, words, None))


def place(hostname: str, port: int) -> str:
    """Return the sentence without its full stop, since it goes on after an address."""
    if is_everywhere(hostname):
        others = get_available_ip_addresses()[0]
        return f"PyGaSe serves at port {port} of all addresses of this machine, such as {others}"
    whose = ", for this machine alone" if is_loopback(hostname) else ""
    return f"PyGaSe serves at {hostname}, port {port}{whose}"


def _stderr_is_a_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # it is closed
        return False
