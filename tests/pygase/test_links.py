"""Links as figures: the text form, the presets, and queues without overtaking.

test_testing shows their effect on datagrams.
"""

import random
from dataclasses import replace

import pytest

from pygase import links, testing
from pygase.links import LINKS, Link, LinkPath, as_link, describe_link, parse_link

INTERVAL = 1 / 60


def send(link: Link, count: int = 20_000, seed: int = 5, size_bytes: int = 100) -> list[list[float]]:
    """Send datagrams 60 times a second; return for each the times at which its copies arrive."""
    path, rng = LinkPath(link), random.Random(seed)
    sent_at = [number * INTERVAL for number in range(count)]
    return [[at + delay for delay in path.delays(size_bytes, at, rng)] for at in sent_at]


def test_the_names_of_pygase_testing_are_these() -> None:
    assert testing.Link is links.Link
    assert testing.LINKS is links.LINKS
    assert testing.parse_link is links.parse_link
    assert testing.describe_link is links.describe_link


class TestInOrder:
    LINK = Link(latency=0.05, jitter=0.1)

    def test_jitter_alone_lets_datagrams_overtake(self) -> None:
        arrived = [at for copies in send(self.LINK, 1000) for at in copies]
        assert arrived != sorted(arrived)

    def test_in_order_nobody_overtakes_and_nobody_is_faster_or_slower_than_the_link(self) -> None:
        times = send(replace(self.LINK, in_order=True), 1000)
        arrived = [at for copies in times for at in copies]
        delays = [at - number * INTERVAL for number, at in enumerate(arrived)]
        assert arrived == sorted(arrived)
        assert min(delays) >= 0.05 - 1e-9
        assert max(delays) <= 0.15 + 1e-4  # each is a microsecond behind the last one
        assert max(delays) - min(delays) > 0.08

    def test_what_is_held_back_is_overtaken_and_holds_up_nobody(self) -> None:
        arrived = [copies[0] for copies in send(Link(latency=0.01, reorder=0.1, in_order=True), 1000)]
        delays = [at - number * INTERVAL for number, at in enumerate(arrived)]
        assert sorted({round(delay, 6) for delay in delays}) == [0.01, 0.04]
        assert 60 < sum(delay > 0.02 for delay in delays) < 140

    def test_a_link_with_less_delay_does_not_let_the_new_overtake_the_old(self) -> None:
        path, rng = LinkPath(LINKS["satellite"]), random.Random(1)
        (old,) = path.delays(100, 10.0, rng)
        path.link = LINKS["lan"]
        (new,) = path.delays(100, 10.02, rng)
        assert 10.0 + old < 10.02 + new < 10.0 + old + 1e-5
        (later,) = path.delays(100, 11.0, rng)
        assert later <= 0.001 + 1e-9


class TestPresets:
    def test_each_is_worse_than_the_one_before(self) -> None:
        assert list(LINKS) == ["lan", "wifi", "mobile", "satellite", "awful"]
        latencies = [LINKS[name].latency for name in ("lan", "wifi", "mobile", "awful", "satellite")]
        assert latencies == sorted(latencies)

    @pytest.mark.parametrize(
        ("name", "least", "most"),
        [
            ("lan", 0.0, 0.0),
            ("wifi", 0.007, 0.016),
            ("mobile", 0.018, 0.030),
            ("satellite", 0.006, 0.014),
            ("awful", 0.10, 0.14),
        ],
    )
    def test_so_much_is_lost(self, name: str, least: float, most: float) -> None:
        times = send(LINKS[name], 60_000)
        assert least <= sum(not copies for copies in times) / len(times) <= most

    def test_a_game_of_usual_size_fits_through_each(self) -> None:
        """60 datagrams of 250 bytes a second are 15 kB/s: no preset makes a queue of that."""
        for name, link in LINKS.items():
            path, rng = LinkPath(replace(link, loss=0.0, burst_loss=0.0, reorder=0.0)), random.Random(2)
            delays = [max(path.delays(250, number * INTERVAL, rng)) for number in range(3000)]
            assert max(delays) <= link.latency + link.jitter + 250 / (link.bandwidth or 1e9) + 1e-4, name

    def test_they_cannot_be_changed_by_accident(self) -> None:
        with pytest.raises(TypeError):
            LINKS["lan"] = Link()  # type: ignore[index]


