"""The addresses of this machine, however the system reports them."""

import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from pygase._io import interfaces
from pygase._io.interfaces import get_available_ip_addresses


def answering(*addresses: str) -> Callable[[], Iterator[str]]:
    return lambda: iter(addresses)


def failing(error: Exception) -> Callable[[], Iterator[str]]:
    def way() -> Iterator[str]:
        yield "10.0.0.9"
        raise error

    return way


def set_ways(
    monkeypatch: pytest.MonkeyPatch,
    route: Callable[[], Iterator[str]],
    all_interfaces: Callable[[], Iterator[str]],
) -> None:
    monkeypatch.setattr(interfaces, "_address_of_default_route", route)
    monkeypatch.setattr(interfaces, "_addresses_of_all_interfaces", all_interfaces)


def test_the_address_others_see_comes_first_and_loopback_last(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ways(monkeypatch, answering("192.168.0.7"), answering("127.0.0.1", "10.8.0.2", "192.168.0.7"))
    assert get_available_ip_addresses() == ["192.168.0.7", "10.8.0.2", "127.0.0.1"]


def test_every_address_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ways(monkeypatch, answering("10.0.0.1", "10.0.0.1"), answering("10.0.0.1", "127.0.0.1", "127.0.0.1"))
    assert get_available_ip_addresses() == ["10.0.0.1", "127.0.0.1"]


def test_an_unset_address_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ways(monkeypatch, answering("0.0.0.0"), answering("127.0.1.1"))
    assert get_available_ip_addresses() == ["127.0.1.1", "127.0.0.1"]


@pytest.mark.parametrize(
    "error",
    [OSError("no route"), socket.gaierror("no such name"), UnicodeError("label too long"), PermissionError()],
)
def test_a_way_that_fails_is_left_out_and_nothing_is_raised(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    set_ways(monkeypatch, failing(error), answering("192.168.0.7"))
    assert get_available_ip_addresses() == ["192.168.0.7", "127.0.0.1"]


def test_where_nothing_can_be_asked_the_loopback_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ways(monkeypatch, failing(OSError()), failing(OSError()))
    assert get_available_ip_addresses() == ["127.0.0.1"]


def test_linux_list_of_interfaces_is_read_entry_by_entry() -> None:
    def entry(name: bytes, address: str) -> bytes:
        socket_address = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(address))
        return (name.ljust(16, b"\0") + socket_address).ljust(interfaces.ENTRY_BYTES, b"\0")

    entries = entry(b"lo", "127.0.0.1") + entry(b"eth0", "192.168.0.7") + entry(b"a-very-long-one", "10.1.2.3")
    assert list(interfaces.addresses_in(entries)) == ["127.0.0.1", "192.168.0.7", "10.1.2.3"]
    assert list(interfaces.addresses_in(b"")) == []


def test_a_host_name_stands_for_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolver(name: str, port: object, family: int, kind: int) -> list[object]:
        assert (name, family) == ("den", socket.AF_INET)
        return [(family, kind, 0, "", ("192.168.0.7", 0)), (family, kind, 0, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(interfaces.socket, "getaddrinfo", resolver)
    assert list(interfaces.addresses_of_name("den")) == ["192.168.0.7", "10.0.0.1"]


@pytest.mark.integration
def test_on_this_machine_every_address_can_be_bound() -> None:
    addresses = get_available_ip_addresses()
    assert "127.0.0.1" in addresses
    for address in addresses:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind((address, 0))
