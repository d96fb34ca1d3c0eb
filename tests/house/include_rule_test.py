"""A room includes only what stands below it, and each outside library is met in the rooms that may meet it."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

# From the ground up. Rooms on one floor may not include each other.
FLOORS = [
    ["impl/base"],
    ["impl/crypto"],
    ["impl/http", "impl/mschap"],
    ["impl/ppp"],
    ["impl/host"],
    ["impl/esp"],
    ["impl/ikev2"],
    ["impl/tls"],
    ["impl/openvpn", "impl/sstp"],
    ["impl/profile"],
    ["impl/ipsec"],
    ["impl/tunnel"],
    ["impl/gateway", "impl/client"],
    ["topologies"],
    ["sim"],
    ["conformance"],
    ["reports"],
    ["bindings", "cli"],
]
HEIGHT = {room: height for height, floor in enumerate(FLOORS) for room in floor}

# Where a library may be met; a pattern of its headers, and the rooms.
LIBRARIES = [
    (r"ns3/", {"sim"}),
    (r"openssl/", {"impl/crypto", "impl/tls"}),
    (r"yaml-cpp/", {"topologies", "conformance"}),
    (r"boost/", {"topologies"}),
    (r"CLI/", {"cli"}),
    (r"pybind11/", {"bindings"}),
    (r"pugixml", {"reports"}),
    (r"tl/", {"impl/base"}),
    (r"g(test|mock)/", set()),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path):
    """The room that a path inside the tree belongs to, or None."""
    return next((room for room in HEIGHT if str(path).startswith(room + "/")), None)


def sources():
    for room in HEIGHT:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in {".h", ".cpp"}:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def climbing_includes(path, text):
    """The include lines of one file that break the rule, each as one sentence."""
    room = room_of(path)
    for kind, included in INCLUDE.findall(text):
        target = room_of(included)
        if target and target != room and HEIGHT[target] >= HEIGHT[room]:
            yield f"{path} includes {included}: {target} does not stand below {room}"
        if kind == '"' and not target and not (ROOT / path.parent / included).exists():
            yield f'{path} includes "{included}": project headers are named from the top of the tree'
        for pattern, rooms in LIBRARIES:
            if re.match(pattern, included) and room not in rooms:
                yield f"{path} includes {included}: only {sorted(rooms) or 'tests'} may"
            if pattern == "ns3/" and re.match(pattern, included) and path.suffix == ".h":
                yield f"{path} includes {included}: ns-3 is heavy and stays out of headers"


def test_every_folder_includes_only_what_stands_below_it():
    broken = [line for path, text in sources() for line in climbing_includes(path, text)]
    assert not broken, "\n" + "\n".join(broken)


def test_there_are_sources_to_look_at():
    assert len(list(sources())) > 20


def test_a_climbing_include_is_named():
    text = '#include "sim/scenario.h"\n#include <ns3/core-module.h>\n#include "impl/base/bytes.h"\n'
    assert len(list(climbing_includes(pathlib.Path("impl/esp/suite.h"), text))) == 3
