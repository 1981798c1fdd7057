"""Write docs/api/*.md: the reference of every public name, made from the docstrings.

    python docs/make_api.py            write the pages
    python docs/make_api.py --check    write nothing; exit with 1 if a page is missing or differs

It also writes the list of modules in docs/architecture.md.

The sources are read, not imported, so it needs nothing but Python. `TOPICS` distributes the names over the pages. A
public name without a topic is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from api_pages import entry, first_sentence  # noqa: E402 (after the path)
from api_sources import Sources  # noqa: E402


class Topic(NamedTuple):
    """A page: the file's name, its title, what it is about, and the names on it, in their order."""

    file: str
    title: str
    about: str
    names: list[str]


TOPICS = [
    Topic(
        "backend",
        "Serving a game",
        "The server's side: the state, the game loop and the players.",
        [
            *["pygase.Backend", "pygase.GameStateStore", "pygase.GameStateMachine", "pygase.Server"],
            *[
                "pygase.ServerConnection",
                "pygase.PlayerInput",
                "pygase.StateHistory",
                "pygase.Interest",
                "pygase.changes",
            ],
        ],
    ),
    Topic(
        "client",
        "Joining a game",
        "The client's side: connecting, sending, and reading the newest state.",
        ["pygase.Client", "pygase.Snapshot", "pygase.ClientConnection", "pygase.ConnectionStats"],
    ),
    Topic(
        "state",
        "States",
        "What a game state is, and what an update to it is.",
        [
            *["pygase.GameState", "pygase.GameStateUpdate", "pygase.TO_DELETE"],
            *["pygase.Whole", "pygase.Readable"],
            *["pygase.GameStatus", "pygase.ConnectionStatus"],
        ],
    ),
    Topic(
        "events",
        "Events",
        "What client and server send each other beside states and inputs.",
        [
            *["pygase.Event", "pygase.RELIABLE", "pygase.ANY_EVENT", "pygase.CLIENT_CONNECTED"],
            *["pygase.CLIENT_LOST", "pygase.CLIENT_RESUMED", "pygase.CLIENT_LEFT", "pygase.CONNECTED"],
            *["pygase.RECONNECTING", "pygase.RECONNECTED", "pygase.EVENTS_LOST", "pygase.DISCONNECTED"],
            "pygase.event.UniversalEventHandler",
        ],
    ),
    Topic(
        "smooth",
        "Smooth motion",
        "What a screen and a player need of past and future states: interpolation, prediction, fixed ticks.",
        [
            *["pygase.SnapshotBuffer", "pygase.Interpolate", "pygase.AdaptiveClock", "pygase.FixedDelayClock"],
            *["pygase.PlaybackStats", "pygase.Predictor", "pygase.FixedTimestep", "pygase.SilenceWatch"],
            *["pygase.WorldPrediction", "pygase.step_world", "pygase.Glide", "pygase.WorldPredictor", "pygase.Spread"],
            *["pygase.Happening", "pygase.Happenings"],
        ],
    ),
    Topic(
        "seats",
        "Seats",
        "Who plays and who watches: places, teams, colours, readiness, and bots that give way. On the server.",
        ["pygase.Seats", "pygase.seats.COLOURS"],
    ),
    Topic(
        "discovery",
        "Finding games, addresses and names",
        "Games on the local network, addresses and ports, and names that players type.",
        [
            *["pygase.discover", "pygase.Browser", "pygase.DiscoveredGame", "pygase.DISCOVERY_PORT"],
            *["pygase.get_available_ip_addresses", "pygase.get_availabe_ip_addresses"],
            *["pygase.own_address", "pygase.check_hostname", "pygase.check_port", "pygase.parse_port"],
            *["pygase.port_beside", "pygase.is_everywhere", "pygase.is_loopback"],
            *["pygase.clean_name", "pygase.unused_name", "pygase.clean_line"],
            *["pygase.is_invite", "pygase.parse_invite", "pygase.invites.Invite"],
        ],
    ),
    Topic(
        "config",
        "Configuration",
        "Every tunable of the netcode, with its unit, its default and its reason.",
        ["pygase.ServerConfig", "pygase.ClientConfig"],
    ),
    Topic(
        "errors",
        "Errors",
        "What PyGaSe raises, and why a connection ends.",
        [
            *["pygase.PygaseError", "pygase.LocalError", "pygase.InvalidValue", "pygase.MessageTooLarge"],
            *["pygase.StateTooLarge", "pygase.InPlaceChange", "pygase.AddressInUse", "pygase.AddressNotUsable"],
            *["pygase.CheckpointUnusable", "pygase.IdentityUnusable", "pygase.InvalidInvite", "pygase.CannotEncrypt"],
            *["pygase.ConnectionFailed", "pygase.DisconnectReason"],
            *["pygase.errors.RemoteError", "pygase.errors.MalformedPacket"],
        ],
    ),
    Topic(
        "rooms",
        "Rooms",
        "`pygase.rooms`: many games in a process, behind one port.",
        [
            *["pygase.rooms.RoomHost", "pygase.rooms.Room", "pygase.rooms.RoomInfo", "pygase.rooms.RoomLimits"],
            *["pygase.rooms.quick", "pygase.rooms.new"],
        ],
    ),
    Topic(
        "testing",
        "Testing and bad links",
        "A server and clients in virtual time, on links as bad as you like, and behind routers.",
        [
            *[
                "pygase.testing.SimulatedNetwork",
                "pygase.testing.Bottleneck",
                "pygase.testing.ManualClock",
                "pygase.Link",
                "pygase.LINKS",
            ],
            *["pygase.parse_link", "pygase.describe_link"],
            *["pygase.testing.check_rules", "pygase.testing.RulesDiffer"],
            *["pygase.testing.Nat", "pygase.testing.NatKind", "pygase.testing.NatMapping"],
        ],
    ),
    Topic(
        "tools",
        "Tools",
        "What is installed, and small classes of PyGaSe 0.x.",
        [
            *["pygase.build_info", "pygase.installation.BuildInfo"],
            *["pygase.utils.Sendable", "pygase.utils.Comparable", "pygase.utils.NamedEnum"],
            *["pygase.utils.Sqn", "pygase.utils.LockedResource"],
        ],
    ),
    Topic(
        "pygame",
        "The pygame adapter",
        "`pygase_pygame`: a client in a pygame loop.",
        [
            *["pygase_pygame.join", "pygase_pygame.host", "pygase_pygame.Session", "pygase_pygame.View"],
            "pygase_pygame.ViewGroup",
            "pygase_pygame.SpriteWorld",
            "pygase_pygame.HeldKeys",
            *["pygase_pygame.Prediction", "pygase_pygame.Controls", "pygase_pygame.binding_of"],
            *["pygase_pygame.SERVER_EVENT", "pygase_pygame.CONNECTED", "pygase_pygame.LOST"],
            *["pygase_pygame.DEFAULT_PORT", "pygase_pygame.ConnectScreen", "pygase_pygame.TextEntry"],
            *["pygase_pygame.StatusBanner", "pygase_pygame.draw_status", "pygase_pygame.NetGraph"],
            *["pygase_pygame.LinkKey", "pygase_pygame.parse_address", "pygase_pygame.format_address"],
            "pygase_pygame.headless",
        ],
    ),
    Topic(
        "juice",
        "Juice",
        "`pygase_pygame.juice`: particles, shake, easing, flashes, and sounds at places.",
        ["pygase_pygame.juice"],
    ),
    Topic(
        "app",
        "The shell of a whole game",
        "`pygase_pygame.app`: title, hosting, joining, function keys, command line. A module per section.",
        ["pygase_pygame.app"],
    ),
]

