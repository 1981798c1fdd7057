"""Saucers drop bombs, and a ship shoots them: a game for one. The arrow keys move, the space bar shoots."""

import random

import pygame

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

    def __init__(self, group, look, center, speed=(0, 0)):
        super().__init__(group)
        self.look, self.speed = look, speed
        color, size = LOOKS[look]
        self.image = pygame.Surface(size)
        self.image.fill(color)
        self.rect = self.image.get_rect(center=center)

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
    """The player's ship: it stands still for a second after a bomb."""

    def __init__(self, group):
        super().__init__(group, "ship", (AREA.centerx, AREA.bottom - 30))
        self.reload = self.stunned = 0

    def update(self, keys):
        """Move for a tick. Return whether it shoots, at most three times a second."""
        self.reload, self.stunned = max(self.reload - 1, 0), max(self.stunned - 1, 0)
        if self.stunned:
            return False
        self.rect.x += 4 * (keys[pygame.K_RIGHT] - keys[pygame.K_LEFT])
        self.rect.clamp_ip(AREA)
        shoots = keys[pygame.K_SPACE] and not self.reload
        if shoots:
            self.reload = 20
        return shoots


class Battle:
    """All sprites of the game, and the score."""

    def __init__(self):
        self.ships, self.shots, self.saucers = pygame.sprite.Group(), pygame.sprite.Group(), pygame.sprite.Group()
        self.bombs, self.booms = pygame.sprite.Group(), pygame.sprite.Group()
        self.flying = [self.shots, self.saucers, self.bombs, self.booms]
        self.ship = Ship(self.ships)
        self.score = 0

    def update(self, keys):
        """Advance the game by a tick, a 60th of a second."""
        if self.ship.update(keys):
            Thing(self.shots, "shot", self.ship.rect.midtop, (0, -8))
        for group in self.flying:
            group.update()
        self.attack()
        self.explode()

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


def draw(screen, font, battle):
    """Draw the whole frame."""
    screen.fill("midnightblue")
    for group in [battle.ships, *battle.flying]:
        group.draw(screen)
    screen.blit(font.render(f"Score: {battle.score}", True, "white"), (10, 10))


def main():
    """Play until the window is closed."""
    pygame.init()
    screen = pygame.display.set_mode(AREA.size)
    font, clock = pygame.font.Font(None, 30), pygame.time.Clock()
    battle = Battle()
    running = True
    while running:
        for event in pygame.event.get():
            running = running and event.type != pygame.QUIT
        battle.update(pygame.key.get_pressed())
        draw(screen, font, battle)
        pygame.display.flip()
        clock.tick(60)
    pygame.quit()


if __name__ == "__main__":
    main()
