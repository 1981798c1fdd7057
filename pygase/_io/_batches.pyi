"""Many datagrams with one system call, on Linux."""

from collections.abc import Callable, Iterable
from typing import Any, Final

REVISION: Final[int]

def receive(
    fd: int, limit: int, arrivals: list[tuple[bytes, tuple[Any, ...], float]], now: float, since: float
) -> None: ...
def send(
    fd: int,
    family: int,
    datagrams: Iterable[tuple[bytes, tuple[Any, ...]]],
    otherwise: Callable[[bytes, tuple[Any, ...]], None],
) -> None: ...
