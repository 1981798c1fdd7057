"""Arena, a shooter for up to 32: `python -m games.arena host --bots 31` and `python -m games.arena join`.

Where to begin reading, from what knows nothing of the rest to what joins it all:

- `walls`    the place: where one can go, see and shoot (pure)
- `rules`    what a ship does in a tick, and what a shot hits (pure; both sides run it)
- `bot`      somebody to shoot at, who shoots back (pure)
- `server`   who plays, what they may do, and who was hit: judged by what the shooter saw
- `chat`     what people may say, and how much of it (pure)
- `memory`   what the client keeps of what happened, to show it for a while (pure)
- `scene`    what there is to see, and which part of the place a window shows
- `picture`  the place drawn, with the help of `sprites`, and with `front` and `board` in front of it
- `client`   the window, the keys, mouse and pad, and the connection
"""
