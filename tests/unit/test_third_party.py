"""THIRD_PARTY.md names every package that an installation brings, with the licence that the package states."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
NAMED = {
    canonicalize_name(name): licence
    for name, licence in re.findall(r"^\| (?!package )(\w[\w.-]*) \| ([^|]+?) \|$", PAGE, re.MULTILINE)
}
SPELLINGS = {"apache license, version 2.0": "apache-2.0", "apache 2.0": "apache-2.0", "mit license": "mit"}


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def installed_with(requirement: Requirement, seen: set[str]) -> set[str]:
    """The requirement and everything that it brings here."""
    key = str(requirement)
    if key not in seen:
        seen.add(key)
        for line in distribution(requirement.name).requires or ():
            other = Requirement(line)
            extras = requirement.extras or {""}
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in extras):
                installed_with(other, seen)
    return seen


def test_every_package_that_an_installation_brings_is_named():
    brought = {
        canonicalize_name(Requirement(line).name)
        for first in requirements()
        for line in installed_with(first, set())
    }

    assert brought - set(NAMED) == set()


@pytest.mark.parametrize("name", sorted(NAMED))
def test_the_licence_is_the_one_that_the_package_states(name):
    metadata = distribution(name).metadata
    stated = metadata.get("License-Expression") or metadata.get("License") or ""

    if stated not in {"", "UNKNOWN"} and len(stated) < 70 and "BSD" not in stated:
        assert SPELLINGS.get(stated.lower(), stated.lower()) == NAMED[name].lower()
    elif "BSD" in stated:
        assert "BSD" in NAMED[name]


def test_our_own_licence_is_apache_and_the_fonts_bring_theirs():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in (ROOT / "engine/provenance/fonts/OFL.txt").read_text(encoding="utf-8")
