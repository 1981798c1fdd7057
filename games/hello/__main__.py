"""Everyone is a circle that moves: a whole multiplayer game in one file, in three parts.

The rules depend on neither of the other parts. The server decides. The screen shows the game in a player's window.

To begin a game of your own, copy this folder anywhere and rename it. `python -m YOURS host` runs the copy, with nothing
but the installed packages. Then change the name and the title in `GAME`.
"""

import random
from typing import Any

import pygame

import pygase
from pygase import TO_DELETE, Backend, GameState, clean_name, unused_name
from pygase_pygame import SERVER_EVENT, Prediction, app

WIDTH, HEIGHT, RADIUS, STEP, TICK = 640, 400, 15, 4, 1 / 60
PLAYER = {"name": app.Text(), "lost": app.Flag(), "x": app.Number(0, WIDTH), "y": app.Number(0, HEIGHT)}
PLAYERS = app.Each(PLAYER, keys=app.Number(whole=True))


def move(player: dict[str, Any], wish: Any) -> dict[str, Any]:
    """The rules: return a player one tick later. The server and the player's own program both run this function."""
    match wish:
        case [-1 | 0 | 1 as dx, -1 | 0 | 1 as dy]:
            x, y = player["x"] + STEP * dx, player["y"] + STEP * dy
            return {**player, "x": min(max(x, RADIUS), WIDTH - RADIUS), "y": min(max(y, RADIUS), HEIGHT - RADIUS)}
    return player  # any other input means: stand still


def serve(hosting: app.Hosting) -> Backend:
    """The server: admits players, removes them, and moves players and bots one step a tick."""
    bots = {-number: [0, 0] for number in range(1, hosting.bots + 1)}  # clients have numbers from 1
    company = app.Company()

    def newcomer(name: str) -> dict[str, Any]:
        x, y = random.uniform(RADIUS, WIDTH - RADIUS), random.uniform(RADIUS, HEIGHT - RADIUS)
        return {"name": name, "lost": False, "x": x, "y": y}

    def enter(game_state: Any, client_id: int, profile: dict[str, Any]) -> dict[str, Any]:
        company.came(client_id, game_state.time_order * TICK)
        taken = [player["name"] for player in game_state.players.values()]
        return {"players": {client_id: newcomer(unused_name(clean_name(profile.get("name")), taken))}}

    def leave(client_id: int) -> dict[str, Any]:
        company.left(client_id)
        return {"players": {client_id: TO_DELETE}}

    def time_step(game_state: Any, dt: float, inputs: dict[int, Any]) -> dict[str, Any]:
        for client_id in company.settled(game_state.time_order * TICK):
            backend.server.dispatch_event("CAME", game_state.players[client_id]["name"])
        for bot in bots:
            if random.random() < 0.02:  # at 60 ticks a second, a bot turns about once a second
                bots[bot] = random.choices((-1, 0, 1), k=2)
        wishes = {**bots, **{client_id: given.value for client_id, given in inputs.items()}}
        return {"players": {key: move(player, wishes.get(key)) for key, player in game_state.players.items()}}

    state = GameState(players={bot: newcomer(f"Bot {-bot}") for bot in bots})
    handlers: dict[str, Any] = {
        pygase.CLIENT_CONNECTED: enter,
        pygase.CLIENT_LOST: lambda client_id: {"players": {client_id: {"lost": True}}},
        pygase.CLIENT_RESUMED: lambda client_id: {"players": {client_id: {"lost": False}}},
        pygase.CLIENT_LEFT: leave,
    }
    backend = Backend(state, time_step, handlers, game=GAME.name, checkpoint=hosting.checkpoint)
    return backend


class HelloScreen(app.GameScreen):
    """The screen: sends the keys to the server and draws the game state. The player's own circle has no delay."""

    options = app.SessionOptions(
        interpolate=["players.*.x", "players.*.y"],
        tick=TICK,
        predict=Prediction(move, "players.{me}"),
        check=app.State(players=PLAYERS),  # the client leaves a server whose states do not fit
    )
    sounds = app.SoundSet(came=[app.Tone(520, 0.07), app.Tone(780, 0.15)])

    def handle(self, event: pygame.event.Event) -> None:
        """Handle one event: a key, or an event from the server."""
        self.controls.handle(event)
        if event.type == SERVER_EVENT and event.name == "CAME":
            self.playing.sounds.play("came")

    def update(self) -> None:
        """Send the wanted direction to the server, once a frame."""
        held = self.controls.take()
        self.session.send_input([held["right"] - held["left"], held["down"] - held["up"]])

    def name_of(self, client_id: int) -> str:
        """Return a client's name, for the host's list of players (F6)."""
        return str(self.session.newest.get("players", {}).get(client_id, {}).get("name", ""))

    def draw(self, surface: pygame.Surface) -> None:
        """Draw every player with a name, and a ring around the player's own circle."""
        letters, hud = self.playing.lettering, app.hud
        layout = app.Layout(surface.get_size(), (WIDTH, HEIGHT), footer=hud.footer_height(surface))
        surface.fill(app.NIGHT)
        surface.fill(app.FLOOR, layout.area)
        for key, player in self.session.view().get("players", {}).items():
            middle, size = layout.point(player["x"], player["y"]), layout.pixels(RADIUS)
            colour = app.LINE if player["lost"] else app.player_colour(key)  # grey while the connection is lost
            pygame.draw.circle(surface, colour, middle, size)
            if key == self.session.me:
                pygame.draw.circle(surface, app.WHITE, middle, size, width=3)
            hud.name_tag(surface, letters, player["name"], (middle[0], middle[1] - size))
        hud.footer(surface, letters, "Arrows, WASD or pad: move · Esc: menu", self.playing.invitation)


GAME = app.Game("hello", "Hello", "Everyone is a circle that moves", serve, HelloScreen, port=7640, bots=1, most_bots=8)
if __name__ == "__main__":
    raise SystemExit(app.cli.run(GAME))
