"""The ground: comparison, serialisation, enums, sequence numbers, locked resources."""

import copy
import pickle
import threading

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.utils import Comparable, LockedResource, LockedRessource, NamedEnum, Sendable, Sqn


class Point(Sendable, Comparable):
    def __init__(self, x: object = 0, y: object = 0) -> None:
        self.x = x
        self.y = y


class OtherPoint(Point):
    pass


class TestComparable:
    def test_same_type_and_attributes_are_equal(self) -> None:
        assert Point(1, [2]) == Point(1, [2])

    def test_another_attribute_makes_unequal(self) -> None:
        different = Point(1, 2)
        different.z = 3  # type: ignore[attr-defined]
        assert Point(1, 2) != Point(1, 3)
        assert Point(1, 2) != different

    def test_another_type_is_unequal_even_with_the_same_attributes(self) -> None:
        assert Point(1, 2) != OtherPoint(1, 2)
        assert Point(1, 2) != {"x": 1, "y": 2}

    def test_mutable_objects_are_no_dict_keys(self) -> None:
        with pytest.raises(TypeError, match="unhashable"):
            hash(Point())


sendable_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(-(2**63), 2**64 - 1), inner),
    max_leaves=20,
)


class TestSendable:
    @given(sendable_values, sendable_values)
    def test_bytes_and_back_is_the_same_object(self, x: object, y: object) -> None:
        assert Point.from_bytes(Point(x, y).to_bytes()) == Point(x, y)

    def test_tuples_arrive_as_lists_and_sequence_numbers_as_ints(self) -> None:
        received = Point.from_bytes(Point((1, 2), Sqn(7)).to_bytes())
        assert received.x == [1, 2]
        assert type(received.y) is int

    def test_the_class_decides_what_comes_out(self) -> None:
        assert type(OtherPoint.from_bytes(Point(1, 2).to_bytes())) is OtherPoint

    @pytest.mark.parametrize("value", [{1, 2}, object(), 2**64, "\ud800", {(1, 2): 3, "deep": [object()]}])
    def test_an_unsendable_value_is_named(self, value: object) -> None:
        with pytest.raises(TypeError, match=rf"Point\.y \(a {type(value).__name__}\) cannot be sent"):
            Point(0, value).to_bytes()

    def test_a_value_that_contains_itself_is_named_too(self) -> None:
        endless: list[object] = []
        endless.append(endless)
        with pytest.raises(TypeError, match=r"Point\.y \(a list\) cannot be sent"):
            Point(0, endless).to_bytes()

    @pytest.mark.parametrize(
        "wrong",
        [
            b"",
            b"\xc1",
            b"\x81",
            b"hello, this is text",
            b"\x81\xa1x",  # one attribute, no value
            b"\x81\x91\x00\x01",  # a list as a key
            msgpack.packb([1, 2]),
            msgpack.packb({1: 2}),
            Point(1, 2).to_bytes() + b"more",
            b"\x91" * 5000,
        ],
    )
    def test_bad_bytes_raise_type_error_that_says_what_was_expected(self, wrong: bytes) -> None:
        with pytest.raises(TypeError, match="expected the bytes of a Point"):
            Point.from_bytes(wrong)

    @given(st.binary())
    def test_no_bytes_raise_anything_but_type_error(self, anything: bytes) -> None:
        try:
            received = Point.from_bytes(anything)
        except TypeError:
            return
        assert isinstance(received, Point)

    @pytest.mark.parametrize("wrong", [None, 5, "text"])
    def test_what_is_not_bytes_is_a_type_error(self, wrong: object) -> None:
        with pytest.raises(TypeError, match="expected the bytes of a Point"):
            Point.from_bytes(wrong)  # type: ignore[arg-type]


class Weather(NamedEnum):
    pass


Weather.register("Rain")
Weather.register("Snow")


class Mood(NamedEnum):
    pass


class Late(NamedEnum, first=7):
    """Begins with another number than 0."""


Late.register("A")
Late.register("B")


