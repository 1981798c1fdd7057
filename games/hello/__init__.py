"""Everyone is a circle that moves: `python -m games.hello host` and `python -m games.hello join`.

Beside it stand `single_player`, an ordinary pygame game, and `multiplayer`, the same game for many: docs/embed.md leads
from the one to the other.
"""
