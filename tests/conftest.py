"""What every test shares: a headless pygame, and randomness that can be repeated."""

import os
import random
import zlib

# SDL reads these when pygame is imported, so they stand before any import that may bring pygame in.
os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["SDL_AUDIODRIVER"] = "dummy"
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"

import pytest
from hypothesis import settings

# No deadline: on a busy machine it measures the neighbours. The blob repeats a failure exactly.
settings.register_profile("pygase", deadline=None, print_blob=True)
settings.load_profile("pygase")

SEED_VARIABLE = "PYGASE_TEST_SEED"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test: the same in each run unless PYGASE_TEST_SEED says another.

    pytest shows what a test printed only when it fails, so a failure always names its seed.
    """
    chosen = os.environ.get(SEED_VARIABLE)
    value = int(chosen) if chosen else zlib.crc32(request.node.nodeid.encode())
    print(f"seed {value}; to repeat: {SEED_VARIABLE}={value} python -m pytest '{request.node.nodeid}'")
    return value


@pytest.fixture
def rng(seed: int) -> random.Random:
    """A random generator of this test's seed."""
    return random.Random(seed)
