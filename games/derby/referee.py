"""The referee of Derby: kick-offs, goals and the clock. Only the server has one.

Nobody predicts it: a goal that is taken back is worse than one that a client sees a moment later. The ball lies in the
net meanwhile.
"""

from typing import Any, Final, Literal, TypedDict

from games.derby import rules
from games.derby.pitch import WIDTH
from games.derby.rules import BALL, TICKS_PER_SECOND, World

Phase = Literal["waiting", "play", "goal", "over"]

WAITING: Final = "waiting"  # for players
PLAY: Final = "play"
GOAL: Final = "goal"  # the ball is in a net, and the cars drive on
OVER: Final = "over"

MATCH_SECONDS: Final = 180
KICK_OFF_TICKS: Final = 2 * TICKS_PER_SECOND
GOAL_TICKS: Final = 4 * TICKS_PER_SECOND  # for the cheers and the replay
NOBODY: Final = 0


class Match(TypedDict):
    """What the referee has noted. A match that is even at its end goes on until the next goal."""

    phase: Phase
    left: int  # ticks of play left; 0 while the next goal wins
    pause: int  # ticks until the next kick-off after a goal
    score: list[int]
    scorer: int  # of the latest goal: a player's number, or NOBODY
    own: bool  # whether that was an own goal
    team: int  # for which it counts


class Referee:
    """Watches the touches and the ball. Call `judge` after each tick.

    :param seconds: length of a match.
    """

    def __init__(self, seconds: int = MATCH_SECONDS) -> None:
        self._ticks = seconds * TICKS_PER_SECOND
        self._touches: dict[int, int] = {}  # by team: the player that touched the ball last

    def new_match(self, phase: Phase = WAITING) -> Match:
        """Return the notes before the first kick-off."""
        self._touches.clear()
        goals: Match = {
            "phase": phase,
            "left": self._ticks,
            "pause": 0,
            "score": [0, 0],
            "scorer": 0,
            "own": False,
            "team": 0,
        }
        return goals

    def note(self, world: World, what: str, who: int, *_: Any) -> None:
        """Take a report of the rules' step."""
        if what == "HIT" and who in world["cars"]:
            self._touches.pop(world["cars"][who]["team"], None)
            self._touches[world["cars"][who]["team"]] = who  # the latest stands last

    def judge(self, world: World, match: Match) -> Match:
        """Return the notes after a tick. After a goal's pause it puts the world back for the kick-off."""
        if match["phase"] == GOAL:
            return self._after_goal(world, match)
        if match["phase"] != PLAY or world["wait"] > 0:
            return match
        team = scoring_team(world)
        if team is not None:
            return self._goal(match, team)
        left = max(match["left"] - 1, 0)
        if left == 0 and match["score"][0] != match["score"][1]:
            return {**match, "left": 0, "phase": OVER}
        return {**match, "left": left}

    def _goal(self, match: Match, team: int) -> Match:
        score = [points + (place == team) for place, points in enumerate(match["score"])]
        scorer = self._touches.get(team, NOBODY)
        own = scorer == NOBODY and 1 - team in self._touches
        if own:
            scorer = self._touches[1 - team]
        goal: Match = {**match, "phase": GOAL, "score": score, "scorer": scorer, "own": own, "team": team}
        return {**goal, "pause": GOAL_TICKS}

    def _after_goal(self, world: World, match: Match) -> Match:
        if match["pause"] > 1:
            return {**match, "pause": match["pause"] - 1}
        if match["left"] == 0:  # the next goal was to win
            return {**match, "pause": 0, "phase": OVER}
        self._touches.clear()
        rules.kick_off(world, KICK_OFF_TICKS)
        return {**match, "pause": 0, "phase": PLAY}


def scoring_team(world: World) -> int | None:
    """Return the team in whose favour the whole ball is behind a line; None if it is on the pitch."""
    x = world["ball"]["x"]
    if x > WIDTH + BALL:
        return 0
    return 1 if x < -BALL else None
