"""The long tests: ``python -m tests.long``."""
