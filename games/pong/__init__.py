"""Pong for two over a network: `python -m games.pong host` and `python -m games.pong join`.

Where to begin reading, from what knows nothing of the rest to what joins it all:

- `rules`   what is true on the court (pure: no network, no window)
- `bot`     somebody to play against (pure)
- `server`  who sits where, and what a client may do
- `scene`   what there is to see, in words and numbers (pure)
- `court`   a picture of that, with the help of `lettering`
- `client`  the window, the keys and the connection
- `invite`  addresses, and what friends have to type
"""
