"""
Every command that the command line has.
"""

import importlib


def cli_commands() -> dict[str, object]:
    """
    Return every command by its full name, groups included.
    """
    # Imported late, so that a command line that cannot start does not keep other tests from running.
    found = {"sdkbridge": importlib.import_module("sdkbridge.cli").main}
    for name in found.copy():
        found |= subcommands(name, found[name])
    return found


def subcommands(name: str, command: object) -> dict[str, object]:
    """
    Return the commands below one, by their full names.
    """
    found = {}
    for word, inner in getattr(command, "commands", {}).items():
        found |= {f"{name} {word}": inner} | subcommands(f"{name} {word}", inner)
    return found
