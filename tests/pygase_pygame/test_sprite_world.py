"""A game of sprites for one becomes one for many: all see all sprites, and the own one obeys at once."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pygame
import pytest

from pygase import Client
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import HeldKeys, SpriteWorld
from pygase_pygame.headless import Headless

LINK = Link(latency=0.05)
KEYS = [pygame.K_LEFT, pygame.K_RIGHT, pygame.K_SPACE]


class Player(pygame.sprite.Sprite):
    shared = "rect.x", "rect.y", "jumps", "hurt"

    def __init__(self) -> None:
        super().__init__()
        self.keys: Any = None
        self.jumps = self.hurt = self.refreshed = 0
        self.image = pygame.Surface((20, 20))
        self.rect = self.image.get_rect(topleft=(100, 50))

    def update(self) -> None:
        self.rect.x += 4 * (self.keys[pygame.K_RIGHT] - self.keys[pygame.K_LEFT])
        self.jumps += self.keys.pressed(pygame.K_SPACE)

    def refresh(self) -> None:
        self.refreshed += 1
        self.image.fill("red" if self.hurt else "white")


class Bee(pygame.sprite.Sprite):
    made = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        next(self.made)
        self.image = pygame.Surface((10, 10))
        self.image.fill("gold")
        self.rect = self.image.get_rect()

    def update(self) -> None:
        self.rect.y += 1


class Game:
    """A server, with the groups of the game, and windows in which it is played."""

    def __init__(self, stage: Headless, network: SimulatedNetwork, **options: Any) -> None:
        self.stage, self.network = stage, network
        self.players, self.bees, self.score = pygame.sprite.Group(), pygame.sprite.Group(), 0
        self.entered: list[Any] = []
        self.world = self.new_world(on_enter=self.entered.append)
        network.serve(self.world.serve(self.tick, score=0), interval=1 / 60)
        self.windows: list[SpriteWorld] = []

    def new_world(self, **options: Any) -> SpriteWorld:
        return SpriteWorld({Player: self.players, Bee: [self.bees]}, keys=KEYS, **options)

    def tick(self) -> dict[str, int]:
        self.players.update()
        self.bees.update()
        self.score += len(pygame.sprite.groupcollide(self.players, self.bees, False, True))
        return {"score": self.score}

    def window(self, **options: Any) -> SpriteWorld:
        world = SpriteWorld({Player: [], Bee: []}, keys=KEYS, **options)
        world.show(self.stage.join(**world.options))
        self.windows.append(world)
        self.runs(0.5)
        return world

    def runs(self, seconds: float, after: Callable[[], object] = lambda: None) -> None:
        def frame() -> None:
            for event in pygame.event.get():
                for world in self.windows[:1]:
                    world.handle(event)
            for world in self.windows:
                world.frame()
            after()

        self.stage.run(seconds, frame)


@pytest.fixture
def game(seed: int) -> Iterator[Game]:
    network = SimulatedNetwork(seed=seed, link=LINK)
    with Headless(network) as stage:
        yield Game(stage, network)


def test_each_player_has_a_sprite_that_all_see(game: Game) -> None:
    ada, bob = game.window(), game.window()
    for window in (ada, bob):
        assert sorted(type(sprite).__name__ for sprite in window.sprites) == ["Player", "Player"]
    assert ada.mine is not bob.mine
    assert game.entered == list(game.world.players.values()) == list(game.players)
    bob.session.close()
    game.windows.remove(bob)
    game.runs(0.5)
    assert list(ada.sprites) == [ada.mine]
    assert list(game.world.players) == [ada.session.me]
    assert len(game.players) == 1


def test_the_own_sprite_obeys_in_the_frame_of_the_key_and_is_never_corrected(game: Game) -> None:
    ada, bob = game.window(), game.window()
    game.runs(1.0)
    before, corrections = ada.mine.rect.x, ada.session.predictor.corrections
    game.stage.press(pygame.K_RIGHT)
    game.runs(2 / 60)
    assert ada.mine.rect.x > before
    (server_side,) = [sprite for sprite in game.players if sprite is game.world.players[ada.session.me]]
    assert server_side.rect.x == before, "the key is still under way"
    game.runs(1.0)
    game.stage.release(pygame.K_RIGHT)
    game.runs(0.5)
    assert ada.session.predictor.corrections == corrections
    assert before + 200 < ada.mine.rect.x == server_side.rect.x
    assert bob.sprites.sprite_of(ada.session.me).rect.x == server_side.rect.x


def test_a_press_counts_once_on_both_sides_however_long_the_key_is_held(game: Game) -> None:
    ada = game.window()
    for held in (0.3, 0.01):
        game.stage.press(pygame.K_SPACE)
        game.runs(held)
        game.stage.release(pygame.K_SPACE)
        game.runs(0.3)
    assert (ada.mine.jumps, game.world.players[ada.session.me].jumps) == (2, 2)
    assert ada.session.predictor.corrections == 0


def test_other_sprites_are_made_shown_and_removed_with_what_there_is_beside_them(game: Game) -> None:
    spawned: list[Any] = []
    gone: list[Any] = []
    ada = game.window(on_spawn=spawned.append, on_gone=gone.append)
    bee = Bee()
    bee.rect.topleft = (100, -40)
    game.bees.add(bee)
    game.runs(0.5)
    (shown,) = (sprite for sprite in ada.sprites if isinstance(sprite, Bee))
    assert shown is not bee
    assert [sprite for sprite in spawned if isinstance(sprite, Bee)] == [shown]
    assert -40 < shown.rect.y <= bee.rect.y
    game.runs(2.0)
    assert gone == [shown], "the player has caught it"
    assert ada.session.view().score == 1


def test_a_new_sprite_has_a_key_that_no_other_has_had(game: Game) -> None:
    ada = game.window()
    keys: set[int] = set()
    for _ in range(20):
        game.bees.empty()
        game.bees.add(Bee(), Bee())
        game.runs(0.1, lambda: keys.update(ada.session.view().things))
    game.runs(0.5, lambda: keys.update(ada.session.view().things))
    assert len(keys) == 41
    assert {key for key in keys if key > 0} == {ada.session.me}


def test_a_player_who_is_in_no_group_is_not_seen_and_can_be_put_back(game: Game) -> None:
    ada = game.window()
    sprite = game.world.players[ada.session.me]
    sprite.kill()
    game.runs(0.5)
    assert (ada.mine, len(ada.sprites)) == (None, 0)
    game.players.add(sprite)
    game.runs(0.5)
    assert ada.mine is not None


def test_refresh_is_called_with_what_has_arrived(game: Game) -> None:
    ada, bob = game.window(), game.window()
    game.world.players[ada.session.me].hurt = 1
    game.runs(0.5)
    for window in (ada, bob):
        assert window.sprites.sprite_of(ada.session.me).image.get_at((1, 1)) == pygame.Color("red")
        assert window.sprites.sprite_of(bob.session.me).image.get_at((1, 1)) == pygame.Color("white")


def test_events_reach_the_loops(game: Game) -> None:
    ada = game.window()
    game.world.tell("BANG", 3)
    seen: list[Any] = []
    for _ in range(30):
        game.stage.step()
        ada.frame()
        seen += [(e.name, e.args) for e in pygame.event.get() if getattr(e, "name", "") == "BANG"]
    assert seen == [("BANG", (3,))]
    SpriteWorld({Player: []}, keys=KEYS).tell("BANG")  # nobody is there


@pytest.mark.parametrize("value", [None, 7, "k97", [1], {"k32": 1, 5: True}, {"x" * 99: True}])
def test_a_client_may_send_anything(game: Game, value: Any) -> None:
    client = Client()
    game.network.connect(client)
    for _ in range(30):
        game.network.run(1 / 60)
        if client.status == "connected":
            client.send_input(value)
    (sprite,) = game.world.players.values()
    assert (sprite.keys.held, sprite.rect.x, sprite.jumps) == ([], 100, 0)


@pytest.mark.integration
def test_a_game_is_opened_and_joined_in_one_call_each() -> None:
    players: Any = pygame.sprite.Group()
    own = SpriteWorld({Player: players}, keys=KEYS)
    with pytest.raises(RuntimeError, match="has not begun"):
        own.frame()
    own.begin(lambda: {"score": 5}, port=0, hostname="127.0.0.1", score=4)
    assert own.backend is not None
    other = SpriteWorld({Player: []}, keys=KEYS)
    other.begin(lambda: None, address="127.0.0.1", port=own.backend.server.port or 0)
    try:
        end = time.monotonic() + 10
        while len(other.sprites) < 2 or len(own.sprites) < 2:
            assert time.monotonic() < end
            views = [world.frame() for world in (own, other)]
            time.sleep(0.01)
        assert [view.score for view in views] == [5, 5]
        assert other.backend is None
    finally:
        other.session.close()
        own.session.close()


@pytest.mark.parametrize(
    ("groups", "keys", "words"),
    [({}, KEYS, "needs classes and their groups"), ({Player: []}, [], "needs at least one input")],
)
def test_a_world_without_sprites_or_keys_is_refused(groups: Any, keys: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SpriteWorld(groups, keys=keys)


def test_held_keys_are_read_like_pygames() -> None:
    keys = HeldKeys(KEYS, [pygame.K_SPACE, pygame.K_LEFT], before=[pygame.K_LEFT])
    assert [keys[key] for key in KEYS] == [True, False, True]
    assert [keys.pressed(key) for key in KEYS] == [False, False, True]
    assert keys.held == sorted([pygame.K_SPACE, pygame.K_LEFT])
    with pytest.raises(KeyError, match=r"the key 'q' is not sent to the server; name it: SpriteWorld\(..., keys="):
        keys[pygame.K_q]


def test_names_of_attributes_may_be_one_text_and_have_a_default() -> None:
    class Rock(Bee):
        shared = "rect.center size"

        def __init__(self) -> None:
            super().__init__()
            self.size = 3

    rocks = pygame.sprite.Group(Rock())
    saved = SpriteWorld({Rock: rocks, Bee: [pygame.sprite.Group(Bee())]}, keys=KEYS, make={Rock: Rock})
    assert [kind.attributes for kind in saved.kinds] == [
        {"rect_center": "rect.center", "size": "size"},
        {"rect_x": "rect.x", "rect_y": "rect.y"},
    ]


# -- what beginners write


class Bullet(pygame.sprite.Sprite):
    def __init__(self, x: int, y: int) -> None:
        super().__init__()
        self.image = pygame.Surface((4, 4))
        self.rect = self.image.get_rect(topleft=(x, y))


def test_a_class_that_needs_arguments_is_refused_before_the_first_shot() -> None:
    group: Any = pygame.sprite.Group()
    with pytest.raises(TypeError, match=r"Bullet cannot be made without arguments \(x, y\).*make={Bullet: lambda"):
        SpriteWorld({Player: group, Bullet: group}, keys=KEYS)
    SpriteWorld({Player: group, Bullet: group}, keys=KEYS, make={Bullet: lambda: Bullet(0, 0)})


class Shooter(Player):
    """Makes its bullets itself, as in a game for one."""

    bullets: Any = None

    def update(self) -> None:
        super().update()
        if self.keys.pressed(pygame.K_SPACE):
            self.bullets.add(Bullet(self.rect.x, self.rect.y))


def test_a_sprite_that_a_predicted_update_makes_is_removed_and_reported_once(
    game: Game, caplog: pytest.LogCaptureFixture
) -> None:
    bullets: Any = pygame.sprite.Group()
    Shooter.bullets = bullets
    world = SpriteWorld(
        {Shooter: pygame.sprite.Group(), Bullet: bullets}, keys=KEYS, make={Bullet: lambda: Bullet(0, 0)}
    )
    data = {"is": 0, "rect_x": 5, "rect_y": 6, "jumps": 0, "hurt": 0, "held": []}
    for _ in range(3):
        world.options["predict"].step(data, {f"k{pygame.K_SPACE}": True})
    assert len(bullets) == 0
    assert caplog.text.count("the update of Shooter has made a Bullet") == 1
    assert "make the Bullet in the tick" in caplog.text


def test_a_loop_that_never_handles_events_is_warned_once(game: Game, caplog: pytest.LogCaptureFixture) -> None:
    world = SpriteWorld({Player: [], Bee: []}, keys=KEYS)
    world.show(game.stage.join(**world.options))
    for _ in range(300):
        world.frame()
    assert caplog.text.count("world.handle(event) never") == 1
    good = game.window()
    caplog.clear()
    for _ in range(300):
        good.handle(pygame.event.Event(pygame.USEREVENT))
        good.frame()
    assert "world.handle" not in caplog.text


class Misspelt(Player):
    shared = "rect.x", "sheild"


def test_a_misspelt_name_in_shared_is_said_to_stand_there() -> None:
    group: Any = pygame.sprite.Group()
    kind = SpriteWorld({Misspelt: group}, keys=KEYS).kinds[0]
    with pytest.raises(AttributeError, match=r"`shared` of the class Misspelt names what its sprite has not.*sheild"):
        kind.save(Misspelt())


def test_a_sprite_that_jumps_farther_than_snap_distance_does_not_glide(game: Game) -> None:
    game.bees.add(bee := Bee())
    windows = [game.window(), game.window(snap_distance=50)]
    bee.rect.y = 400
    game.runs(0.5)
    seen: list[set[int]] = [set(), set()]
    bee.rect.y = 0

    def look() -> None:
        for places, world in zip(seen, windows, strict=True):
            places.update(round(sprite.rect.y) for sprite in world.sprites if isinstance(sprite, Bee))

    game.runs(0.5, look)
    between = [{y for y in places if 60 < y < 390} for places in seen]
    assert between[0], "without it the bee flies through the window"
    assert not between[1]