ALSO_PUBLIC = {
    "pygase.errors": None,  # None: every name without an underscore that the module defines
    "pygase.testing": None,
    "pygase.rooms": ["RoomHost", "Room", "RoomInfo", "RoomLimits", "quick", "new"],
    "pygase.installation": ["BuildInfo"],
    "pygase.invites": ["Invite"],
    "pygase.event": ["Event", "UniversalEventHandler"],
    "pygase.utils": ["Sendable", "Sqn", "Comparable", "NamedEnum", "LockedResource"],
}
"""Modules whose names users import from there, beside what `pygase` and `pygase_pygame` list in `__all__`."""

MODULES = "<!-- modules: made by docs/make_api.py -->"
END_OF_MODULES = "<!-- end of modules -->"
MADE = "<!-- made by docs/make_api.py from the docstrings: change those, and run it -->\n\n"


def pages(sources: Sources) -> dict[str, str]:
    """Return the text of each page by its file's name."""
    found = {f"api/{topic.file}.md": _page(topic, sources) for topic in TOPICS}
    return {"api/README.md": _index(sources), **found, "architecture.md": _architecture(sources)}


def missing(sources: Sources) -> list[str]:
    """Return the public names that stand on no page."""
    covered = {sources.resolve(name) for topic in TOPICS for name in topic.names}
    return [name for name in _public(sources) if sources.resolve(name) not in covered]


