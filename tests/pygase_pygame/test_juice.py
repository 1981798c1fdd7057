"""Juice follows from the time alone, is bounded, and keeps to the player's limits."""

import itertools
import math
import random
from collections.abc import Callable

import pygame
import pytest

from pygase_pygame import juice
from pygase_pygame.app import Layout
from pygase_pygame.juice import Burst, Comfort, Ear, Flash, Juice, Particles, Shake, Tween

WHITE = (255, 255, 255)
CURVES = [juice.ease_in, juice.ease_out, juice.ease_in_out, juice.back_out, juice.bounce_out, juice.elastic_out]


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_begins_at_0_ends_at_1_and_has_no_jump(curve: Callable[[float], float]) -> None:
    assert curve(0.0) == pytest.approx(0.0, abs=1e-3)
    assert curve(1.0) == pytest.approx(1.0)
    assert (curve(-3.0), curve(9.0)) == (curve(0.0), curve(1.0))
    values = [curve(n / 1000) for n in range(1001)]
    assert max(abs(b - a) for a, b in itertools.pairwise(values)) < 0.03


def test_the_curves_differ_as_their_names_say() -> None:
    assert juice.ease_in(0.3) < 0.1 < 0.6 < juice.ease_out(0.3)
    assert max(juice.back_out(n / 100) for n in range(101)) == pytest.approx(1.1, abs=0.01)
    assert [round(juice.bounce_out(share), 2) for share in (4 / 11, 6 / 11, 8 / 11)] == [1.0, 0.75, 1.0]
    assert (juice.pulse(0.0), juice.pulse(0.2), juice.pulse(1.0)) == (0.0, 1.0, 0.0)


def test_a_tween_waits_moves_and_stays() -> None:
    tween = Tween(10.0, 20.0, begins_at=5.0, seconds=2.0, curve=juice.ease_in_out)
    assert [tween.at(now) for now in (0.0, 5.0, 6.0, 7.0, 99.0)] == [10.0, 10.0, 15.0, 20.0, 20.0]
    assert [Tween(0.0, 1.0, 5.0, 0.0).at(now) for now in (4.9, 5.0)] == [0.0, 1.0]


def picture(particles: Particles, now: float, layout: Layout | None = None) -> bytes:
    surface = pygame.Surface((200, 200))
    particles.draw(surface, now, layout)
    return pygame.image.tobytes(surface, "RGB")


def test_a_moment_drawn_again_is_the_same_picture_so_replays_and_pauses_are_right() -> None:
    particles = Particles(seed=3)
    particles.burst(Burst(count=30, speed=90.0, gravity=200.0), 100, 100, now=10.0)
    first, later = picture(particles, 10.1), picture(particles, 10.3)
    assert any(first)
    assert first != later
    assert picture(particles, 10.1) == first
    assert not any(picture(particles, 9.9))  # before it happened
    assert not any(picture(particles, 10.7))  # after its end


def test_particles_fly_the_way_they_are_sent_and_fall() -> None:
    particles, burst = Particles(), Burst(count=50, speed=80.0, angle=0.0, spread=20.0, drag=0.0, seconds=2.0, size=1.0)
    particles.burst(burst, 50, 100, now=0.0)
    surface = pygame.Surface((200, 200))
    particles.draw(surface, 0.9)
    hit = pygame.mask.from_threshold(surface, WHITE, (254, 254, 254)).get_bounding_rects()
    assert hit
    assert all(rect.left > 60 and 80 < rect.centery < 120 for rect in hit)
    particles.clear()
    assert not particles.alive(0.9)
    particles.burst(Burst(count=5, speed=0.0, gravity=100.0, drag=0.0, seconds=2.0), 50, 50, now=0.0, angle=90.0)
    fallen = pygame.Surface((200, 200))
    particles.draw(fallen, 0.9)
    assert fallen.get_at((50, 50 + round(0.5 * 100 * 0.81)))[0] > 0
    assert fallen.get_at((50, 50))[0] == 0


def test_the_pool_never_grows_and_the_newest_are_seen() -> None:
    particles = Particles(most=40)
    for second in range(100):
        particles.burst(Burst(count=30, seconds=50.0), 0, 0, now=float(second))
    assert particles.alive(99.0) == 40
    particles.burst(Burst(count=10_000, seconds=1.0), 0, 0, now=100.0)
    assert particles.alive(100.1) == 40
    assert particles.alive(101.1) == 0


