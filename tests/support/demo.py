"""The smallest possible game, to test the common part of all games: it keeps the names and the keys of its players."""

import pygame

from pygase import CLIENT_CONNECTED, Backend, GameState
from pygase_pygame.app.game import Game, Hosting
from pygase_pygame.app.game_screen import GameScreen, Playing, SoundSet, Tone


def serve(hosting: Hosting) -> Backend:
    """Return a server that keeps the names in the order of their arrival."""

    def on_connected(profile: dict[str, str], game_state: GameState) -> dict[str, object]:
        return {"names": [*game_state.names, profile.get("name", "")]}

    state = GameState(names=[], bots=hosting.bots)
    return Backend(state, lambda game_state, dt: {}, {CLIENT_CONNECTED: on_connected}, game="demo")


class DemoScreen(GameScreen):
    """Counts its frames, and takes Esc for itself while `chatting`."""

    sounds = SoundSet(beep=[Tone(440, 0.01)])

    def __init__(self, playing: Playing) -> None:
        super().__init__(playing)
        self.chatting = False
        self.updates = self.draws = 0
        self.heard: list[int] = []

    def handle(self, event: pygame.event.Event) -> bool:
        """Take every event in; Esc ends the chat."""
        self.heard.append(event.type)
        if self.chatting and event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self.chatting = False
            return True
        return False

    def update(self) -> None:
        """Count."""
        self.updates += 1

    def draw(self, surface: pygame.Surface) -> None:
        """Count."""
        self.draws += 1
        surface.fill((1, 2, 3))


DEMO = Game("demo", "Demo", "Nothing much", serve, "tests.support.demo:DemoScreen", port=7699, bots=2, most_bots=5)
