"""No ship gets into a wall, whatever its player does. Nobody sees or shoots through one."""

import math

from hypothesis import given
from hypothesis import strategies as st

from games.arena import walls
from games.arena.bot import PLACES
from games.arena.walls import HEIGHT, RADIUS, WALLS, WIDTH

ways = st.tuples(st.integers(-100, 100), st.integers(-100, 100))
angles = st.floats(-math.pi, math.pi)
places = st.sampled_from(PLACES)


@given(places, st.lists(ways, max_size=80))
def test_no_way_leads_into_a_wall_or_out_of_the_arena(at: tuple[int, int], steps: list[tuple[int, int]]) -> None:
    for way in steps:
        for _ in range(8):
            at = walls.step(at, way)
            assert walls.is_free(*at)


@given(places, ways)
def test_where_no_wall_is_in_the_way_a_step_leads_where_it_should(at: tuple[int, int], way: tuple[int, int]) -> None:
    """All places are farther from the nearest wall than any step."""
    meant = (at[0] + way[0], at[1] + way[1])
    if walls.is_free(*meant) and walls.sees(at, meant, walls.GROWN):
        assert walls.step(at, way) == meant


def test_who_runs_against_a_wall_aslant_slides_along_it() -> None:
    wall = WALLS[0]
    at = (wall.left - RADIUS, (wall.top + wall.bottom) // 2)
    assert walls.step(at, (70, 30)) == (at[0], at[1] + 30)
    assert walls.step(at, (-70, 30)) == (at[0] - 70, at[1] + 30)


def test_the_arena_looks_the_same_from_every_corner() -> None:
    mirrored = {(WIDTH - w.right, w.top, WIDTH - w.left, w.bottom) for w in WALLS}
    turned = {(w.left, HEIGHT - w.bottom, w.right, HEIGHT - w.top) for w in WALLS}
    assert mirrored == turned == set(map(tuple, WALLS))


@given(places, angles, st.floats(0, 30_000))
def test_a_free_way_ends_at_the_first_wall(at: tuple[int, int], angle: float, length: float) -> None:
    """Compared with a slow walk along the way, about a point at a time."""
    dx, dy = math.cos(angle), math.sin(angle)
    free = walls.free_way(*at, dx, dy, length)
    assert 0 <= free <= length

    def inside(way: float) -> bool:
        x, y = at[0] + dx * way, at[1] + dy * way
        in_wall = any(w.left < x < w.right and w.top < y < w.bottom for w in WALLS)
        return in_wall or not (-1e-6 <= x <= WIDTH + 1e-6 and -1e-6 <= y <= HEIGHT + 1e-6)

    assert not any(inside(free * part / 200) for part in range(200))
    if free < length - 1e-6:
        assert inside(free + 1e-3) or any(inside(free + 1e-3 * part) for part in range(-5, 5))


@given(places, places)
def test_one_sees_whom_one_is_seen_by(a: tuple[int, int], b: tuple[int, int]) -> None:
    assert walls.sees(a, b) == walls.sees(b, a)


def test_a_wall_hides_what_is_behind_it_and_nothing_beside_it() -> None:
    wall = WALLS[0]
    middle = (wall.top + wall.bottom) // 2
    left, right = (wall.left - 500, middle), (wall.right + 500, middle)
    assert not walls.sees(left, right)
    assert walls.sees((left[0], wall.top), (right[0], wall.top))  # along its edge
    assert walls.sees((left[0], wall.top - 10), (right[0], wall.top - 10))
