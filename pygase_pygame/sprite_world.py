"""A game of sprites for many players: the sprites live on the server, and each window shows them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

import pygame

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, DEFAULT_PORT, RELIABLE, Backend, GameState, Interpolate, Whole

from .controls.bindings import Binding
from .controls.controls import Controls
from .joining import SessionOptions, host, join
from .own_part import Prediction
from .session import Session
from .sprite_mistakes import SpriteMistakes, check_made_of_nothing
from .view import View
from .view_group import ViewGroup

Sprite = Any
Data = dict[str, Any]
Groups = Any
"""A ``pygame.sprite.Group``, or several."""

SHARED: Final = ("rect.x", "rect.y")
"""What the others see of a sprite whose class does not say it."""

KIND: Final = "is"
"""Key of a sprite's data: the number of its class."""

HELD: Final = "held"
"""Key of a player's data: the keys that were held in the last tick."""


class HeldKeys:
    """A player's keys in a tick, read like those of ``pygame.key.get_pressed()``: ``keys[pygame.K_LEFT]``.

    :param known: the keys of the game.
    :param held: the keys that the player holds now; ``before``: those of the last tick.
    """

    __slots__ = ("_before", "_held", "_known")

    def __init__(self, known: Sequence[int], held: Iterable[int] = (), before: Iterable[int] = ()) -> None:
        self._known = known
        self._held = frozenset(held)
        self._before = frozenset(before)

    def __getitem__(self, key: int) -> bool:
        if key not in self._known:
            name = pygame.key.name(key) or str(key)
            raise KeyError(f"the key {name!r} is not sent to the server; name it: SpriteWorld(..., keys=[...])")
        return key in self._held

    def pressed(self, key: int) -> bool:
        """Return whether the player has pressed a key in this very tick, as KEYDOWN reports it."""
        return self[key] and key not in self._before

    @property
    def held(self) -> list[int]:
        """The keys that are held, in their order."""
        return sorted(self._held)


class Kind:
    """A class of sprites, and what the others see of them.

    :param number: of the class, in the data.
    :param made_of: makes a sprite without arguments.
    """

    def __init__(self, number: int, made_of: type, make: Callable[[], Sprite]) -> None:
        shared = getattr(made_of, "shared", SHARED)
        names = shared.split() if isinstance(shared, str) else tuple(shared)
        self.number = number
        self.name = made_of.__name__
        self.make = make
        self.attributes = {name.replace(".", "_"): name for name in names}
        """Key in the data → attribute of the sprite, with dots."""
        self._read = {key: operator.attrgetter(name) for key, name in self.attributes.items()}
        self._refreshes = callable(getattr(made_of, "refresh", None))

    @property
    def moving(self) -> list[str]:
        """The keys of the numbers that are places on the screen, and glide."""
        return [key for key, name in self.attributes.items() if name.startswith("rect.")]

    def save(self, sprite: Sprite) -> Data:
        """Return what there is to see of a sprite."""
        try:
            return {KIND: self.number, **{key: read(sprite) for key, read in self._read.items()}}
        except AttributeError as error:
            raise AttributeError(f"`shared` of the class {self.name} names what its sprite has not: {error}") from None

    def load(self, sprite: Sprite, data: Mapping[str, Any]) -> None:
        """Let a sprite be what another one has saved."""
        for key, name in self.attributes.items():
            owner, _, last = name.rpartition(".")
            setattr(operator.attrgetter(owner)(sprite) if owner else sprite, last, data[key])
        if self._refreshes:
            sprite.refresh()


