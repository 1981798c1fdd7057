"""Reports of problems: rate-limited log lines, short tracebacks, advice. Standard library only."""
