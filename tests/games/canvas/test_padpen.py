"""A stick moves the pen in proportion to its push, within the window, without a jump."""

from games.canvas.padpen import LONGEST_FRAME, STICK_SPEED, PadPen

WINDOW = (600, 400)
FRAME = 1 / 60


def moves(pen: PadPen, way: tuple[float, float], frames: int, start: tuple[int, int] | None) -> tuple[int, int] | None:
    pen.move((0.0, 0.0), start, WINDOW, 0.0)
    at = start
    for number in range(1, frames + 1):
        at = pen.move(way, at, WINDOW, number * FRAME)
    return at


def test_it_crosses_half_the_window_in_a_second() -> None:
    assert moves(PadPen(), (1.0, 0.0), 60, (100, 100)) == (100 + STICK_SPEED * 600, 100)


def test_a_stick_that_is_barely_pushed_moves_it_too() -> None:
    at = moves(PadPen(), (0.05, 0.0), 60, (100, 100))
    assert at == (115, 100)


def test_it_stays_in_the_window() -> None:
    assert moves(PadPen(), (-0.7, -0.7), 600, (100, 100)) == (0, 0)
    assert moves(PadPen(), (0.7, 0.7), 600, None) == (599, 399)


def test_a_frame_of_a_second_is_no_leap() -> None:
    pen = PadPen()
    pen.move((0.0, 0.0), None, WINDOW, 0.0)
    assert pen.move((1.0, 0.0), (100, 100), WINDOW, 1.0) == (100 + STICK_SPEED * 600 * LONGEST_FRAME, 100)


def test_where_the_mouse_goes_meanwhile_the_stick_goes_on() -> None:
    pen = PadPen()
    moves(pen, (1.0, 0.0), 10, (100, 100))
    assert pen.move((0.0, 0.0), (300, 300), WINDOW, 1.0) is None
    assert pen.move((0.0, 1.0), (300, 300), WINDOW, 1.0 + FRAME) == (300, 305)
