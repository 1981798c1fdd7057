"""Saucers drop bombs, and ships shoot them: a game for many. The arrow keys move, the space bar shoots."""

import random
import sys

import pygame

import pygase_pygame

AREA = pygame.Rect(0, 0, 640, 480)
LOOKS = {
    "ship": ("orange", (40, 20)),
    "shot": ("white", (4, 12)),
    "saucer": ("green", (36, 16)),
    "bomb": ("red", (8, 8)),
    "boom": ("yellow", (30, 30)),
}


class Thing(pygame.sprite.Sprite):
    """A coloured box that flies until it leaves the window."""

    shared = "rect.x", "rect.y", "look"

    def __init__(self, group=(), look="shot", center=(0, 0), speed=(0, 0)):
        super().__init__(group)
        self.look, self.speed = look, speed
        self.refresh()
        self.rect = self.image.get_rect(center=center)

    def refresh(self):
        """Look as a thing of this kind does."""
        color, size = LOOKS[self.look]
        self.image = pygame.Surface(size)
        self.image.fill(color)

    def update(self):
        """Fly for a tick."""
        self.rect.move_ip(self.speed)
        if not AREA.colliderect(self.rect):
            self.kill()


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
    """A player's ship: it stands still for a second after a bomb."""

    shared = "rect.x", "rect.y", "reload", "stunned", "shoots"

    def __init__(self, group=()):
        super().__init__(group, "ship", (AREA.centerx, AREA.bottom - 30))
        self.reload = self.stunned = self.shoots = 0

    def update(self):
        """Move for a tick. It shoots at most three times a second."""
        keys, self.shoots = self.keys, False
        self.reload, self.stunned = max(self.reload - 1, 0), max(self.stunned - 1, 0)
        if self.stunned:
            return
        self.rect.x += 4 * (keys[pygame.K_RIGHT] - keys[pygame.K_LEFT])
        self.rect.clamp_ip(AREA)
        self.shoots = keys[pygame.K_SPACE] and not self.reload
        if self.shoots:
            self.reload = 20


class Battle:
    """All sprites of the game, and the score."""

    def __init__(self):
        self.ships, self.shots, self.saucers = pygame.sprite.Group(), pygame.sprite.Group(), pygame.sprite.Group()
        self.bombs, self.booms = pygame.sprite.Group(), pygame.sprite.Group()
        self.flying = [self.shots, self.saucers, self.bombs, self.booms]
        self.score = 0

    def update(self):
        """Advance the game by a tick, a 60th of a second. Return what there is to see beside the sprites."""
        for group in [self.ships, *self.flying]:
            group.update()
        for ship in self.ships:
            if ship.shoots:
                Thing(self.shots, "shot", ship.rect.midtop, (0, -8))
        self.attack()
        self.explode()
        return {"score": self.score}

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


def draw(screen, font, world):
    """Draw the whole frame."""
    view = world.frame()
    screen.fill("midnightblue")
    world.sprites.draw(screen)
    screen.blit(font.render(f"Score: {view.get('score', 0)}", True, "white"), (10, 10))
    pygase_pygame.draw_status(screen, world.session)


def main():
    """Play until the window is closed."""
    pygame.init()
    screen = pygame.display.set_mode(AREA.size)
    font, clock = pygame.font.Font(None, 30), pygame.time.Clock()
    battle = Battle()
    classes = {Ship: battle.ships, Thing: battle.flying}
    world = pygase_pygame.SpriteWorld(classes, keys=[pygame.K_LEFT, pygame.K_RIGHT, pygame.K_SPACE])
    world.begin(battle.update, address=next(iter(sys.argv[1:]), None), score=0)
    running = True
    while running:
        for event in pygame.event.get():
            world.handle(event)
            running = running and event.type != pygame.QUIT
        draw(screen, font, world)
        pygame.display.flip()
        clock.tick(60)
    world.session.close()
    pygame.quit()


if __name__ == "__main__":
    main()
