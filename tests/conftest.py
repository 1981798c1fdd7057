"""Shared by all tests: a headless pygame, repeatable randomness, and a fair share of the machine."""

import gc
import os
import random
import signal
import zlib

# SDL reads these when pygame is imported, so they stand before any import that may import pygame.
os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["SDL_AUDIODRIVER"] = "dummy"
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"

import pytest
from hypothesis import settings

from pygase import build_info

# No deadline: on a busy machine it would measure other programs. The blob repeats a failure exactly. `tests.long` has
# the other profile, with fifty times as many examples.
settings.register_profile("pygase", deadline=None, print_blob=True, max_examples=20)
settings.register_profile("long", settings.get_profile("pygase"), max_examples=1_000)
settings.load_profile("pygase")

# A shell makes programs in the background ignore Ctrl-C, and `nohup` makes them ignore SIGHUP. The programs that the
# tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

SEED_VARIABLE = "PYGASE_TEST_SEED"
ONE_AT_A_TIME = "integration"


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests with the real clock, sockets or processes in one process, one after the other.

    So no two of them use the same port, and few processes compete with a test that has a time limit. On a compiled
    wheel, skip the tests that replace a part of a compiled module.
    """
    bound = pytest.mark.skip(reason="it replaces a part of a module that is compiled here")
    compiled = bool(build_info().compiled)
    for item in items:
        if item.get_closest_marker("integration"):
            item.add_marker(pytest.mark.xdist_group(ONE_AT_A_TIME))
        if compiled and item.get_closest_marker("interpreted"):
            item.add_marker(bound)


def pytest_collection_finish() -> None:
    """Exclude thousands of tests and modules from garbage collection. They live as long as this process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(3_000, 20, 50)  # the usual 700 costs a tenth of all time here


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test: the same in each run unless PYGASE_TEST_SEED sets another.

    pytest shows a test's output only when the test fails, so a failure always names its seed.
    """
    chosen = os.environ.get(SEED_VARIABLE)
    test = request.node.nodeid.removesuffix(f"@{ONE_AT_A_TIME}")  # which xdist appends
    value = int(chosen) if chosen else zlib.crc32(test.encode())
    print(f"seed {value}; to repeat: {SEED_VARIABLE}={value} python -m pytest '{test}'")
    return value


@pytest.fixture
def rng(seed: int) -> random.Random:
    """A random generator with this test's seed."""
    return random.Random(seed)
