"""Pong for two over a network: `python -m games.pong host` and `python -m games.pong join`.

- `rules`  what is true on the court (pure: no network, no window)
- `bot`    somebody to play against (pure)
- `server` who sits where, and what a client may do
- `court`  a picture of it all
- `client` the window, the keys and the connection
"""
