"""
A server's settings, read from a TOML file.

    [projects.shop]
    write_keys = ["env:SHOP_WRITE_KEY"]
    api_key = "env:SHOP_API_KEY"
    database = "shop.db"

A text that starts with ``env:`` stands for the environment variable that it names.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve, fields, frozen

from sdkbridge.options import InvalidOption, options_for
from sdkbridge.server.settings import InvalidSettings, Limits, Project, ServerSettings

Made = TypeVar("Made")

_FROM_ENVIRONMENT = "env:"


@frozen(kw_only=True)
class _Place:
    """
    What the values of one table are read with: the environment, and where it stands.
    """

    name: str
    environment: Mapping[str, str]

    def setting(self, name: str) -> str:
        return f"{self.name}.{name}" if self.name else name


def read_settings(path: str | Path, *, environment: Mapping[str, str] = os.environ) -> ServerSettings:
    """
    Read a server's settings; a database's path counts from the file's folder.

    Raises:
        InvalidSettings: the file cannot be read, is no TOML, or something in it is wrong; never shows a value.
    """
    file = Path(path)
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(str(path), f"cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own words may quote the line, and so a key.
        raise InvalidSettings(str(path), "is not TOML") from None
    top = _Place(name="", environment=environment)
    projects = [
        _project(
            file.parent, _Place(name=f"projects.{name}", environment=environment), name, _table(top, name, value)
        )
        for name, value in _table(top, "projects", table.pop("projects", {})).items()
    ]
    limits = _made(
        Limits, _Place(name="limits", environment=environment), _table(top, "limits", table.pop("limits", {}))
    )
    return _made(ServerSettings, top, {"projects": projects, "limits": limits, **table})


def _project(folder: Path, place: _Place, name: str, table: dict[str, Any]) -> Project:
    profile, options = table.pop("profile", "bridge"), _table(place, "options", table.pop("options", {}))
    try:
        table["options"] = options_for(profile, options)
    except InvalidOption as error:
        raise InvalidSettings(place.setting(f"options.{error.option}"), error.problem) from None
    project = _made(Project, place, {"name": name, **table})
    return evolve(project, database=_from(folder, project.database))


def _from(folder: Path, database: str) -> str:
    # An address, of PostgreSQL say, and what is kept in memory are in no folder.
    return database if "://" in database or database == ":memory:" else str(folder / database)


def _table(place: _Place, name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidSettings(place.setting(name), "must be a table")
    return dict(value)


def _made(kind: type[Made], place: _Place, values: Mapping[str, Any]) -> Made:
    known = [setting.name for setting in fields(kind)]  # type: ignore[arg-type] # all are attrs classes
    for name in values:
        if name not in known:
            raise InvalidSettings(place.setting(name), f"is no setting; there are: {', '.join(known)}")
    try:
        return kind(**{name: _resolved(place, name, value) for name, value in values.items()})
    except InvalidSettings as error:
        raise InvalidSettings(
            place.setting(error.setting) if place.name else error.setting, error.problem
        ) from None
    except TypeError:
        missing = [name for name in ("write_keys", "api_key", "database") if name in known and name not in values]
        raise InvalidSettings(place.setting(missing[0] if missing else "table"), "is required") from None


def _resolved(place: _Place, name: str, value: object) -> object:
    if isinstance(value, list):
        return [_resolved(place, name, one) for one in value]
    if not isinstance(value, str) or not value.startswith(_FROM_ENVIRONMENT):
        return value
    variable = value.removeprefix(_FROM_ENVIRONMENT)
    if variable not in place.environment:
        raise InvalidSettings(name, f"is taken from the environment variable {variable}, which is not set")
    return place.environment[variable]
