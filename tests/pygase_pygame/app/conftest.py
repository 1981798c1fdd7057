"""The programs that the command line's tests start."""

from tests.games.conftest import port, programs

__all__ = ["port", "programs"]