def _public(sources: Sources) -> Iterator[str]:
    for package in ("pygase", "pygase_pygame"):
        yield from (f"{package}.{name}" for name in sources.exported(package))
    for module, names in ALSO_PUBLIC.items():
        yield from (f"{module}.{name}" for name in (names or sources.exported(module)))


def _page(topic: Topic, sources: Sources) -> str:
    body = "\n".join(entry(sources, name) for name in _expanded(topic, sources))
    return f"{MADE}# {topic.title}\n\n{topic.about}\n\n{body}"


def _expanded(topic: Topic, sources: Sources) -> Iterator[str]:
    for name in topic.names:
        yield name
        if sources.is_package(name):
            yield from sources.modules_of(name)


def _index(sources: Sources) -> str:
    lines = [f"{MADE}# Reference\n", "Every public name, one topic a page.\n"]
    for topic in TOPICS:
        lines.append(f"## [{topic.title}]({topic.file}.md)\n\n{topic.about}\n\n| name | |\n|---|---|")
        for name in _expanded(topic, sources):
            lines.append(f"| [`{name}`]({topic.file}.md#{_anchor(name)}) | {first_sentence(sources, name)} |")
        lines.append("")
    return "\n".join(lines)


def _architecture(sources: Sources) -> str:
    """Return docs/architecture.md with its list of modules as they are now."""
    before, _, rest = (HERE / "architecture.md").read_text(encoding="utf-8").partition(MODULES)
    after = rest.partition(END_OF_MODULES)[2]
    listed: list[str] = []
    for package in ("pygase", "pygase_pygame"):
        for folder, modules in sources.rooms(package).items():
            listed.append(f"\n### {folder}\n")
            listed += [f"- `{module.rpartition('.')[2]}`: {first_sentence(sources, module)}" for module in modules]
    return f"{before}{MODULES}\n" + "\n".join(listed) + f"\n\n{END_OF_MODULES}{after}"


def _anchor(name: str) -> str:
    return name.lower().replace(".", "")


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    sources = Sources(HERE.parent)
    lost = missing(sources)
    if lost:
        print("give these public names a topic in docs/make_api.py:", *lost, sep="\n  ")
        return 1
    made = pages(sources)
    stale = [page for page in (HERE / "api").glob("*.md") if f"api/{page.name}" not in made]
    changed = [name for name, text in made.items() if not _is(HERE / name, text)]
    if "--check" in arguments:
        for complaint in (
            *(f"docs/{name} is not current: run docs/make_api.py" for name in changed),
            *(f"{page} belongs to no topic: delete it" for page in stale),
        ):
            print(complaint)
        return 1 if changed or stale else 0
    for name in changed:
        (HERE / name).write_text(made[name], encoding="utf-8")
    for page in stale:
        page.unlink()
    return 0


def _is(page: Path, text: str) -> bool:
    return page.exists() and page.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