class SpriteWorld:
    """Makes a pygame game of sprites one for many. The classes and groups of the game stay as they are::

        class Player(pygame.sprite.Sprite):
            shared = "rect.x", "rect.y", "lives"        # what the others see

            def update(self):
                keys = self.keys                        # it was pygame.key.get_pressed()
                self.rect.x += 4 * (keys[pygame.K_RIGHT] - keys[pygame.K_LEFT])

        world = SpriteWorld({Player: players, Bee: bees}, keys=[pygame.K_LEFT, pygame.K_RIGHT])

        def tick():                                     # on the server, 60 times a second
            players.update()
            bees.update()
            return {"score": score}                     # what there is to see beside the sprites

        world.begin(tick, score=0, address=address)     # joins the game at an address; None: opens one
        while running:
            for event in pygame.event.get():
                world.handle(event)
            view = world.frame()                        # sends the keys
            world.sprites.draw(screen)

    The groups belong to the server. It runs in the program that opens the game, on a thread of its own, so the loop
    reads ``world.sprites`` and the view, and neither groups nor variables that ``tick`` changes. The player's own
    sprite is predicted: its ``update`` runs in the window as well.

    A class of sprites:

    - is made by calling it without arguments, or by the function in ``make``. It joins no group by itself.
    - A player's ``update`` moves its own sprite and does nothing else: it makes no sprite, plays no sound, and asks no
      clock and no ``random``, since it runs in the window as well, and again in each replay. It sets an attribute, such
      as ``self.shoots``, and the tick does the rest.
    - ``shared`` names what the others see: attributes of plain values, with dots, as a tuple or as a text. A player's
      has everything that its ``update`` reads and changes. Without it, that is ``rect.x`` and ``rect.y``.
    - A player's ``update`` may look at what never moves, such as walls, if both sides make it. In the window the groups
      are empty, or the server's: so collisions with what moves belong into the tick, after ``update``.
    - ``refresh()``, if there is one, is called when these have changed, to choose another image.

    :param groups: each class of sprites, and its group or groups; the first class is that of the players.
    :param keys: the keys that matter, or a dict from each to its bindings, see :class:`Controls`.
    :param tick: seconds of a tick.
    :param make: functions without arguments that make sprites, by class.
    :param snap_distance: pixels between two ticks beyond which a sprite jumps, as at the other edge of a world without
        edges; a shorter way glides. None: every way glides.
    :param on_enter: called on the server with a new player's sprite. :attr:`players` has it already.
    :param on_spawn, on_gone: called in the window with a sprite, see :class:`ViewGroup`.

    :ivar players: on the server: the sprite of each client, by ``client_id``, whether it is in a group or not.
    :ivar sprites: in the window: a ViewGroup of all sprites.
    :ivar backend: in the program that has opened the game, its Backend; else None.
    :raises ValueError: there is no class, or no key.
    :raises TypeError: a class cannot be made without arguments.
    """

    def __init__(
        self,
        groups: Mapping[type, Groups],
        *,
        keys: Iterable[int] | Mapping[int, Binding | Iterable[Binding]],
        tick: float = 1 / 60,
        make: Mapping[type, Callable[[], Sprite]] | None = None,
        snap_distance: float | None = None,
        on_enter: Callable[[Sprite], object] | None = None,
        on_spawn: Callable[[Sprite], object] | None = None,
        on_gone: Callable[[Sprite], object] | None = None,
    ) -> None:
        if not groups:
            raise ValueError("SpriteWorld needs classes and their groups, such as SpriteWorld({Player: players}, ...)")
        bindings = keys if isinstance(keys, Mapping) else {key: key for key in keys}
        makers = {made_of: made_of for made_of in groups} | dict(make or {})
        for made_of in groups:
            if makers[made_of] is made_of:
                check_made_of_nothing(made_of)
        self.kinds = [Kind(number, made_of, makers[made_of]) for number, made_of in enumerate(groups)]
        self._groups = [_as_list(group) for group in groups.values()]
        self._keys = tuple(bindings)
        self._controls = Controls(**{_input_name(key): binding for key, binding in bindings.items()})
        self._movement = tick, snap_distance
        self._mistakes = SpriteMistakes()
        self._on_enter = on_enter
        self._update: Callable[[], Mapping[str, Any] | None] = lambda: None
        self._numbers: WeakKeyDictionary[Sprite, int] = WeakKeyDictionary()
        self._new_numbers = count(-1, -1)  # a new sprite, a new key; a player's is the client_id, which is above 0
        self._own: Sprite = None
        self._session: Session | None = None
        self.players: dict[int, Sprite] = {}
        self.sprites = ViewGroup(self._made, on_spawn=on_spawn, on_gone=on_gone)
        self.backend: Backend | None = None

    def begin(
        self,
        tick: Callable[[], Mapping[str, Any] | None],
        *,
        address: str | None = None,
        port: int = DEFAULT_PORT,
        hostname: str = "0.0.0.0",
        **state: Any,
    ) -> Session:
        """Join the game at an address, or open one for everyone; return the session.

        :param tick: called on the server for each tick, without arguments; returns attributes of the state that have
            changed, or None.
        :param address: as for :func:`join`; None: open a game.
        :param port: of the game; ``hostname``: own address at which it is opened.
        :param state: the first values of the attributes that ``tick`` returns.
        :raises pygase.AddressInUse, ValueError: as :func:`join` and :func:`host`.
        """
        options = self.options
        if address is not None:
            self._session = join(address, port, **options)
        else:
            self._session = host(self.serve(tick, **state), port, hostname, **options)
        return self._session

    def serve(self, tick: Callable[[], Mapping[str, Any] | None], **state: Any) -> Backend:
        """Return the Backend of the game, for a server without a window; parameters as in :meth:`begin`."""
        self._update = tick
        handlers: dict[str, Callable[..., Any]] = {CLIENT_CONNECTED: self._enter, CLIENT_LEFT: self._leave}
        self.backend = Backend(GameState(things={}, **state), self._time_step, handlers)
        return self.backend

    def show(self, session: Session) -> None:
        """Show a game that was joined otherwise, with :attr:`options`."""
        self._session = session

    @property
    def options(self) -> SessionOptions:
        """The options of a session that shows the sprites."""
        tick, snap_distance = self._movement
        moving = sorted({f"things.*.{key}" for kind in self.kinds for key in kind.moving})
        return SessionOptions(
            tick=tick,
            interpolate=[Interpolate(*moving, snap_distance=snap_distance)] if moving else [],
            predict=Prediction(self._step, "things.{me}", snap_distance=snap_distance),
        )

    # -- on the server -----------------------------------------------------------------------------------------------

    def _enter(self, client_id: int) -> None:
        sprite = self.players[client_id] = self.kinds[0].make()
        sprite.keys = HeldKeys(self._keys)
        self._numbers[sprite] = client_id
        self._groups[0][0].add(sprite)
        if self._on_enter is not None:
            self._on_enter(sprite)

    def tell(self, event_type: str, *args: Any) -> None:
        """Send all players an event, such as a sound to play: their loops get it as SERVER_EVENT with its tick."""
        if self.backend is not None:
            self.backend.server.dispatch_event(event_type, *args, retries=RELIABLE)

    def _leave(self, client_id: int) -> None:
        sprite = self.players.pop(client_id, None)
        if sprite is not None:
            sprite.kill()

    def _time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
        for client_id, sprite in self.players.items():
            given = inputs.get(client_id)
            sprite.keys = self._held(given.value if given is not None else None, sprite.keys.held)
        with self._mistakes.lock:
            update = self._update() or {}
            return {**update, "things": Whole(self._saved())}

    def _saved(self) -> dict[int, Data]:
        saved: dict[int, Data] = {}
        for kind, groups in zip(self.kinds, self._groups, strict=True):
            for sprite in (each for group in groups for each in group):
                saved[self._number(sprite)] = self._save(kind, sprite)
        return saved

    def _number(self, sprite: Sprite) -> int:
        number = self._numbers.get(sprite)
        if number is None:
            number = self._numbers[sprite] = next(self._new_numbers)
        return number

    def _save(self, kind: Kind, sprite: Sprite) -> Data:
        data = kind.save(sprite)
        return {**data, HELD: sprite.keys.held} if kind.number == 0 else data

    def _held(self, value: object, before: Iterable[int]) -> HeldKeys:
        """Return the keys in an input. A client may send anything."""
        names = value if isinstance(value, dict) else {}
        return HeldKeys(self._keys, [key for key in self._keys if names.get(_input_name(key)) is True], before)

    # -- in the window -----------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The connection.

        :raises RuntimeError: before :meth:`begin`.
        """
        if self._session is None:
            raise RuntimeError("the game has not begun: call world.begin(...) before the loop")
        return self._session

    @property
    def mine(self) -> Sprite:
        """The player's own sprite in the window; None while there is none."""
        return self.sprites.sprite_of(self.session.me)

    def handle(self, event: pygame.event.Event) -> None:
        """Take in an event, for the keys."""
        self._mistakes.note_event()
        self._controls.handle(event)

    def frame(self) -> View:
        """Send the keys, and let the sprites follow the view; return the view. Once a frame."""
        self._mistakes.note_frame()
        self.session.send_input(self._controls.take())
        view = self.session.view()
        self.sprites.follow(view.get("things"))
        return view

    def _made(self, key: int, data: Mapping[str, Any]) -> Sprite:
        kind = self.kinds[data[KIND]]
        sprite = kind.make()
        sprite.show = lambda data: kind.load(sprite, data)
        return sprite

    def _step(self, mine: Data, value: object) -> Data:
        """Predict a tick of the player's own sprite."""
        kind = self.kinds[mine[KIND]]
        self._own = self._own or kind.make()
        kind.load(self._own, mine)
        self._own.keys = self._held(value, mine[HELD])
        self._mistakes.update(self._own, [group for groups in self._groups for group in groups])
        return self._save(kind, self._own)


def _as_list(groups: Groups) -> list[Any]:
    return [groups] if isinstance(groups, pygame.sprite.AbstractGroup) else list(groups)


def _input_name(key: int) -> str:
    return f"k{key}"
