"""Saucers drop bombs, and ships shoot them: a game for many. The arrow keys move, the space bar shoots."""

import itertools
import random
import sys

import pygame

import pygase_pygame
from pygase import CLIENT_CONNECTED, CLIENT_LEFT, Backend, GameState, Whole

AREA = pygame.Rect(0, 0, 640, 480)
LOOKS = {
    "ship": ("orange", (40, 20)),
    "shot": ("white", (4, 12)),
    "saucer": ("green", (36, 16)),
    "bomb": ("red", (8, 8)),
    "boom": ("yellow", (30, 30)),
}
KEYS = {"left": pygame.K_LEFT, "right": pygame.K_RIGHT, "fire": pygame.K_SPACE}
numbers = itertools.count(-1, -1)  # a new thing, a new key; a ship has its player's client_id, which is above 0


class Thing(pygame.sprite.Sprite):
    """A coloured box that flies until it leaves the window."""

    def __init__(self, group, look, center, speed=(0, 0)):
        super().__init__(group)
        self.look, self.speed, self.key = look, speed, next(numbers)
        color, size = LOOKS[look]
        self.image = pygame.Surface(size)
        self.image.fill(color)
        self.rect = self.image.get_rect(center=center)

    def update(self):
        """Fly for a tick."""
        self.rect.move_ip(self.speed)
        if not AREA.colliderect(self.rect):
            self.kill()

    def save(self):
        """Return what there is to see of it."""
        return {"look": self.look, "x": self.rect.centerx, "y": self.rect.centery}

    def show(self, data):
        """Follow what there is to see."""
        self.rect.center = data["x"], data["y"]


class Boom(Thing):
    """An explosion, which lasts a third of a second."""

    def __init__(self, group, center):
        super().__init__(group, "boom", center)
        self.ticks = 20

    def update(self):
        """Grow older."""
        self.ticks -= 1
        if not self.ticks:
            self.kill()


class Ship(Thing):
    """The player's ship: it stands still for a second after a bomb."""

    def __init__(self, group):
        super().__init__(group, "ship", (AREA.centerx, AREA.bottom - 30))
        self.reload = self.stunned = 0

    def update(self, keys):
        """Move for a tick. Return whether it shoots, at most three times a second."""
        self.reload, self.stunned = max(self.reload - 1, 0), max(self.stunned - 1, 0)
        if self.stunned:
            return False
        self.rect.x += 4 * (keys["right"] - keys["left"])
        self.rect.clamp_ip(AREA)
        shoots = keys["fire"] and not self.reload
        if shoots:
            self.reload = 20
        return shoots

    def save(self):
        """Return all that `update` reads and changes."""
        return {**super().save(), "reload": self.reload, "stunned": self.stunned}

    def load(self, data):
        """Become the ship that was saved."""
        self.show(data)
        self.reload, self.stunned = data["reload"], data["stunned"]


class Battle:
    """All sprites of the game, and the score."""

    def __init__(self):
        self.ships, self.shots, self.saucers = pygame.sprite.Group(), pygame.sprite.Group(), pygame.sprite.Group()
        self.bombs, self.booms = pygame.sprite.Group(), pygame.sprite.Group()
        self.flying = [self.shots, self.saucers, self.bombs, self.booms]
        self.score = 0

    def enter(self, client_id):
        """Give a new player a ship."""
        Ship(self.ships).key = client_id

    def leave(self, client_id):
        """Remove the ship of a player who has left."""
        self.ships.remove([ship for ship in self.ships if ship.key == client_id])

    def time_step(self, game_state, dt, inputs):
        """Advance the game by a tick, a 60th of a second. Return what there is to see."""
        for ship in self.ships:
            if ship.key in inputs and ship.update(keys_in(inputs[ship.key].value)):
                Thing(self.shots, "shot", ship.rect.midtop, (0, -8))
        for group in self.flying:
            group.update()
        self.attack()
        self.explode()
        things = {thing.key: thing.save() for group in [self.ships, *self.flying] for thing in group}
        return {"things": Whole(things), "score": self.score}

    def attack(self):
        """Let saucers appear, and drop bombs."""
        if random.random() < 0.02:
            Thing(self.saucers, "saucer", (0, random.randint(40, 200)), (3, 0))
        for saucer in self.saucers:
            if random.random() < 0.01:
                Thing(self.bombs, "bomb", saucer.rect.midbottom, (0, 4))

    def explode(self):
        """Let everything that was hit explode."""
        for saucer in pygame.sprite.groupcollide(self.saucers, self.shots, True, True):
            Boom(self.booms, saucer.rect.center)
            self.score += 1
        for ship in pygame.sprite.groupcollide(self.ships, self.bombs, False, True):
            Boom(self.booms, ship.rect.center)
            ship.stunned = 60


def keys_in(value):
    """Return the held keys in an input. A client may send anything."""
    held = value if isinstance(value, dict) else {}
    return {name: held.get(name) is True for name in KEYS}


def draw(screen, font, group, view):
    """Draw the whole frame."""
    screen.fill("midnightblue")
    group.follow(view.get("things"))
    group.draw(screen)
    screen.blit(font.render(f"Score: {view.get('score', 0)}", True, "white"), (10, 10))


def begin(address=None):
    """Join the game at an address, or open one."""
    own = Ship([])

    def step(mine, keys):
        own.load(mine)
        own.update(keys)
        return own.save()

    predict = pygase_pygame.Prediction(step, "things.{me}")
    options = {"tick": 1 / 60, "interpolate": ["things.*.x", "things.*.y"], "predict": predict}
    if address is not None:
        return pygase_pygame.join(address, 8080, **options)
    battle = Battle()
    handlers = {CLIENT_CONNECTED: battle.enter, CLIENT_LEFT: battle.leave}
    backend = Backend(GameState(things={}, score=0), battle.time_step, handlers)
    return pygase_pygame.host(backend, 8080, "0.0.0.0", **options)


def main():
    """Play until the window is closed."""
    pygame.init()
    screen = pygame.display.set_mode(AREA.size)
    font, clock = pygame.font.Font(None, 30), pygame.time.Clock()
    session, controls = begin(*sys.argv[1:2]), pygase_pygame.Controls(**KEYS)
    group = pygase_pygame.ViewGroup(lambda key, data: Thing([], data["look"], (data["x"], data["y"])))
    running = True
    while running:
        for event in pygame.event.get():
            controls.handle(event)
            running = running and event.type != pygame.QUIT
        session.send_input(controls.take())
        draw(screen, font, group, session.view())
        pygase_pygame.draw_status(screen, session)
        pygame.display.flip()
        clock.tick(60)
    session.close()
    pygame.quit()


if __name__ == "__main__":
    main()