class TestText:
    @pytest.mark.parametrize(
        ("text", "link"),
        [
            ("latency=80ms jitter=20ms loss=5%", Link(latency=0.08, jitter=0.02, loss=0.05)),
            ("latency=1.5s,loss=.5%", Link(latency=1.5, loss=0.005)),
            ("latency=0 loss=0", Link()),
            ("burst_loss=1% burst-length=3", Link(burst_loss=0.01, burst_length=3.0)),
            ("duplicate=2% reorder=3% in_order=yes", Link(duplicate=0.02, reorder=0.03, in_order=True)),
            ("bandwidth=256kbit/s queue=64kB", Link(bandwidth=32_000, queue_bytes=64_000)),
            ("bandwidth=2MB/s", Link(bandwidth=2_000_000)),
            ("mobile", LINKS["mobile"]),
            ("mobile loss=10%", replace(LINKS["mobile"], loss=0.1)),
            ("wifi, in_order=no", replace(LINKS["wifi"], in_order=False)),
            ("off", None),
        ],
    )
    def test_a_text_describes_a_link_and_the_link_a_text(self, text: str, link: Link | None) -> None:
        assert parse_link(text) == link
        assert parse_link(describe_link(link)) == link
        assert as_link(text) == link
        assert as_link(link) is link

    def test_a_link_is_described_by_its_name_or_by_what_is_unusual_in_it(self) -> None:
        assert describe_link(LINKS["awful"]) == "awful"
        assert describe_link(None) == "off"
        assert describe_link(Link(latency=0.08, loss=0.05)) == "latency=80ms loss=5%"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "is empty; a link is one of lan, wifi"),
            ("wlan", "there is no link 'wlan'; a link is one of lan, wifi"),
            ("off loss=5%", "'off' stands alone"),
            ("latency=80", r"latency is a number with its unit \(ms or s\), as in 'latency=80ms'"),
            ("latency=-80ms", "latency is a number"),
            ("latency=fast", "latency is a number"),
            ("latency=" + "9" * 400 + "s", "latency is a number"),
            ("latency=5MB", "latency is a number with its unit"),
            ("loss=5", r"with its unit \(%\), as in 'loss=5%'"),
            ("loss=500%", "'loss=500%': Link.loss is a share"),
            ("bandwidth=0", "Link.bandwidth is a positive number"),
            ("burst_length=0", "Link.burst_length is a positive number"),
            ("burst_length=5s", "burst_length is a number, as in 'burst_length=5'"),
            ("lag=80ms", "a link has no 'lag', but latency, jitter"),
            ("mobile 80ms", "'80ms' says nothing about a link"),
            ("loss=5% loss=6%", "'loss=6%': loss is given twice"),
            ("queue=1kB queue=2kB", "queue is given twice"),
            ("in_order=1", "in_order is yes or no"),
        ],
    )
    def test_a_text_that_describes_none_is_refused_with_what_to_write(self, text: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            parse_link(text)

    @pytest.mark.parametrize("wrong", [5, 0.1, ["mobile"], b"mobile"])
    def test_what_is_neither_text_nor_link_is_refused(self, wrong: object) -> None:
        with pytest.raises(TypeError, match="a link is"):
            as_link(wrong)  # type: ignore[arg-type]

    @pytest.mark.parametrize("figure", [{"latency": float("inf")}, {"jitter": float("nan")}, {"loss": float("nan")}])
    def test_a_link_without_end_is_refused(self, figure: dict[str, float]) -> None:
        with pytest.raises(ValueError, match=f"Link.{next(iter(figure))}"):
            replace(Link(), **figure)  # type: ignore[arg-type]

    def test_a_text_in_a_links_place_is_pointed_to_parse_link(self) -> None:
        with pytest.raises(TypeError, match="parse_link"):
            Link(loss="5%")  # type: ignore[arg-type]
