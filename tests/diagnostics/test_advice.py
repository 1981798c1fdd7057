"""A value that cannot be sent is refused with its type, its module and an expression that can be sent."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import uuid
from typing import Any

import pygame
import pytest

from pygase._diagnostics.advice import BASE_RULE
from pygase._protocol.inputs import MAX_INPUT_BYTES
from pygase._state.event_codec import encode_event, encode_input
from pygase._state.tree import Cleaner
from pygase.errors import InvalidValue
from pygase.gamestate import GameState
from pygase.store import GameStateStore


class Team(enum.Enum):
    RED = object()
    BLUE = "blue"


@dataclasses.dataclass
class Ship:
    x: float
    crew: list[str]


class Tower:
    def __init__(self) -> None:
        self.height = 3
        self.name = "keep"
        self._cache = object()


class Slotted:
    __slots__ = ("_hidden", "x", "y")

    def __init__(self) -> None:
        self.x, self.y = 1, 2


class Player(pygame.sprite.Sprite):
    def __init__(self) -> None:
        super().__init__()
        self.rect = pygame.Rect(3, 4, 5, 6)


def like(module: str, *names: str, **members: Any) -> Any:
    """Return an object whose type has the module and the names (its own, then those of its bases) of another's."""
    kind: type = object
    for name in reversed(names):
        kind = type(name, (kind,), {"__module__": module, **members})
    return kind()


def refusal(value: Any) -> str:
    with pytest.raises(InvalidValue) as caught:
        Cleaner().clean({"at": value}, "update")
    return str(caught.value)


HERE = __name__
MOMENT = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "name", "expression"),
    [
        ({1, 2}, "set", "sorted(it)"),
        (frozenset("ab"), "frozenset", "list(it)"),
        (1 + 2j, "complex", "[it.real, it.imag]"),
        (range(3), "range", "list(it)"),
        ({"a": 1}.keys(), "dict_keys", "list(it)"),
        ({"a": 1}.values(), "dict_values", "list(it)"),
        ({"a": 1}.items(), "dict_items", "dict(it)"),
        (types.MappingProxyType({"a": 1}), "mappingproxy", "dict(it)"),
        ((number for number in (1, 2)), "generator", "list(it)"),
        (map(abs, [1]), "map", "list(it)"),
        (memoryview(b"ab"), "memoryview", "bytes(it)"),
        (collections.deque([1]), "collections.deque", "list(it)"),
        (array.array("d", [1.0]), "array.array", "it.tolist()"),
        (decimal.Decimal("0.1"), "decimal.Decimal", "str(it)"),
        (fractions.Fraction(1, 3), "fractions.Fraction", "[it.numerator, it.denominator]"),
        (MOMENT, "datetime.datetime", "it.timestamp()"),
        (MOMENT.date(), "datetime.date", "it.isoformat()"),
        (MOMENT.time(), "datetime.time", "it.isoformat()"),
        (MOMENT - MOMENT, "datetime.timedelta", "it.total_seconds()"),
        (uuid.UUID(int=1), "uuid.UUID", "str(it)"),
        (pathlib.Path("a"), "PosixPath" if pathlib.os.sep == "/" else "WindowsPath", "str(it)"),
        (Team.RED, f"{HERE}.Team", "it.name"),
        (Ship(1.5, ["Ann"]), f"{HERE}.Ship", "dataclasses.asdict(it)"),
        (Tower(), f"{HERE}.Tower", "{'height': it.height, 'name': it.name}"),
        (Slotted(), f"{HERE}.Slotted", "{'x': it.x, 'y': it.y}"),
        (GameState(score=3), "pygase.gamestate.GameState", "[it.score]"),
        (pygame.Vector2(1, 2), "pygame.math.Vector2", "[it.x, it.y]"),
        (pygame.Vector3(1, 2, 3), "pygame.math.Vector3", "[it.x, it.y, it.z]"),
        (pygame.Rect(1, 2, 3, 4), "pygame.rect.Rect", "list(it)"),
        (pygame.Color("red"), "pygame.color.Color", "list(it)"),
        (Player(), f"{HERE}.Player", "{'x': it.rect.x, 'y': it.rect.y}"),
        (pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a), "pygame.event.Event", "it.key"),
        (like("numpy", "float32", "floating", "generic", item=lambda self: 1.5), "numpy.float32", "it.item()"),
        (like("numpy", "bool", "generic", item=lambda self: True), "numpy.bool", "it.item()"),
        (like("numpy", "ndarray", tolist=lambda self: [1]), "numpy.ndarray", "it.tolist()"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_expression_that_is_named_can_be_sent(value: Any, name: str, expression: str) -> None:
    said = refusal(value)
    assert said.startswith("update.at is of type ")
    assert f"{name}, which cannot be sent; send " in said
    assert expression in said
    Cleaner().clean(eval(expression, {"it": value, "dataclasses": dataclasses}), "update")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pygame.sprite.Group(), "pygame.sprite.Group, which cannot be sent; send a dict with the numbers"),
        (pygame.Surface((1, 1)), "pictures stay on their machine"),
        (pygame.Mask((1, 1)), "objects of pygame stay on their machine"),
        (len, "functions cannot travel"),
        (lambda: 1, "did you forget the brackets"),
        (Tower, "classes cannot travel"),
        (pathlib, "modules cannot travel"),
        (object(), f"object, which cannot be sent; {BASE_RULE}"),
    ],
    ids=["Group", "Surface", "Mask", "built-in", "function", "class", "module", "object"],
)
def test_what_no_expression_can_mend_is_explained(value: Any, words: str) -> None:
    assert words in refusal(value)


