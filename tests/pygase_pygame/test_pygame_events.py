"""Events on their way to pygame's queue."""

from __future__ import annotations

import logging
import threading
from collections import deque
from itertools import repeat

import pygame
import pytest

from pygase_pygame import CONNECTED, LOST, SERVER_EVENT, pygame_events
from pygase_pygame.pygame_events import MAX_UNPOSTED_EVENTS, PygameQueue

NAMES_OF_OURS = [SERVER_EVENT, CONNECTED, LOST]


def numbered(number: int) -> pygame.event.Event:
    return pygame.event.Event(SERVER_EVENT, number=number)


def numbers_received() -> list[int]:
    return [event.number for event in pygame.event.get(SERVER_EVENT)]


def test_the_types_are_our_own():
    assert len(set(NAMES_OF_OURS)) == 3
    assert all(pygame.USEREVENT < kind < pygame.NUMEVENTS for kind in NAMES_OF_OURS)


def test_without_a_display_events_wait_and_come_in_order_once_there_is_one():
    pygame.quit()
    outbox = PygameQueue()
    for number in range(3):
        outbox.post(numbered(number))
    assert len(outbox) == 3
    pygame.init()
    try:
        pygame.display.set_mode((10, 10))
        outbox.flush()
        assert numbers_received() == [0, 1, 2]
        assert len(outbox) == 0
    finally:
        pygame.quit()


class FullQueue:
    """pygame's queue, with room for ``room`` events."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: list[int] = []

    def post(self, event: pygame.event.Event) -> bool:
        if len(self.taken) >= self.room:
            raise pygame.error("Event queue full")
        self.taken.append(event.number)
        return True


def test_a_full_queue_loses_nothing_and_keeps_the_order(monkeypatch):
    queue, outbox = FullQueue(2), PygameQueue()
    monkeypatch.setattr(pygame.event, "post", queue.post)
    for number in range(4):
        outbox.post(numbered(number))
    assert queue.taken == [0, 1]
    queue.room = 100
    outbox.post(numbered(4))
    assert queue.taken == [0, 1, 2, 3, 4]


def test_pygames_own_queue_when_it_is_full_loses_nothing(display):
    outbox = PygameQueue()
    filler = pygame.event.Event(pygame.USEREVENT)
    with pytest.raises(pygame.error, match="full"):
        deque(map(pygame.event.post, repeat(filler)), maxlen=0)
    outbox.post(numbered(7))
    assert len(outbox) == 1
    pygame.event.clear()
    outbox.flush()
    assert numbers_received() == [7]


def test_what_waits_is_bounded_and_a_loss_is_logged_once(monkeypatch, caplog):
    queue, outbox = FullQueue(0), PygameQueue()
    monkeypatch.setattr(pygame.event, "post", queue.post)
    with caplog.at_level(logging.WARNING, logger=pygame_events.__name__):
        for number in range(MAX_UNPOSTED_EVENTS + 10):
            outbox.post(numbered(number))
    assert len(outbox) == MAX_UNPOSTED_EVENTS
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    queue.room = 100_000
    outbox.flush()
    assert queue.taken == list(range(10, MAX_UNPOSTED_EVENTS + 10))


def test_types_that_the_game_has_blocked_hold_up_nothing(display):
    outbox = PygameQueue()
    pygame.event.set_blocked(SERVER_EVENT)
    try:
        outbox.post(numbered(0))
        assert len(outbox) == 0
    finally:
        pygame.event.set_allowed(SERVER_EVENT)
    outbox.post(numbered(1))
    assert numbers_received() == [1]


def test_events_posted_by_another_thread_arrive_on_this_one(display):
    outbox = PygameQueue()
    thread = threading.Thread(target=lambda: [outbox.post(numbered(number)) for number in range(500)])
    thread.start()
    thread.join()
    assert numbers_received() == list(range(500))
