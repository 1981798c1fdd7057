"""The only rooms with sockets, asyncio, threads and the real clock; all others get `now` handed in."""
