"""A name that people expect leads to the name that there is; every other missing name is an error as everywhere."""

import re
from operator import attrgetter
from typing import Any

import pytest

from pygase import Backend, Client, GameState
from pygase._diagnostics.near_misses import OF_A_BACKEND, OF_A_CLIENT, OF_A_SERVER, NearMisses

BACKEND = Backend(GameState(n=0), lambda game_state, dt: None)
OBJECTS: dict[str, Any] = {"client": Client(), "backend": BACKEND, "server": BACKEND.server}
TABLES = {"client": OF_A_CLIENT, "backend": OF_A_BACKEND, "server": OF_A_SERVER}
ALL = [(name, missing, instead) for name, table in TABLES.items() for missing, instead in table.items()]


def test_the_id_of_a_client_is_found() -> None:
    with pytest.raises(AttributeError) as raised:
        OBJECTS["client"].client_id  # noqa: B018
    assert str(raised.value) == "'Client' object has no attribute 'client_id'; write client.id"
    assert (raised.value.name, raised.value.obj) == ("client_id", OBJECTS["client"])


@pytest.mark.parametrize(("holder", "missing", "instead"), ALL, ids=lambda word: word)
def test_each_name_is_missing_and_what_is_written_instead_is_there(holder: str, missing: str, instead: str) -> None:
    assert not hasattr(OBJECTS[holder], missing)
    (path,) = re.findall(rf"\b{holder}\.([a-z_.]+)", instead)
    attrgetter(path)(OBJECTS[holder])


@pytest.mark.parametrize("holder", OBJECTS)
def test_other_missing_names_are_errors_as_everywhere(holder: str) -> None:
    kind = type(OBJECTS[holder]).__name__
    with pytest.raises(AttributeError, match=f"^'{kind}' object has no attribute 'nothing'$"):
        OBJECTS[holder].nothing  # noqa: B018
    assert getattr(OBJECTS[holder], "nothing", 5) == 5


def test_what_a_property_itself_misses_is_not_hidden() -> None:
    class Faulty(NearMisses):
        @property
        def score(self) -> Any:
            return None.points  # type: ignore[attr-defined]

    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'points'"):
        Faulty().score  # noqa: B018
