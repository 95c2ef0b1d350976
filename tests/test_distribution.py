"""
What users install: the wheel, its contents, its pins, and that it works away from the checkout.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

CHECKOUT = Path(__file__).parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())

# What of the test-suite runs against the installed wheel too.
MAIN_TESTS = ("test_origin.py", "identity/test_graph.py", "identity/test_policy.py", "test_who_is_aliased.py")

WHERE_IT_CAME_FROM = '''
import identity
import sdkbridge


def test_the_installed_copy_is_what_was_tested():
    """
    Both packages were imported from the wheel.
    """
    assert [identity.__file__, sdkbridge.__file__] == {expected!r}
'''


def run(*arguments: object, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    """
    Run Python in a folder, with the packages of ``site`` before those of the checkout.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    path = {"PYTHONPATH": str(site)} if site else {}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=inherited | path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def build(target: str, source: Path, folder: Path) -> Path:
    done = run("-m", "hatchling", "build", "--target", target, "--directory", folder, cwd=source)
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", CHECKOUT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """
    A folder in which the wheel, and nothing else, is installed.
    """
    folder = tmp_path_factory.mktemp("installed") / "site"
    options = ["--no-index", "--no-deps", "--quiet", "--disable-pip-version-check"]
    done = run("-m", "pip", "install", *options, "--target", folder, wheel, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel):
    """
    Installing adds the two packages to an environment, and no fixtures, tests or notebooks.
    """
    metadata = f"sdkbridge-{PROJECT['project']['version']}.dist-info"

    assert {name.split("/")[0] for name in names_in(wheel)} == {"identity", "sdkbridge", metadata}
    assert {f"{metadata}/licenses/LICENSE", f"{metadata}/entry_points.txt"} <= names_in(wheel)


def test_the_wheel_is_typed(wheel):
    """
    A user's type checker finds the types of both packages.
    """
    assert {"identity/py.typed", "sdkbridge/py.typed"} <= names_in(wheel)


def test_the_wheel_brings_every_module_and_story(wheel):
    """
    Nothing that the checkout has is missing once installed.
    """
    modules = {
        str(path.relative_to(CHECKOUT))
        for package in ("identity", "sdkbridge")
        for path in (CHECKOUT / package).rglob("*.py")
    }
    forced = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    stories = {
        f"{forced['fixtures/stories']}/{path.name}" for path in (CHECKOUT / "fixtures" / "stories").iterdir()
    }

    assert stories
    assert (modules | stories) - names_in(wheel) == set()


def test_the_source_distribution_makes_the_same_wheel(wheel, tmp_path):
    """
    Who builds from the source distribution gets what the wheel has.
    """
    archive = build("sdist", CHECKOUT, tmp_path / "sdist")
    with tarfile.open(archive) as source:
        # Early releases of Python 3.11 know no filters, later ones warn without.
        filters = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        source.extractall(tmp_path / "source", **filters)
    (source,) = (tmp_path / "source").iterdir()

    assert names_in(build("wheel", source, tmp_path / "wheel")) == names_in(wheel)


def test_the_installed_wheel_does_the_main_job(site, tmp_path):
    """
    The demo runs from the wheel alone, in an empty folder.
    """
    done = run("-m", "sdkbridge", "demo", cwd=tmp_path, site=site)

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_installed_command_starts(site, tmp_path):
    """
    The command that the wheel installs knows its version.
    """
    done = run(site / "bin" / "sdkbridge", "--version", cwd=tmp_path, site=site)

    assert done.returncode == 0, done.stderr
    assert PROJECT["project"]["version"] in done.stdout


def test_the_tests_pass_on_the_installed_wheel(site, tmp_path):
    """
    The promises about identities and the bridge hold for the wheel as they do for the checkout.
    """
    tests = tmp_path / "tests"
    shutil.copytree(CHECKOUT / "tests", tests, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    (tmp_path / "fixtures").symlink_to(CHECKOUT / "fixtures")
    expected = [str(site / package / "__init__.py") for package in ("identity", "sdkbridge")]
    (tests / "test_origin.py").write_text(WHERE_IT_CAME_FROM.format(expected=expected))

    chosen = [tests / name for name in MAIN_TESTS]
    done = run("-P", "-m", "pytest", "-q", *chosen, cwd=tmp_path, site=site)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def other_identity(tmp_path) -> Path:
    """
    A folder with the other distribution named identity, as pip would lay it out.
    """
    folder = tmp_path / "other"
    (folder / "identity").mkdir(parents=True)
    (folder / "identity" / "__init__.py").write_text('__version__ = "0.11.0"\n')
    metadata = folder / "identity-0.11.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: identity\nVersion: 0.11.0\n")
    (metadata / "top_level.txt").write_text("identity\n")
    (metadata / "RECORD").write_text("identity/__init__.py,,\n")
    return folder


def test_another_distribution_named_identity_is_refused(other_identity, tmp_path):
    """
    Where the other distribution is imported instead, the error names it and says what to do.
    """
    done = run("-c", "import sdkbridge", cwd=tmp_path, site=other_identity)

    assert done.returncode != 0
    error = done.stderr.splitlines()[-1]
    assert error.startswith("ImportError: sdkbridge needs its own package 'identity'")
    assert str(other_identity / "identity" / "__init__.py") in error
    assert "the distribution identity 0.11.0" in error
    assert "pip install --force-reinstall --no-deps /path/to/its/checkout" in error


def test_a_module_of_ones_own_named_identity_is_refused(tmp_path):
    """
    The same holds for a user's own module of that name.
    """
    (tmp_path / "identity.py").touch()
    done = run("-c", "import sdkbridge", cwd=tmp_path, site=tmp_path)

    assert "ImportError: sdkbridge needs its own package 'identity'" in done.stderr
    assert "no installed distribution" in done.stderr


def pins(name: str) -> dict[str, list[Version]]:
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text()
    found: dict[str, list[Version]] = {}
    for package, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.M):
        found.setdefault(package, []).append(Version(version))
    return found


def declared(name: str) -> list[Requirement]:
    groups = {
        group: [entry for entry in entries if isinstance(entry, str)]
        for group, entries in PROJECT["dependency-groups"].items()
    }
    lists = {
        "runtime": [PROJECT["project"]["dependencies"]],
        "build": [groups["build"], PROJECT["build-system"]["requires"]],
        "development": [
            PROJECT["project"]["dependencies"],
            *PROJECT["project"]["optional-dependencies"].values(),
            *[entries for group, entries in groups.items() if group != "benchmarks"],
        ],
        "benchmarks": [groups["benchmarks"]],
    }
    needs = [Requirement(entry) for entries in lists[name] for entry in entries]
    # An extra may ask for others of our own.
    return [need for need in needs if need.name != PROJECT["project"]["name"]]


@pytest.mark.parametrize("name", ["runtime", "build", "development", "benchmarks"])
def test_the_pins_are_what_pyproject_asks_for(name):
    """
    Every declared dependency is pinned, to versions that its declaration allows.
    """
    pinned = pins(name)
    wanted = declared(name)

    assert wanted
    assert [str(need) for need in wanted if need.name not in pinned] == []
    assert [str(need) for need in wanted for version in pinned[need.name] if version not in need.specifier] == []


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_the_tests_run_on_the_versions_that_users_get(name):
    """
    What is pinned for users is pinned to the same version for the tests.
    """
    tested = pins("development")

    assert {package: tested.get(package) for package in pins(name)} == pins(name)


def test_benchmarks_run_on_the_versions_that_are_tested():
    """
    What is pinned for the tests is pinned to the same version for the benchmarks.
    """
    measured = pins("benchmarks")

    assert {package: measured.get(package) for package in pins("development")} == pins("development")


@pytest.mark.parametrize("path", sorted((CHECKOUT / "requirements").iterdir()), ids=lambda path: path.name)
def test_pins_carry_hashes_and_name_no_registry(path):
    """
    A pinned package is fetched from wherever its user fetches packages, and checked wherever that is.
    """
    text = path.read_text()
    entries = re.split(r"\n(?=[a-z])", text)[1:]

    assert "://" not in text
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("package", ["identity", "sdkbridge"])
def test_what_a_package_offers_is_listed_and_there(package):
    """
    Every name in __all__ can be imported, none twice.
    """
    module = importlib.import_module(package)

    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)
