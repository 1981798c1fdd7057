"""Small tools for all other modules. Standard library only; `Sendable` imports msgpack when it is used."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, overload

T = TypeVar("T")


def wants_compiled() -> bool:
    """Return whether the part written in C may be used: not if ``PYGASE_PUREPYTHON`` is set."""
    return not os.environ.get("PYGASE_PUREPYTHON")


def fits(compiled: ModuleType, revision: int) -> bool:
    """Return whether a compiled module was built from the present sources. A checkout may be newer than its build."""
    if getattr(compiled, "REVISION", None) == revision:
        return True
    import logging

    logging.getLogger("pygase").warning(
        "%s was built of other sources than these, so it is not used, and a server takes more CPU time: install pygase "
        "again (pip install -e .)",
        compiled.__name__,
    )
    return False


class Comparable:
    """Base class of objects that are equal if they have the same type and equal attributes."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # attributes change, so it is no key for a dict


class Sendable(Comparable):
    """Base class of objects that msgpack turns into bytes and back.

    Attributes may be `str`, `bytes`, `Sqn`, `int`, `float`, `bool`, `None`, and lists, tuples and dicts (with `str` or
    `int` keys) of these. Tuples come back as lists, sequence numbers as plain ints.
    """

    def to_bytes(self) -> bytes:
        """Return all attributes as bytes for `from_bytes`.

        Raises `TypeError` with the name of the attribute if msgpack cannot serialise its value.
        """
        try:
            return _pack(vars(self))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise TypeError(f"{type(self).__name__}{_first_unsendable(vars(self))} cannot be sent: {error}") from error

    @classmethod
    def from_bytes(cls, bytepack: bytes) -> Self:
        """Return an object of this class with the attributes in `bytepack`. `__init__` is not called.

        Raises `TypeError` if `bytepack` was not made by `to_bytes`.
        """
        received = cls.__new__(cls)
        vars(received).update(_unpack_attributes(bytepack, cls.__name__))
        return received


def _pack(value: object) -> bytes:
    import msgpack

    packed: bytes = msgpack.packb(value)
    return packed


def _first_unsendable(attributes: dict[str, Any]) -> str:
    """Return ".name (a type)" of the first attribute that msgpack refuses, or an empty text."""
    for name, value in attributes.items():
        try:
            _pack(value)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return f".{name} (a {type(value).__name__})"
    return ""


def _unpack_attributes(bytepack: bytes, class_name: str) -> dict[str, Any]:
    import msgpack

    expected = f"expected the bytes of a {class_name}, made by its to_bytes()"
    try:
        attributes = msgpack.unpackb(bytepack, strict_map_key=False)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise TypeError(f"{expected}, but this is not msgpack: {error}") from error
    if not isinstance(attributes, dict) or not all(isinstance(name, str) for name in attributes):
        raise TypeError(f"{expected}, which hold a dict of attributes, but these hold {attributes!r:.80}")
    return attributes


