"""Derby: football with cars, seen from above, for two to eight.

Several players push the same bodies, so each client predicts the whole world:

- `rules`: one tick of all cars and the ball. Server and clients run the same function;
- `pitch`: the walls, and what bodies do when they meet;
- `referee`: kick-offs, goals and the clock, at the server alone;
- `server` and `bot`: the players, and those that the computer plays;
- `client`, `scene` and `picture`: the window.
"""