class TestNamedEnum:
    def test_numbers_begin_where_the_class_says(self) -> None:
        assert [Late.get("A"), Late.get("B")] == [7, 8]
        assert [Late.get(7), Late.get(8)] == ["A", "B"]
        for outside in (0, 6, 9, -1):
            with pytest.raises(ValueError, match=r"'A' \(7\), 'B' \(8\)"):
                Late.get(outside)

    def test_names_are_numbered_in_the_order_of_registration(self) -> None:
        assert [Weather.get("Rain"), Weather.get("Snow")] == [0, 1]

    def test_values_have_names(self) -> None:
        assert [Weather.get(0), Weather.get(1)] == ["Rain", "Snow"]

    def test_registering_again_changes_nothing(self) -> None:
        Weather.register("Rain")
        assert Weather.get("Rain") == 0
        with pytest.raises(ValueError, match="no 2;"):
            Weather.get(2)

    @pytest.mark.parametrize("unknown", ["rain", "", 2, -1])
    def test_an_unknown_name_or_value_is_answered_with_the_known_ones(self, unknown: str | int) -> None:
        with pytest.raises(ValueError, match=r"it knows 'Rain' \(0\), 'Snow' \(1\)"):
            Weather.get(unknown)

    def test_each_enum_has_its_own_names(self) -> None:
        with pytest.raises(ValueError, match="Mood has no 'Rain'; it knows no names yet"):
            Mood.get("Rain")
        with pytest.raises(ValueError, match="NamedEnum has no 'Rain'"):
            NamedEnum.get("Rain")

    @pytest.mark.parametrize("wrong", [None, 1.0, True, b"Rain"])
    def test_what_is_neither_name_nor_value_is_a_type_error(self, wrong: object) -> None:
        with pytest.raises(TypeError, match=r"Weather\.get\(\) takes a name"):
            Weather.get(wrong)  # type: ignore[call-overload]

    def test_only_strings_can_be_registered(self) -> None:
        with pytest.raises(TypeError, match="takes a name"):
            Weather.register(3)  # type: ignore[arg-type]


positions = st.integers(1, 65535)  # everything but "before the start"
steps = st.integers(-32767, 32767)  # the shorter way round


