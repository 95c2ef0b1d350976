"""
Which value of a setting counts.

An argument goes before ``SDKBRIDGE_…`` in the environment, that before ``sdkbridge.toml`` or ``[tool.sdkbridge]``
in ``pyproject.toml``, and that before the default. Of the files the nearest counts, from the working folder
upwards; ``SDKBRIDGE_CONFIG`` names another.
"""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from attrs import field, frozen

from identity.stores.address import is_postgres
from sdkbridge.addresses import database_address
from sdkbridge.settings.known import SETTINGS
from sdkbridge.settings.setting import InvalidSetting, Unsuitable, text

PREFIX = "SDKBRIDGE_"
FILE_VARIABLE = "SDKBRIDGE_CONFIG"
OWN_FILE, PROJECT_FILE = "sdkbridge.toml", "pyproject.toml"


@frozen(kw_only=True)
class Resolved:
    """
    Every setting, and where its value came from.

    Attributes:
        values: by name.
        origins: by name: ``argument``, the variable, the file, or ``default``.
    """

    values: Mapping[str, Any] = field(repr=False)  # the key is among them
    origins: Mapping[str, str]


@frozen
class _Source:
    """
    Values as they were written, all in one place or each in one of its own.
    """

    written: Mapping[str, object]
    origins: Mapping[str, str]


def resolve(
    arguments: Mapping[str, object], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Resolved:
    """
    Return every setting.

    Args:
        arguments: what a program says, by name; None is not said.
        environment: the variables; those of this process by default.
        folder: from where files are looked for; the working folder by default.

    Raises:
        InvalidSetting: a setting does not exist, or a value is wrong; or a file cannot be read.
    """
    environment = os.environ if environment is None else environment
    sources = (_said(arguments), _from_environment(environment), _from_file(environment, folder or Path.cwd()))
    values, origins = {}, {}
    for name, setting in SETTINGS.items():
        source = next((source for source in sources if name in source.written), None)
        values[name] = setting.default if source is None else _read(name, source)
        origins[name] = "default" if source is None else source.origins[name]
    return Resolved(values=values, origins=origins)


def _read(name: str, source: _Source) -> object:
    try:
        return SETTINGS[name].read(source.written[name])
    except Unsuitable as problem:
        raise InvalidSetting(name, source.origins[name], str(problem)) from None


def _said(arguments: Mapping[str, object]) -> _Source:
    _check_names(arguments, "argument")
    said = {name: value for name, value in arguments.items() if value is not None}
    return _Source(said, dict.fromkeys(said, "argument"))


def _from_environment(environment: Mapping[str, str]) -> _Source:
    variables = {name: f"{PREFIX}{name.upper()}" for name in SETTINGS}
    # An empty variable is one that was switched off.
    written = {name: environment[variable] for name, variable in variables.items() if environment.get(variable)}
    return _Source(written, variables)


def _from_file(environment: Mapping[str, str], folder: Path) -> _Source:
    named = environment.get(FILE_VARIABLE)
    path = Path(named) if named else _nearest(folder)
    if path is None:
        return _Source({}, {})
    written = _table(path)
    _check_names(written, str(path))
    if path.parent != folder and "database" in written:
        written = {**written, "database": _found_from(path.parent, written["database"])}
    return _Source(written, dict.fromkeys(written, str(path)))


def _found_from(folder: Path, database: object) -> object:
    """
    Return the database that a file in a folder names: a path is meant from there, wherever a program starts.
    """
    try:
        address = database_address(text(database))
    except (Unsuitable, ValueError):
        return database  # which is refused as it is when it is read
    return database if is_postgres(address) or address == ":memory:" else str(folder / address)


def _nearest(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        if (place / OWN_FILE).is_file():
            return place / OWN_FILE
        if (place / PROJECT_FILE).is_file() and _table(place / PROJECT_FILE):
            return place / PROJECT_FILE
    return None


def _table(path: Path) -> Mapping[str, object]:
    """
    Return what a file says of us.
    """
    try:
        content = _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidSetting(FILE_VARIABLE, "environment", f"names {path}, which does not exist") from None
    except (OSError, ValueError) as error:
        raise InvalidSetting(str(path), "file", f"cannot be read as TOML ({error})") from error
    found: object = content.get("tool", {}).get("sdkbridge", {}) if path.name == PROJECT_FILE else content
    if not isinstance(found, Mapping):
        raise InvalidSetting("tool.sdkbridge", str(path), "must be a table")
    return found


@lru_cache(maxsize=1)
def _parsed(text: str) -> Mapping[str, Any]:
    # Kept, since a command asks for one setting after the other: parsing a long file takes longer than a bridge.
    return tomllib.loads(text)


def _check_names(names: Mapping[str, object], origin: str) -> None:
    for name in names:
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            if name == "tool" and origin.endswith(OWN_FILE):
                hint = f"In {OWN_FILE} they stand without a table. "
            raise InvalidSetting(name, origin, f"is no setting. {hint}There are: {', '.join(SETTINGS)}")
