"""Many datagrams with one system call, on Linux."""

from collections.abc import Callable, Iterable
from typing import Any, Final

REVISION: Final[int]

def receive(fd: int, limit: int, datagrams: list[tuple[bytes, tuple[Any, ...]]]) -> None: ...
def send(
    fd: int,
    family: int,
    datagrams: Iterable[tuple[bytes, tuple[Any, ...]]],
    otherwise: Callable[[bytes, tuple[Any, ...]], None],
) -> None: ...
