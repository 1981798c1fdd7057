"""State trees: allowed contents, merging, and equality."""

import collections
import copy
import enum
import math
import pickle
from typing import Any, NamedTuple

import pytest
from hypothesis import given

from pygase._state.codec import pack
from pygase._state.tree import (
    MAX_DEPTH,
    MAX_INT,
    MIN_INT,
    TO_DELETE,
    Cleaner,
    Tree,
    exactly_equal,
    first_difference,
    merge_in_place,
    thawed,
    without_markers,
)
from pygase.errors import InvalidValue, PygaseError
from pygase.utils import Sqn
from tests.support.trees import exact, merged_plainly, trees


def clean(value: Any) -> Any:
    return Cleaner().clean(value, "state")


class Colour(enum.IntEnum):
    RED = 3


class Mood(enum.Enum):
    GLAD = 3


class Point(NamedTuple):
    x: int
    y: float


class Name(str):
    __slots__ = ()


# -- what can be sent ------------------------------------------------------------------------------------------------


@given(trees)
def test_a_clean_value_is_an_exact_copy_that_shares_nothing_mutable(tree: Tree) -> None:
    cleaned = clean(tree)
    assert exact(cleaned) == exact(tree)
    mutable = [cleaned]
    originals = {id(part) for part in parts_of(tree)}
    while mutable:
        part = mutable.pop()
        assert id(part) not in originals
        inner = part.values() if isinstance(part, dict) else part
        mutable.extend(item for item in inner if isinstance(item, (dict, list)))


