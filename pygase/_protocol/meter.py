"""The statistics of a connection."""

from __future__ import annotations

from .acks import SentPackets
from .record import PeerRecord
from .timing import ConnectionStats, RateMeter, RttEstimator


class ConnectionMeter:
    __slots__ = ("_rates", "_received_before", "_sent_before")

    def __init__(self) -> None:
        self._rates = RateMeter(4)
        self._sent_before = self._received_before = 0

    def renew(self, record: PeerRecord, acks: SentPackets) -> None:
        """Add the packets of a path that ends to the totals."""
        self._sent_before += _packets_sent(record, acks)
        self._received_before += record.count

    def stats(self, record: PeerRecord, acks: SentPackets, rtt: RttEstimator, now: float) -> ConnectionStats:
        sent, received = self._sent_before + _packets_sent(record, acks), self._received_before + record.count
        self._rates.update((sent, received, record.spent, record.bytes_received), now)
        sent_rate, received_rate, bytes_sent_rate, bytes_received_rate = self._rates.rates
        return ConnectionStats(
            rtt=rtt.rtt,
            jitter=rtt.variation,
            loss=acks.loss,
            packets_sent=sent,
            packets_received=received,
            bytes_sent=record.spent,
            bytes_received=record.bytes_received,
            packets_sent_per_second=sent_rate,
            packets_received_per_second=received_rate,
            bytes_sent_per_second=bytes_sent_rate,
            bytes_received_per_second=bytes_received_rate,
            silence=max(now - record.last_received_at, 0.0),
            packets_dropped=record.packets_dropped,
        )


def _packets_sent(record: PeerRecord, acks: SentPackets) -> int:
    return record.next_sequence - record.first_sequence - acks.skips
