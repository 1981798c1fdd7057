"""Each implementation of a port has every name of it. (mypy checks the signatures in the implementations' modules.)"""

import asyncio
from typing import Any

import pytest

from pygase._client.client_endpoint import ClientEndpoint
from pygase._io import loops, ports, pumping, udp


def names_of(port: Any) -> set[str]:
    """Return the names that a port requires, with those of the ports that it inherits from."""
    return {name for kind in port.__mro__ if kind.__module__ == ports.__name__ for name in vars(kind)} - PROTOCOLS_OWN


PROTOCOLS_OWN = {name for name in vars(ports.Clock) if name != "__call__"}


IMPLEMENTATIONS = [
    (ports.Driver, loops.LoopDriver),
    (ports.Driver, pumping.PumpDriver),
    (ports.Loop, asyncio.SelectorEventLoop),
    (ports.Pump, ClientEndpoint),
    (ports.Transport, udp.ServerTransport),
    (ports.TransportToServer, udp.ClientTransport),
]


@pytest.mark.parametrize(("port", "implementation"), IMPLEMENTATIONS)
def test_an_implementation_has_each_name_of_its_port(port: Any, implementation: Any) -> None:
    wanted = names_of(port)
    assert len(wanted) >= 2
    assert {name for name in wanted if name not in dir(implementation)} <= {"sockets", "urgent_sockets", "address"}
