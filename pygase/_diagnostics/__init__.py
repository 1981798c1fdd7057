"""How the library reports problems: rate-limited log lines, short tracebacks, advice. Standard library only."""
