# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock file pins everything that is installed, agrees with the packages' own demands, and is read strictly."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from steps.lock import LockedEnvironment, read_lock
from steps.places import BLENDER_ENVIRONMENTS, DEMO_BLENDER, ENGINE_ENVIRONMENT
from steps.terminal import Refusal

# What `python -m venv` brings with it.
FROM_PYTHON_ITSELF = {"pip"}


def normalised(name: str) -> str:
    """A package's name as the lock writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def engine() -> LockedEnvironment:
    return read_lock()[ENGINE_ENVIRONMENT]


def everything_pinned(environment: LockedEnvironment) -> dict[str, str]:
    """What may be installed, the optional packages too."""
    optional = {name: version for extra in environment.extras.values() for name, version in extra.items()}
    return {**environment.packages, **environment.cuda_packages, **optional}


def test_the_environments_are_those_that_build_py_makes() -> None:
    assert set(read_lock()) == {ENGINE_ENVIRONMENT, *BLENDER_ENVIRONMENTS}
    assert DEMO_BLENDER in BLENDER_ENVIRONMENTS


def test_every_blender_environment_holds_its_blender_and_pytest() -> None:
    for name in BLENDER_ENVIRONMENTS:
        packages = read_lock()[name].packages
        assert packages["bpy"].startswith(name.removeprefix("blender-") + ".")
        assert packages["pytest"] == read_lock()[ENGINE_ENVIRONMENT].packages["pytest"]


def test_what_is_installed_is_what_the_lock_pins(engine: LockedEnvironment) -> None:
    pinned = everything_pinned(engine)
    site = Path(importlib.metadata.distribution("pytest").locate_file(""))
    installed = {
        normalised(distribution.metadata["Name"]): distribution.version.split("+")[0]
        for distribution in importlib.metadata.distributions(path=[str(site)])
    }
    installed = {name: version for name, version in installed.items() if name not in FROM_PYTHON_ITSELF}
    assert sys.prefix in str(site)
    assert {name: version for name, version in installed.items() if pinned.get(name) != version} == {}
    assert set(engine.packages) <= set(installed)


def test_every_demand_of_every_package_is_met_by_the_lock(engine: LockedEnvironment) -> None:
    unmet = set()
    pinned = everything_pinned(engine)
    for name in engine.packages:
        for line in importlib.metadata.requires(name) or ():
            demand = Requirement(line)
            if demand.marker is not None and not demand.marker.evaluate({"extra": ""}):
                continue
            version = pinned.get(normalised(demand.name))
            if version is None or not demand.specifier.contains(version, prereleases=True):
                unmet.add(f"{name} asks for {line}, pinned is {version}")
    assert not unmet


def test_the_engines_package_asks_for_nothing_else(engine: LockedEnvironment, project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    demands = [Requirement(line) for line in lines]
    assert demands
    unmet = [
        str(demand)
        for demand in demands
        if not demand.specifier.contains(everything_pinned(engine).get(normalised(demand.name), "0"))
    ]
    assert unmet == []


def test_no_optional_package_is_installed_unasked(engine: LockedEnvironment) -> None:
    assert set(engine.extras) == {"openvino"}
    assert not set(engine.extras["openvino"]) & (set(engine.packages) | set(engine.cuda_packages))


LOCK_TEXT = "schema = 1\n[environments.a]\ndisk_mb = 1\nsources = false\n[environments.a.packages.runtime]\n{}\n"


def test_a_lock_of_exact_versions_is_read(tmp_path: Path) -> None:
    (tmp_path / "lock.toml").write_text(LOCK_TEXT.format('numpy = "2.4.6"'))
    assert read_lock(tmp_path / "lock.toml")["a"].packages == {"numpy": "2.4.6"}


@pytest.mark.parametrize(
    "pin", ['numpy = ">=2"', 'numpy = "2.*"', 'numpy = ""', 'numpy = "2.4.6 --index-url x"', '"nu mpy" = "1.0"']
)
def test_a_version_left_open_is_refused(tmp_path: Path, pin: str) -> None:
    (tmp_path / "lock.toml").write_text(LOCK_TEXT.format(pin))
    with pytest.raises(Refusal, match="pin"):
        read_lock(tmp_path / "lock.toml")


@pytest.mark.parametrize("text", ["schema = 2\n", "not toml at all", ""])
def test_another_kind_of_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.toml").write_text(text)
    with pytest.raises(Refusal):
        read_lock(tmp_path / "lock.toml")


def test_a_changed_pin_changes_the_digest(tmp_path: Path) -> None:
    digests = set()
    for version in ("1.0", "1.1"):
        (tmp_path / "lock.toml").write_text(LOCK_TEXT.format(f'numpy = "{version}"'))
        digests.add(read_lock(tmp_path / "lock.toml")["a"].digest)
    assert len(digests) == 2
