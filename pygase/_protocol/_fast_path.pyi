"""fast_path.py in C, where it could be built."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from .snapshots import SnapshotRing

REVISION: Final[int]

def configure(
    *,
    classes: tuple[type[Any], type[Any], type[Any], type[Any], type[Any]],
    full_mask: int,
    data: int,
    event: int,
    ack_soon: int,
    few: int,
    times_mask: int,
    no_ack_delay: int,
    max_message_room: int,
    time_unit: float,
) -> None: ...
def receive(
    datagrams: Iterable[tuple[bytes, tuple[Any, ...]]],
    by_token: Any,
    inbox: deque[Any],
    now: float,
    ack_due_at: float,
    otherwise: Callable[..., None],
) -> float: ...
def state_datagrams(
    peers: Iterable[Any],
    others: list[Any],
    ring: SnapshotRing,
    now: float,
    soon: float,
    wire_now: int,
) -> Iterator[tuple[bytes, tuple[Any, ...]]]: ...
