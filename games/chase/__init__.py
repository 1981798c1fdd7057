"""Tag for up to 16 over a network: `python -m games.chase host` and `python -m games.chase join`.

Where to begin reading, from what knows nothing of the rest to what joins it all:

- `walls`    the place, and how one slides along its walls (pure)
- `rules`    how one runs, who is it, and who is safe (pure)
- `paths`    the shortest way around the walls (pure)
- `bot`      somebody to run from and to run after (pure)
- `server`   who plays, who has been caught, and who wins
- `words`    what the game tells a player (pure)
- `layout`   where everything is in a window of any size (pure)
- `figures`  what runners look like
- `picture`  what one frame shows
- `client`   the window, the keys and the connection
"""
