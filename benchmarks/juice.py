"""The cost of `pygase_pygame.juice` in a frame, beside an empty pygame loop in the same run.

::

    SDL_VIDEODRIVER=dummy python -m benchmarks.juice [--seconds 4] [--particles 500]

Each row is a loop of 60 frames a second that fills its window and flips. It takes turns with the others. The empty loop
does nothing else; the others draw that many particles, or a flash over the whole window in each frame, or compute the
shake's offset. The figures are `time.process_time` in percent of one core, and the difference to the empty loop. With a
display (or Xvfb) they contain the way of the pixels to it, in all loops alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Final

import pygame

from pygase_pygame.juice import Burst, Juice

SIZES: Final = ((960, 640), (1920, 1080), (3840, 2160))
FRAMES_PER_SECOND: Final = 60

Draw = Callable[[pygame.Surface, float], object]


def loop(surface: pygame.Surface, draw: Draw, seconds: float) -> tuple[float, int]:
    """Run a loop; return its share of a core, and the frames that it made."""
    clock, frames = pygame.time.Clock(), round(seconds * FRAMES_PER_SECOND)
    began_at, used = time.perf_counter(), time.process_time()
    for frame in range(frames):
        pygame.event.pump()
        surface.fill((10, 14, 24))
        draw(surface, frame / FRAMES_PER_SECOND)
        pygame.display.flip()
        clock.tick(FRAMES_PER_SECOND)
    elapsed = time.perf_counter() - began_at
    return (time.process_time() - used) / elapsed, round(frames / elapsed)


def loops(size: tuple[int, int], particles: int) -> dict[str, Draw]:
    """Return what each loop draws in a frame at a moment."""
    kit = Juice(most=particles)
    burst = Burst(count=particles, speed=size[0] / 3, seconds=1e6, drag=1e-6, size=5.0)
    kit.particles.burst(burst, size[0] / 2, size[1] / 2, now=0.0)

    def flash(surface: pygame.Surface, now: float) -> None:
        kit.flash.flash((255, 255, 255), now, strength=0.3, seconds=10.0)
        kit.flash.draw(surface, now)

    def shake(surface: pygame.Surface, now: float) -> None:
        kit.shake.kick(0.5, now, seconds=10.0)
        kit.shake.offset(now, 12.0)

    return {
        "an empty loop": lambda surface, now: None,
        f"{particles} particles": lambda surface, now: kit.particles.draw(surface, now % 1.0),
        "a flash, always on": flash,
        "a shake, 16 kicks": shake,
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure all sizes, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each loop (default: %(default)s)")
    parser.add_argument("--particles", type=int, default=500, help="particles drawn (default: %(default)s)")
    args = parser.parse_args(arguments)
    print(f"{'window':>11} {'loop':<20} {'core':>7} {'more':>7} {'frames/s':>9}")
    for size in SIZES:
        pygame.display.init()
        surface, empty = pygame.display.set_mode(size), 0.0
        for name, draw in loops(size, args.particles).items():
            share, frames = loop(surface, draw, args.seconds)
            empty = empty or share
            print(f"{size[0]:>6}x{size[1]} {name:<20} {share:>7.1%} {share - empty:>7.1%} {frames:>9}")
        pygame.quit()


if __name__ == "__main__":
    main()