class NamedEnum:
    """Names for the ints 0, 1, 2 and so on, in the order of their registration.

    Each subclass has its own names. ``class Weather(NamedEnum, first=2)`` begins with 2 instead of 0::

        class Weather(NamedEnum):
            "Kinds of weather."

        Weather.register("Rain")
        Weather.register("Snow")
        Weather.get("Snow")  # 1
        Weather.get(1)       # "Snow"
    """

    _names: ClassVar[list[str]] = []
    _first: ClassVar[int] = 0

    def __init_subclass__(cls, *, first: int = 0, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._names = []
        cls._first = first

    @overload
    @classmethod
    def get(cls, name_or_value: str) -> int: ...

    @overload
    @classmethod
    def get(cls, name_or_value: int) -> str: ...

    @classmethod
    def get(cls, name_or_value: str | int) -> int | str:
        """Return the value (int) of a name (str), or the name of a value.

        Raises `TypeError` if the argument is neither, `ValueError` if it is not in this enum.
        """
        if isinstance(name_or_value, bool) or not isinstance(name_or_value, (str, int)):
            came = type(name_or_value).__name__
            raise TypeError(f"{cls.__name__}.get() takes a name (str) or a value (int), not a {came}")
        if isinstance(name_or_value, str) and name_or_value in cls._names:
            return cls._first + cls._names.index(name_or_value)
        if isinstance(name_or_value, int) and 0 <= name_or_value - cls._first < len(cls._names):
            return cls._names[name_or_value - cls._first]
        raise ValueError(f"{cls.__name__} has no {name_or_value!r}; it knows {cls._known()}")

    @classmethod
    def register(cls, name: str) -> None:
        """Add `name` with the next free value. A known name keeps its value.

        Raises `TypeError` if `name` is no text.
        """
        if not isinstance(name, str):
            raise TypeError(f"{cls.__name__}.register() takes a name (str), not a {type(name).__name__}")
        if name not in cls._names:
            cls._names.append(name)

    @classmethod
    def _known(cls) -> str:
        return ", ".join(f"{name!r} ({value})" for value, name in enumerate(cls._names, cls._first)) or "no names yet"


class Sqn(int):
    """A sequence number: an int that continues with 1 after its largest value.

    With the default size of two bytes, 65535 is followed by 1. The 0 means "before the start": counting never returns
    to it, and all other numbers come after it.

    - Adding an int moves along the circle; a negative int moves backwards.
    - Subtracting returns an ordinary int: the steps from the other number to this one, the shorter way round.
    - `<`, `>`, `<=`, `>=` compare by the shorter way round: ``Sqn(5) > Sqn(65500)``.
    - Equality and hash are those of the int.
    """

    _bytesize: ClassVar[int] = 2

    def __new__(cls, value: int = 0) -> Self:
        """Raise `TypeError` if `value` is no int, `ValueError` if it is outside 0 to `get_max_sequence()`."""
        if not isinstance(value, int):
            raise TypeError(f"a sequence number is made from an int, not from a {type(value).__name__}")
        if not 0 <= int(value) <= cls.get_max_sequence():  # int(): two Sqn would compare round the circle
            raise ValueError(f"a sequence number is from 0 to {cls.get_max_sequence()}, not {int(value)}")
        return super().__new__(cls, value)

    @classmethod
    def set_bytesize(cls, bytesize: int) -> None:
        """Set the number of bytes of ALL sequence numbers. The default is 2.

        :raises ValueError: if it is not 1 to 8.
        """
        if not isinstance(bytesize, int) or not 1 <= bytesize <= 8:
            raise ValueError(f"the size of a sequence number is 1 to 8 bytes, not {bytesize!r}")
        cls._bytesize = bytesize

    @classmethod
    def get_max_sequence(cls) -> int:
        """Return the largest sequence number. The next one is 1."""
        return (1 << 8 * cls._bytesize) - 1

    @classmethod
    def from_sqn_bytes(cls, bytepack: bytes) -> Self:
        """Return the sequence number in `bytepack`, which `to_sqn_bytes` has made.

        Raises `TypeError` if it is not bytes, `ValueError` if it is too short or too long.
        """
        if not isinstance(bytepack, (bytes, bytearray, memoryview)):
            raise TypeError(f"expected the bytes of a sequence number, not a {type(bytepack).__name__}")
        if len(bytepack) != cls._bytesize:
            raise ValueError(f"the bytes of a sequence number are {cls._bytesize}, not {len(bytepack)}")
        return cls(int.from_bytes(bytepack, "big"))

    def to_sqn_bytes(self) -> bytes:
        """Return this number as two bytes (or the size of `set_bytesize`), most significant byte first."""
        return int.to_bytes(self, self._bytesize, "big")

    def __add__(self, other: int) -> Self:
        if not isinstance(other, int):
            return NotImplemented
        if other == 0:
            return self
        return type(self)((int(self) + int(other) - 1) % self.get_max_sequence() + 1)

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        if not isinstance(other, int):
            return NotImplemented
        return self._steps_from(type(self)(other))

    def __rsub__(self, other: int) -> int:
        if not isinstance(other, int):
            return NotImplemented
        return -self._steps_from(type(self)(other))

    def __lt__(self, other: int) -> bool:
        return NotImplemented if not isinstance(other, int) else self._order(other) < 0

    def __le__(self, other: int) -> bool:
        return NotImplemented if not isinstance(other, int) else self._order(other) <= 0

    def __gt__(self, other: int) -> bool:
        return NotImplemented if not isinstance(other, int) else self._order(other) > 0

    def __ge__(self, other: int) -> bool:
        return NotImplemented if not isinstance(other, int) else self._order(other) >= 0

    def _steps_from(self, other: int) -> int:
        """Negative if `other` comes after this number."""
        steps = int(self) - int(other)
        if self == 0 or other == 0:  # nothing is before the start, so there is only one way
            return steps
        circle = self.get_max_sequence()
        half = circle // 2
        return (steps + half) % circle - half

    def _order(self, other: int) -> int:
        """Return a number below, at or above 0 if this one comes before, with or after `other`."""
        if 0 <= int(other) <= self.get_max_sequence():
            return self._steps_from(other)
        return int(self) - int(other)  # `other` is no sequence number, so both compare as ints


class LockedResource(Generic[T]):
    """An object that one thread at a time may use::

        scores = LockedResource({})
        with scores as resource:
            resource["anna"] = 3

    Attributes: `lock`, and `resource` for the thread that holds the lock. This thread may enter again.
    """

    def __init__(self, resource: T) -> None:
        self.lock = threading.RLock()
        self.resource = resource

    @property
    def ressource(self) -> T:
        """The old spelling of `resource`."""
        return self.resource

    @ressource.setter
    def ressource(self, value: T) -> None:
        self.resource = value

    def __enter__(self) -> T:
        self.lock.acquire()
        return self.resource

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.lock.release()


LockedRessource = LockedResource
"""The old spelling of `LockedResource`."""


def imported_when_used(
    package: str, modules: Mapping[str, str], before: Callable[[], None] = lambda: None
) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module whose names are imported when they are used.

    :param package: the module's ``__name__``.
    :param modules: each name, and the full name of the module that has it, with ``:other`` behind it if the name is
        another one there. A public module stands under its own name: ``{"hud": "pygase_pygame.app.hud"}``.
    :param before: called before the first import.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        before()
        path, _, attribute = modules[name].partition(":")
        module = import_module(path)
        value = module if path.endswith(f".{name}") else getattr(module, attribute or name)
        setattr(sys.modules[package], name, value)
        return value

    return get


if TYPE_CHECKING:

    def get_available_ip_addresses() -> list[str]:
        """The old path of `pygase.get_available_ip_addresses`."""
        ...


__getattr__ = imported_when_used(__name__, {"get_available_ip_addresses": "pygase._io.interfaces"})
