"""Everyone is a circle that moves: `python -m games.hello host` and `python -m games.hello join`."""
