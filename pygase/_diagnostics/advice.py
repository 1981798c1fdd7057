"""Advice on values that cannot be sent: one sentence for each type that games use.

Types are found by module and name, so nothing is imported for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

BASE_RULE: Final = "use str, bytes, int, float, bool, None, or lists, tuples and dicts of these"

_AS_LIST: Final = "send list(it)"
_AS_TEXT: Final = "send str(it)"
_REBUILT: Final = "makes one of that where it arrives"
_OF_PYGAME: Final = "objects of pygame stay on their machine: send the numbers and texts that they are made from"
_FUNCTION: Final = "functions cannot travel: send a name (or did you forget the brackets of a call?)"

_WAYS_OUT: Final[dict[str, str]] = {
    "builtins.set": f"send sorted(it) or list(it); set(...) {_REBUILT}",
    "builtins.frozenset": f"send sorted(it) or list(it); frozenset(...) {_REBUILT}",
    "builtins.complex": f"send [it.real, it.imag]; complex(*...) {_REBUILT}",
    "builtins.range": _AS_LIST,
    "builtins.dict_keys": _AS_LIST,
    "builtins.dict_values": _AS_LIST,
    "builtins.dict_items": "send dict(it)",
    "builtins.mappingproxy": "send dict(it)",
    "builtins.generator": _AS_LIST,
    "builtins.map": _AS_LIST,
    "builtins.filter": _AS_LIST,
    "builtins.zip": _AS_LIST,
    "builtins.memoryview": "send bytes(it)",
    "builtins.coroutine": "it is a call that waits for its await: send what `await` returns",
    "builtins.function": _FUNCTION,
    "builtins.method": _FUNCTION,
    "builtins.builtin_function_or_method": _FUNCTION,
    "builtins.type": "classes cannot travel: send a name",
    "builtins.module": "modules cannot travel: send a name",
    "collections.deque": _AS_LIST,
    "array.array": "send it.tolist()",
    "decimal.Decimal": f"send str(it), or float(it) if rounding does no harm; Decimal(...) {_REBUILT}",
    "fractions.Fraction": f"send [it.numerator, it.denominator]; Fraction(*...) {_REBUILT}",
    "datetime.datetime": f"send it.timestamp(); datetime.fromtimestamp(...) {_REBUILT}",
    "datetime.date": f"send it.isoformat(); date.fromisoformat(...) {_REBUILT}",
    "datetime.time": f"send it.isoformat(); time.fromisoformat(...) {_REBUILT}",
    "datetime.timedelta": f"send it.total_seconds(); timedelta(seconds=...) {_REBUILT}",
    "uuid.UUID": _AS_TEXT,
    "pathlib.PurePath": _AS_TEXT,
    "pathlib._local.PurePath": _AS_TEXT,  # its module in Python 3.13
    "numpy.generic": "send it.item(), which is a plain number",
    "numpy.ndarray": f"send it.tolist(); numpy.array(...) {_REBUILT}",
    "pygame.math.Vector2": f"send [it.x, it.y]; pygame.Vector2(...) {_REBUILT}",
    "pygame.math.Vector3": f"send [it.x, it.y, it.z]; pygame.Vector3(...) {_REBUILT}",
    "pygame.rect.Rect": f"send list(it), which is [x, y, width, height]; pygame.Rect(...) {_REBUILT}",
    "pygame.rect.FRect": f"send list(it), which is [x, y, width, height]; pygame.FRect(...) {_REBUILT}",
    "pygame.color.Color": f"send list(it), which is [red, green, blue, alpha]; pygame.Color(...) {_REBUILT}",
    "pygame.sprite.Sprite": "send what a client needs to draw it, such as {'x': it.rect.x, 'y': it.rect.y}; each "
    "client has sprites of its own",
    "pygame.sprite.AbstractGroup": "send a dict with the numbers of each sprite; each client has sprites of its own",
    "pygame.key.ScancodeWrapper": "send only the keys that the game needs, by name: {'left': keys[pygame.K_LEFT]} "
    "(pygase_pygame.Controls makes such a dict: controls.take())",
    "pygame.event.Event": "send only what the game needs of it, such as it.key or list(it.pos)",
    "pygame.surface.Surface": "pictures stay on their machine: send the name of the file, or what it is drawn from",
    "pygase.gamestate.GameState": "send the attributes that are needed, such as [it.score]",
}
"""Module and name of a type, or of one of its bases → advice for its values. ``it`` is the value."""

_KEY_WAYS_OUT: Final[dict[str, str]] = {
    "builtins.bool": "write int(key) or str(key)",
    "builtins.float": "write str(key), or round(key) if it is a whole number",
    "builtins.NoneType": "write a text such as 'none'",
    "builtins.bytes": "write key.hex() or key.decode()",
    "builtins.frozenset": "write a text such as ' '.join(sorted(key))",
    "numpy.integer": "write int(key)",
    "enum.Enum": "write key.name",
    "uuid.UUID": "write str(key)",
}
"""The same for keys of dicts."""


def type_name(value: Any) -> str:
    """Return the name of a value's type, with its module unless it is a builtin or of the program's main file."""
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def only_looks_plain(value: Any) -> bool:
    """Return whether a value has a plain base type but loses its meaning in it: the pressed keys of pygame."""
    return "pygame.key.ScancodeWrapper" in _names(value)


def way_out(value: Any) -> str:
    kind = type(value)
    for name in _names(value):
        if name in _WAYS_OUT:
            return _WAYS_OUT[name]
        if name == "enum.Enum":
            return f"send it.name; {kind.__name__}[...] {_REBUILT}"
    if hasattr(kind, "__dataclass_fields__"):
        return f"send dataclasses.asdict(it); {kind.__name__}(**...) {_REBUILT}"
    if kind.__module__.partition(".")[0] == "pygame":
        return _OF_PYGAME
    attributes = ", ".join(f"{name!r}: it.{name}" for name in islice(_attributes(value), 3))
    return f"send its attributes by name: {{{attributes}}}" if attributes else BASE_RULE


def key_way_out(key: Any) -> str:
    if isinstance(key, tuple):
        if len(key) >= 2 and isinstance(key[0], str) and isinstance(key[1], int):
            return "write str(key); for a client write its id, client_id, instead of its address"
        return "write a text such as f'{x},{y}', or nest dicts: {x: {y: ...}}"
    advice = (_KEY_WAYS_OUT[name] for name in _names(key) if name in _KEY_WAYS_OUT)
    return next(advice, "write a number or a name that stands for it")


def _names(value: Any) -> Iterator[str]:
    """Yield module and name of a value's type and its bases, nearest first."""
    for kind in type(value).__mro__:
        yield f"{kind.__module__}.{kind.__qualname__}"


def _attributes(value: Any) -> Iterator[str]:
    names = [*getattr(value, "__dict__", ())]
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else slots
    return (name for name in names if isinstance(name, str) and not name.startswith("_"))