def parts_of(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    nested = [part for item in inner for part in parts_of(item)]
    return [value, *nested] if isinstance(value, (dict, list)) else nested


@given(trees)
def test_the_counted_size_is_an_upper_bound_of_the_serialised_size(tree: Tree) -> None:
    cleaner = Cleaner()
    cleaned = cleaner.clean(tree, "state")
    assert cleaner.size_bytes >= len(pack(cleaned))


@pytest.mark.parametrize(
    ("value", "sent_as"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        (Sqn(7), 7),
        (Colour.RED, 3),
        (Name("anna"), "anna"),
        (Point(1, 2.5), [1, 2.5]),
        (bytearray(b"ab"), b"ab"),
        (collections.defaultdict(int, a=1), {"a": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        ({Name("k"): 1, Colour.RED: 2}, {"k": 1, 3: 2}),
        ([1.5, True, None], [1.5, True, None]),
        (MAX_INT, MAX_INT),
        (MIN_INT, MIN_INT),
    ],
)
def test_subclasses_are_sent_as_what_they_are_built_on(value: Any, sent_as: Any) -> None:
    cleaned = clean({"v": value})["v"]
    assert exact(cleaned) == exact(sent_as)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": object()}, r"state\.a is of type object"),
        ({"a": {"b": [0, {"c": {1, 2}}]}}, r"state\.a\.b\[1\]\.c is of type set"),
        ({"players": {7: {"pos": 1 + 2j}}}, r"state\.players\[7\]\.pos is of type complex"),
        ({"odd key": len}, r"state\['odd key'\] is of type builtin_function_or_method"),
        ({"a": (1, 2, Mood.GLAD)}, r"state\.a\[2\] is of type tests\.state\.test_tree\.Mood"),
        ({"a": MAX_INT + 1}, r"state\.a is an int beyond 64 bits \(65 bits\)"),
        ({"a": MIN_INT - 1}, r"state\.a is an int beyond 64 bits"),
        ({"a": {1.5: 0}}, r"state\.a\[1\.5\] is a key of type float; keys must be str or int"),
        ({"a": {True: 0}}, r"state\.a\[True\] is a key of type bool"),
        ({"a": {None: 0}}, r"state\.a\[None\] is a key of type NoneType"),
        ({"a": {(1, 2): 0}}, r"state\.a\[\(1, 2\)\] is a key of type tuple"),
        ({"a": {2**70: 0}}, r"int beyond 64 bits"),
        ({"a": "\ud800"}, r"state\.a is a str that is not valid Unicode"),
        ({"a": {"\ud800": 1}}, r"is a str that is not valid Unicode"),
        ({"a": [1, TO_DELETE]}, r"state\.a\[1\] is TO_DELETE in a list"),
        (object(), r"state is of type object"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_path_and_type(value: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message) as caught:
        clean(value)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, PygaseError)


def test_a_state_that_contains_itself_is_refused_with_a_sentence() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(InvalidValue, match="does it contain itself"):
        clean(loop)
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(InvalidValue, match="does it contain itself"):
        clean(circle)


def test_the_deepest_allowed_nesting_passes_and_one_more_level_does_not() -> None:
    tree: Any = 1
    for _ in range(MAX_DEPTH + 1):
        tree = {"x": tree}
    assert clean(tree) == tree
    with pytest.raises(InvalidValue, match=f"deeper than {MAX_DEPTH} levels"):
        clean({"x": tree})


def test_after_an_error_a_cleaner_goes_on() -> None:
    cleaner = Cleaner()
    with pytest.raises(InvalidValue):
        cleaner.clean({"a": object()}, "state")
    assert cleaner.clean({"a": 1}, "state") == {"a": 1}


# -- the same, to the last bit ---------------------------------------------------------------------------------------


@given(trees, trees)
def test_exactly_equal_is_equality_without_mercy(a: Tree, b: Tree) -> None:
    assert exactly_equal(a, b) == (exact(a) == exact(b))
    assert exactly_equal(a, copy.deepcopy(a))


@given(trees, trees)
def test_a_first_difference_is_found_exactly_where_there_is_one(a: Tree, b: Tree) -> None:
    assert (first_difference(a, b) is None) == exactly_equal(a, b)


@pytest.mark.parametrize(
    ("a", "b"), [(1, 1.0), (1, True), (0.0, -0.0), ("1", b"1"), ([], {}), (None, False), ([1], [1.0])]
)
def test_values_that_python_takes_for_equal_or_alike_are_told_apart(a: Any, b: Any) -> None:
    assert not exactly_equal(a, b)
    assert exactly_equal(a, a)
    assert exactly_equal(math.nan, float("nan"))


@pytest.mark.parametrize(
    ("a", "b", "path"),
    [
        ({"x": 1}, {"x": 2}, "x"),
        ({"players": {7: {"x": 1}}}, {"players": {7: {"x": 2}}}, "players[7].x"),
        ({"a": 1}, {"a": 1, "b": {"c": 1}}, "b"),
        ({"a": {"b": 1}}, {"a": {}}, "a.b"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "a"),
    ],
)
def test_a_difference_is_named_by_its_path(a: Tree, b: Tree, path: str) -> None:
    assert first_difference(a, b) == path


# -- copies ----------------------------------------------------------------------------------------------------------


@given(trees, trees)
def test_merging_in_place_gives_the_same_and_shares_nothing_with_the_update(state: Tree, update: Tree) -> None:
    target = thawed(state)
    update_before, state_before = exact(update), exact(state)
    merge_in_place(target, update)
    assert exact(target) == exact(merged_plainly(state, update))
    for part in parts_of(target):
        part.clear()
    assert (exact(update), exact(state)) == (update_before, state_before)


@given(trees)
def test_a_thawed_tree_is_an_exact_copy_of_its_own(tree: Tree) -> None:
    before = exact(tree)
    copied = thawed(tree)
    assert exact(copied) == before
    for part in parts_of(copied):
        part.clear()
    assert exact(tree) == before


def test_without_markers_a_fresh_branch_contains_no_deletions() -> None:
    assert without_markers({"a": TO_DELETE, "b": {"c": TO_DELETE, "d": 1}}) == {"b": {"d": 1}}


def test_there_is_one_to_delete_wherever_it_has_been() -> None:
    assert repr(TO_DELETE) == "TO_DELETE"
    assert pickle.loads(pickle.dumps(TO_DELETE)) is TO_DELETE
    assert copy.deepcopy({"x": TO_DELETE})["x"] is TO_DELETE
    assert clean({"x": TO_DELETE})["x"] is TO_DELETE
