"""Games made with PyGaSe: each in a folder of its own, each run by `python -m games.NAME`."""