def test_a_layout_places_particles_and_sizes_them() -> None:
    particles, layout = Particles(), Layout((200, 200), (20.0, 20.0))
    particles.burst(Burst(count=1, speed=0.0, size=1.0, colours=[WHITE]), 10, 10, now=0.0)
    surface = pygame.Surface((200, 200))
    particles.draw(surface, 0.0, layout)
    assert surface.get_at((100, 100)) == WHITE
    assert surface.get_at((100 + round(0.7 * layout.scale), 100)) == WHITE
    assert surface.get_at((100 + round(1.5 * layout.scale), 100))[0] == 0


def test_a_burst_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match=r"Burst\.colours needs at least one"):
        Burst(colours=[])
    with pytest.raises(ValueError, match=r"Burst\.seconds is a number from 0, got nan"):
        Burst(seconds=math.nan)
    with pytest.raises(ValueError, match=r"most=\.\.\."):
        Particles(0)


def widest(shake: Shake, now: float = 0.05) -> int:
    return max(abs(way) for n in range(20) for way in shake.offset(now + n / 100, 20.0))


def test_kicks_add_up_to_the_full_strength_and_fade() -> None:
    shake = Shake()
    assert shake.offset(0.0, 20.0) == (0, 0)
    shake.kick(0.4, now=0.0)
    weak = widest(shake)
    for _ in range(50):
        shake.kick(0.9, now=0.0)
    assert 0 < weak < widest(shake) <= 20
    assert shake.strength(0.0) == 1.0
    shake.clear()
    shake.kick(0.9, now=0.0)
    assert shake.strength(0.2) > shake.strength(0.3) > 0.0
    assert shake.offset(0.2, 20.0) == shake.offset(0.2, 20.0)
    assert shake.strength(0.36) == shake.strength(-0.1) == 0.0
    shake.clear()
    assert shake.strength(0.1) == 0.0


def test_the_player_turns_shake_and_flash_down_at_any_time() -> None:
    comfort = Comfort()
    kit = Juice(comfort)
    kit.shake.kick(1.0, now=0.0, seconds=9.0)
    kit.flash.flash(WHITE, now=0.0, seconds=9.0)
    full = widest(kit.shake), kit.flash.strength(0.1)
    comfort.shake = comfort.flash = 0.5
    assert widest(kit.shake) == pytest.approx(full[0] / 2, abs=1)
    assert kit.flash.strength(0.1) == pytest.approx(full[1] / 2)
    comfort.shake = comfort.flash = 0.0
    assert (widest(kit.shake), kit.flash.strength(0.1)) == (0, 0.0)


def test_it_flashes_at_most_three_times_in_any_second() -> None:
    flash = Flash()
    begun = [n / 20 for n in range(100) if flash.flash(WHITE, n / 20)]
    assert all(sum(at <= other < at + 1.0 for other in begun) <= 3 for at in begun)
    assert len(begun) == 15


def test_a_flash_lights_the_picture_or_an_area_of_it() -> None:
    flash, surface = Flash(), pygame.Surface((20, 20))
    surface.fill((100, 0, 0))
    flash.draw(surface, 0.0)
    assert surface.get_at((5, 5))[:3] == (100, 0, 0)
    flash.flash((200, 200, 0), now=0.0, strength=0.5)
    flash.draw(surface, 0.0, pygame.Rect(0, 0, 10, 20))
    assert surface.get_at((5, 5))[:3] == (200, 100, 0)
    assert surface.get_at((15, 5))[:3] == (100, 0, 0)
    flash.clear()
    assert flash.strength(0.01) == 0.0


def test_an_ear_hears_what_is_near_and_on_which_side() -> None:
    ear = Ear(within=100.0)
    ear.move(500, 500)
    assert ear.hear(500, 500) == (1.0, 0.0)
    assert ear.hear(550, 500) == (0.5, 0.5)
    assert ear.hear(450, 500) == (0.5, -0.5)
    assert ear.hear(5000, 500) == (0.0, 1.0)


def test_pitches_vary_around_one() -> None:
    chance = random.Random(1)
    pitches = [juice.vary(0.1, chance) for _ in range(200)]
    assert 0.9 <= min(pitches) < 0.93 < 1.07 < max(pitches) <= 1.1
    assert juice.vary() != juice.vary()
