"""Catch the stars: the arrow keys fly the ship, and each star that it touches scores a point."""

import math
import random
import sys
from typing import Any

import pygame

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, TO_DELETE, Backend, GameState, PlayerInput
from pygase_pygame import Prediction, draw_status, host, join

WIDTH, HEIGHT = 640, 480
SHIP, STAR = 18, 7  # radii in pixels
SPEED = 5  # pixels a frame
STARS = 6
COLOURS = ["orange", "skyblue", "mediumseagreen", "hotpink", "white"]
KEYS = {"left": pygame.K_LEFT, "right": pygame.K_RIGHT, "up": pygame.K_UP, "down": pygame.K_DOWN}

Thing = dict[str, Any]


def new_ship() -> Thing:
    """Return a ship in the middle of the window."""
    return {"x": WIDTH / 2, "y": HEIGHT / 2, "score": 0, "colour": random.choice(COLOURS)}


def new_star() -> Thing:
    """Return a star at a random place."""
    return {"x": random.uniform(STAR, WIDTH - STAR), "y": random.uniform(STAR, HEIGHT - STAR)}


def fly(ship: Thing, held: list[str]) -> Thing:
    """Return the ship one frame later."""
    x = ship["x"] + SPEED * (("right" in held) - ("left" in held))
    y = ship["y"] + SPEED * (("down" in held) - ("up" in held))
    return {**ship, "x": min(max(x, SHIP), WIDTH - SHIP), "y": min(max(y, SHIP), HEIGHT - SHIP)}


def catch(ship: Thing, stars: list[Thing]) -> Thing:
    """Count the stars that the ship touches and replace each by a new one. Return the ship with its new score."""
    for number, star in enumerate(stars):
        if math.dist((ship["x"], ship["y"]), (star["x"], star["y"])) < SHIP + STAR:
            stars[number] = new_star()
            ship = {**ship, "score": ship["score"] + 1}
    return ship


def time_step(game: GameState, dt: float, inputs: dict[Any, PlayerInput]) -> Thing:
    """Advance the game by a 60th of a second."""
    held = {client_id: given.value for client_id, given in inputs.items() if isinstance(given.value, list)}
    stars = list(game.stars)
    ships = {key: catch(fly(ship, held.get(key, [])), stars) for key, ship in game.ships.items()}
    return {"ships": ships, "stars": stars}


def held_keys() -> list[str]:
    """Return the names of the keys that are held down."""
    pressed = pygame.key.get_pressed()
    return [name for name, key in KEYS.items() if pressed[key]]


def draw(screen: pygame.Surface, font: pygame.font.Font, game: Any) -> None:
    """Draw the whole frame."""
    screen.fill("midnightblue")
    for star in game.get("stars", []):
        pygame.draw.circle(screen, "gold", (star["x"], star["y"]), STAR)
    for ship in game.get("ships", {}).values():
        draw_ship(screen, font, ship)


def draw_ship(screen: pygame.Surface, font: pygame.font.Font, ship: Thing) -> None:
    """Draw a ship with its score on it."""
    pygame.draw.circle(screen, ship["colour"], (ship["x"], ship["y"]), SHIP)
    score = font.render(str(ship["score"]), True, "black")
    screen.blit(score, score.get_rect(center=(ship["x"], ship["y"])))


def main() -> None:
    """Play until the window is closed."""
    pygame.init()
    screen = pygame.display.set_mode((WIDTH, HEIGHT))
    pygame.display.set_caption("Stars")
    font, clock = pygame.font.Font(None, 24), pygame.time.Clock()
    options: Any = {"tick": 1 / 60, "interpolate": ["ships.*.x", "ships.*.y"], "predict": Prediction(fly, "ships.{me}")}
    handlers = {
        CLIENT_CONNECTED: lambda client_id: {"ships": {client_id: new_ship()}},
        CLIENT_LEFT: lambda client_id: {"ships": {client_id: TO_DELETE}},
    }
    if len(sys.argv) > 1:
        session = join(sys.argv[1], **options)
    else:
        state = GameState(ships={}, stars=[new_star() for _ in range(STARS)])
        session = host(Backend(state, time_step, handlers), 8080, "0.0.0.0", interval=1 / 60, **options)
    running = True
    while running:
        for event in pygame.event.get():
            running = running and event.type != pygame.QUIT
        session.send_input(held_keys())
        draw(screen, font, session.view())
        draw_status(screen, session)
        pygame.display.flip()
        clock.tick(60)
    session.close()
    pygame.quit()


if __name__ == "__main__":
    main()
