"""Everybody collects stars: `python -m games.hello host` and `python -m games.hello join`.

The folder also holds `single_player`, an ordinary pygame game, and `multiplayer`, the same game for many players.
docs/embed.md shows the steps from the first to the second.
"""