def test_all_keys_that_are_held_down_are_refused_though_they_look_like_a_tuple() -> None:
    """As a list they could not be indexed with ``pygame.K_w``."""
    pygame.display.init()
    keys = pygame.key.get_pressed()
    words = r"pygame\.key\.ScancodeWrapper, which cannot be sent; .* \{'left': keys\[pygame\.K_LEFT\]\} .*take\(\)"
    with pytest.raises(InvalidValue, match=rf"input is of type {words}"):
        encode_input(keys, MAX_INPUT_BYTES)
    with pytest.raises(InvalidValue, match=rf"event 'KEYS': args\[0\] is of type {words}"):
        encode_event("KEYS", (keys,), {}, 1000)
    encode_input({"left": keys[pygame.K_LEFT]}, MAX_INPUT_BYTES)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ((1, 2), "type tuple; keys must be str or int: write a text such as f'{x},{y}'"),
        (("127.0.0.1", 5000), r"write str(key); for a client write its id, client_id, instead of its address"),
        (1.5, "type float; keys must be str or int: write str(key)"),
        (True, "write int(key)"),
        (None, "a text such as 'none'"),
        (b"ab", "key.decode()"),
        (frozenset("ab"), "' '.join(sorted(key))"),
        (Team.BLUE, f"type {HERE}.Team; keys must be str or int: write key.name"),
        (like("numpy", "int64", "integer", __hash__=lambda self: 1), "numpy.int64; keys must be str or int: write int"),
        (object(), "write a number or a name that stands for it"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_with_one_that_can(key: Any, words: str) -> None:
    assert words in refusal({key: 1})


def test_a_state_and_an_update_name_the_path_the_module_and_the_way_out() -> None:
    with pytest.raises(InvalidValue, match=r"initial_game_state\.ball\.at is of type pygame\.math\.Vector2"):
        GameStateStore(GameState(ball={"at": pygame.Vector2(1, 2)}))
    store = GameStateStore(GameState())
    store.plumbing.begin_tick()
    with pytest.raises(InvalidValue, match=r"update\.ball is of type pygame\.rect\.Rect, .*; send list\(it\)"):
        store.plumbing.apply({"ball": pygame.Rect(1, 2, 3, 4)})