class TestSqn:
    def test_documented_examples(self) -> None:
        assert Sqn(5) - Sqn(65530) == 10
        assert Sqn(2) + 65535 == 2
        assert Sqn(65535) + 1 == 1
        assert Sqn(5) > Sqn(65500)
        assert Sqn(65500) < Sqn(5)

    def test_counting_from_the_start_passes_every_number_and_comes_back_to_one(self) -> None:
        sequence, seen = Sqn(0), []
        for _ in range(65536):
            sequence += 1
            seen.append(int(sequence))
        assert seen == [*range(1, 65536), 1]

    @given(positions, steps)
    def test_subtraction_undoes_addition(self, start: int, step: int) -> None:
        assert (Sqn(start) + step) - Sqn(start) == step

    @given(positions, positions)
    def test_adding_the_difference_leads_there(self, a: int, b: int) -> None:
        assert Sqn(a) + (Sqn(b) - Sqn(a)) == b

    @given(positions, positions)
    def test_difference_is_signed_and_takes_the_shorter_way(self, a: int, b: int) -> None:
        difference = Sqn(a) - Sqn(b)
        assert type(difference) is int
        assert difference == -(Sqn(b) - Sqn(a))
        assert abs(difference) == min(abs(a - b), 65535 - abs(a - b))

    @given(st.integers(0, 65535), st.integers(0, 65535))
    def test_order_is_the_sign_of_the_difference(self, a: int, b: int) -> None:
        difference = Sqn(a) - Sqn(b)
        assert (Sqn(a) < Sqn(b)) == (difference < 0)
        assert (Sqn(a) <= Sqn(b)) == (difference <= 0)
        assert (Sqn(a) > Sqn(b)) == (difference > 0)
        assert (Sqn(a) >= Sqn(b)) == (difference >= 0)
        assert (Sqn(a) == Sqn(b)) == (difference == 0)

    @given(positions)
    def test_nothing_comes_before_the_start(self, number: int) -> None:
        assert Sqn(0) < Sqn(number)
        assert Sqn(number) - Sqn(0) == number
        assert Sqn(0) + number == number

    def test_works_with_plain_ints_on_either_side(self) -> None:
        assert Sqn(5) - 65530 == 10
        assert 5 - Sqn(65530) == 10
        assert 65530 < Sqn(5)  # noqa: SIM300 - the int on the left is the point
        assert 65535 + Sqn(2) == 2
        assert type(1 + Sqn(2)) is Sqn

    def test_ints_outside_the_circle_are_compared_as_ints(self) -> None:
        assert Sqn(65535) < 100_000
        assert Sqn(0) > -1

    def test_equality_and_hash_are_those_of_the_int(self) -> None:
        assert Sqn(7) == 7
        assert {7: "seven"}[Sqn(7)] == "seven"
        assert Sqn(7) != 8
        assert f"{Sqn(7)}" == "7"

    def test_adding_nothing_stays_before_the_start(self) -> None:
        assert Sqn(0) + 0 == 0

    @pytest.mark.parametrize("value", [-1, 65536, 70000])
    def test_values_outside_are_refused_with_the_range(self, value: int) -> None:
        with pytest.raises(ValueError, match=f"from 0 to 65535, not {value}"):
            Sqn(value)
        with pytest.raises(ValueError, match=f"from 0 to 65535, not {value}"):
            Sqn(1) - value

    @pytest.mark.parametrize("value", ["5", 5.0, None, b"\0\5"])
    def test_what_is_not_an_int_is_refused(self, value: object) -> None:
        with pytest.raises(TypeError, match="a sequence number is made from an int"):
            Sqn(value)  # type: ignore[arg-type]

    def test_arithmetic_with_strangers_is_a_type_error(self) -> None:
        for operation in (
            lambda: Sqn(1) + "1",
            lambda: Sqn(1) - "1",
            lambda: "1" - Sqn(1),
            lambda: Sqn(1) < "1",
        ):
            with pytest.raises(TypeError, match=r"not supported|unsupported"):
                operation()  # type: ignore[no-untyped-call]

    @given(st.integers(0, 65535))
    def test_bytes_and_back(self, number: int) -> None:
        assert Sqn.from_sqn_bytes(Sqn(number).to_sqn_bytes()) == number

    def test_bytes_are_two_and_the_most_significant_comes_first(self) -> None:
        assert Sqn(258).to_sqn_bytes() == b"\1\2"

    @pytest.mark.parametrize("wrong", [b"", b"\0", b"\0\0\0"])
    def test_a_wrong_number_of_bytes_is_refused(self, wrong: bytes) -> None:
        with pytest.raises(ValueError, match=f"are 2, not {len(wrong)}"):
            Sqn.from_sqn_bytes(wrong)

    def test_what_is_not_bytes_is_refused(self) -> None:
        with pytest.raises(TypeError, match="not a str"):
            Sqn.from_sqn_bytes("ab")  # type: ignore[arg-type]

    def test_survives_copying_and_pickling(self) -> None:
        for twin in (copy.copy(Sqn(9)), copy.deepcopy(Sqn(9)), pickle.loads(pickle.dumps(Sqn(9)))):
            assert twin == 9
            assert type(twin) is Sqn

    def test_another_size_moves_the_end_of_the_circle(self) -> None:
        class Byte(Sqn):
            pass

        Byte.set_bytesize(1)
        assert Byte.get_max_sequence() == 255
        assert Byte(255) + 1 == 1
        assert Byte(1) - Byte(255) == 1
        assert Byte(200).to_sqn_bytes() == b"\xc8"
        assert Sqn.get_max_sequence() == 65535

    @pytest.mark.parametrize("size", [0, 9, -1, 1.5, "2"])
    def test_impossible_sizes_are_refused(self, size: object) -> None:
        with pytest.raises(ValueError, match="1 to 8 bytes"):
            Sqn.set_bytesize(size)  # type: ignore[arg-type]


class TestLockedResource:
    def test_gives_the_resource_inside_the_block_and_frees_it_after(self) -> None:
        locked = LockedResource(["milk"])
        with locked as resource:
            assert resource is locked.resource
            assert not free_for_others(locked)
        assert free_for_others(locked)

    def test_is_freed_when_the_block_raises(self) -> None:
        locked = LockedResource([1])
        with pytest.raises(KeyError), locked:
            raise KeyError
        assert free_for_others(locked)

    def test_its_own_thread_may_enter_again(self) -> None:
        locked = LockedResource([1])
        with locked, locked as again:
            assert again == [1]
        assert free_for_others(locked)

    def test_the_old_spelling_is_the_same_thing(self) -> None:
        locked = LockedRessource([1])
        assert LockedRessource is LockedResource
        assert locked.ressource is locked.resource
        locked.ressource = [2]
        assert locked.resource == [2]


def free_for_others(locked: LockedResource[list[object]]) -> bool:
    """Whether another thread gets the lock at once."""
    answers: list[bool] = []

    def try_it() -> None:
        answers.append(locked.lock.acquire(blocking=False))
        if answers[0]:
            locked.lock.release()

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    return answers[0]
