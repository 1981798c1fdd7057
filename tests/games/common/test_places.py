"""Places lie on a grid, on free ground; the farthest one is farthest from everybody."""

from games.common.places import farthest, spread


def test_places_are_the_middles_of_free_cells_column_by_column() -> None:
    assert spread(40, 60, 20, lambda x, y: True) == ((10, 10), (10, 30), (10, 50), (30, 10), (30, 30), (30, 50))
    assert spread(40, 40, 20, lambda x, y: x > y) == ((30, 10),)
    assert spread(40, 40, 20, lambda x, y: False) == ()


def test_the_farthest_place_is_the_one_whose_nearest_neighbour_is_farthest() -> None:
    places = [(0, 0), (50, 0), (100, 0)]
    assert farthest(places, [(0, 0), (100, 10)]) == (50, 0)
    assert farthest(places, [(60, 0)]) == (0, 0)
    assert farthest(places, []) == (0, 0), "the first one, if nobody is there"
