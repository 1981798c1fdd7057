"""Everybody collects stars: a whole multiplayer game in one file, in three parts.

The rules depend on neither of the other parts. The server decides. The screen shows the game in a player's window.

To begin a game of your own, copy this folder anywhere and rename it. `python -m YOURS host` runs the copy, with nothing
but the installed packages. Then change the name and the title in `GAME`.
"""

import math
import random
from typing import Any

import pygame

from pygase import Backend, GameState, Seats, Whole
from pygase_pygame import SERVER_EVENT, Prediction, app, juice

WIDTH, HEIGHT, RADIUS, REACH, STEP, TICK = 640, 400, 15, 24, 4, 1 / 60
ROUND, PAUSE, STARS = 60 * 60, 6 * 60, 5  # ticks of a round, ticks between two rounds, stars at a time
COUNT = app.Number(whole=True)
PLACE = {"x": app.Number(0, WIDTH), "y": app.Number(0, HEIGHT)}
SPARKLE = juice.Burst(count=20, speed=140, seconds=0.5, size=3, colours=[app.YELLOW, app.WHITE])


def move(player: dict[str, Any], wish: Any) -> dict[str, Any]:
    """The rules: return a player one tick later. The server and the player's own program both run this function."""
    match wish:
        case [-1 | 0 | 1 as dx, -1 | 0 | 1 as dy]:
            x, y = player["x"] + STEP * dx, player["y"] + STEP * dy
            return {**player, "x": min(max(x, RADIUS), WIDTH - RADIUS), "y": min(max(y, RADIUS), HEIGHT - RADIUS)}
    return player  # any other input means: stand still


def somewhere() -> dict[str, float]:
    """Return a place on the floor."""
    return {"x": random.uniform(RADIUS, WIDTH - RADIUS), "y": random.uniform(RADIUS, HEIGHT - RADIUS)}


def way(player: dict[str, Any], stars: dict[int, Any]) -> list[int]:
    """Return a bot's wish: towards the nearest star."""
    star = min(stars.values(), key=lambda each: abs(each["x"] - player["x"]) + abs(each["y"] - player["y"]))
    return [(star[axis] > player[axis] + STEP) - (star[axis] < player[axis] - STEP) for axis in ("x", "y")]


def leaders(scores: dict[int, int]) -> list[int]:
    """Return the players with most stars, as soon as somebody has one."""
    return [key for key, score in scores.items() if score == max(scores.values()) > 0]


def serve(hosting: app.Hosting) -> Backend:
    """The server: gives everybody a place, moves them, and counts the stars that they reach."""
    seats = Seats(places=16, bots=hosting.bots)  # names, colours, bots, and who has lost the connection

    def time_step(game_state: Any, dt: float, inputs: dict[int, Any]) -> dict[str, Any]:
        players, left = {}, game_state.left - 1
        for number in seats.players(game_state):
            player = game_state.players.get(number) or somewhere()
            wish = inputs[number].value if number in inputs else None
            if number < 0 and random.random() < 0.6:
                wish = way(player, game_state.stars)
            players[number] = move(player, wish)
        scores = {number: game_state.scores.get(number, 0) * (left > -PAUSE) for number in players}
        stars = collected(game_state.stars, players, scores) if left > 0 else game_state.stars
        left = left if left > -PAUSE else ROUND
        return {"players": Whole(players), "stars": Whole(stars), "scores": Whole(scores), "left": left}

    def collected(stars: dict[int, Any], players: dict[int, Any], scores: dict[int, int]) -> dict[int, Any]:
        after = dict(stars)
        for key, star in stars.items():
            near = [who for who, it in players.items() if math.dist((it["x"], it["y"]), (star["x"], star["y"])) < REACH]
            if near:
                scores[near[0]] += 1
                after[max(after) + 1] = somewhere()  # a new star has a new key
                del after[key]
                backend.server.dispatch_event("STAR", star["x"], star["y"])
        return after

    stars = {key: somewhere() for key in range(STARS)}
    state = GameState(players={}, stars=stars, scores={}, left=ROUND, seats=seats.first())
    backend = Backend(state, time_step, seats.handlers, game=GAME.name, checkpoint=hosting.checkpoint)
    return backend


class HelloScreen(app.GameScreen):
    """The screen: sends the keys to the server and draws the game state. The player's own circle has no delay."""

    options = app.SessionOptions(
        interpolate=["players.*.x", "players.*.y"],
        tick=TICK,
        predict=Prediction(move, "players.{me}"),
        check=app.State(
            players=app.Each(PLACE), stars=app.Each(PLACE), scores=app.Each(COUNT), left=COUNT, seats=app.SEATS
        ),
    )
    sounds = app.SoundSet(star=[app.Tone(880, 0.06), app.Tone(1320, 0.1)])
    lobby = app.LobbyOptions()  # names of the players, for the host's list (F6)

    def handle(self, event: pygame.event.Event) -> None:
        """Handle one event: a key, or an event from the server."""
        self.controls.handle(event)
        match (event.name, event.args) if event.type == SERVER_EVENT else ("", ()):
            case "STAR", (int() | float() as x, int() | float() as y):
                self.playing.sounds.play("star", pitch=juice.vary())
                self.playing.juice.particles.burst(SPARKLE, x, y, self.playing.clock())

    def update(self) -> None:
        """Send the wanted direction to the server, once a frame."""
        held = self.controls.take()
        self.session.send_input([held["right"] - held["left"], held["down"] - held["up"]])

    def draw(self, surface: pygame.Surface) -> None:
        """Draw stars and players, a ring around the player's own circle, and a crown above the leader's."""
        letters, hud, now, view = self.playing.lettering, app.hud, self.playing.clock(), self.session.view()
        layout = app.Layout(surface.get_size(), (WIDTH, HEIGHT), footer=hud.footer_height(surface))
        surface.fill(app.NIGHT)
        surface.fill((28, 38, 74), layout.area)
        scores, left = view.get("scores", {}), view.get("left", ROUND)
        best = leaders(scores)
        for key, star in view.get("stars", {}).items():
            corners = [(RADIUS / (1 + corner % 2), corner * math.pi / 5 + now + key) for corner in range(10)]
            points = [layout.point(star["x"] + r * math.cos(a), star["y"] + r * math.sin(a)) for r, a in corners]
            pygame.draw.polygon(surface, app.YELLOW, points)
        for key, player in view.get("players", {}).items():
            middle, size, seat = layout.point(player["x"], player["y"]), layout.pixels(RADIUS), view.seats[key]
            colour = app.LINE if seat["lost"] else app.player_colour(key)  # grey while the connection is lost
            pygame.draw.circle(surface, colour, middle, size)
            if key == self.session.me:
                pygame.draw.circle(surface, app.WHITE, middle, size, width=3)
            name = f"{'♛ ' * (key in best)}{seat['name']} ★{scores.get(key, 0)}"
            hud.name_tag(surface, letters, name, (middle[0], middle[1] - size))
        self.playing.juice.particles.draw(surface, now, layout)
        if left < 0:
            winners = " and ".join(view.seats[key]["name"] for key in best) or "Nobody"
            hud.notice(surface, letters, f"{winners} with the crown", "The next round begins soon.")
        keys = f"{max(left, 0) // 60} s · Arrows, WASD or pad: move · Esc: menu"
        hud.footer(surface, letters, keys, self.playing.invitation)


GAME = app.Game("hello", "Hello", "Everybody collects stars", serve, HelloScreen, port=7640, bots=1, most_bots=8)
if __name__ == "__main__":
    raise SystemExit(app.cli.run(GAME))
