"""
Refuses to start on top of a package named ``identity`` that is not ours.

``identity`` is also what another distribution on PyPI installs, a sign-in library for Flask and Django.
Whichever of the two was installed last, or comes first on the path, is the one that Python imports.
"""

import identity


def check_identity() -> None:
    """
    Make sure that ``import identity`` gives the package that comes with sdkbridge.

    Raises:
        ImportError: it gives another one; the message names its file, its distribution and the remedy.
    """
    if hasattr(identity, "IdentityGraph"):
        return
    raise ImportError(
        f"sdkbridge needs its own package 'identity', but Python imports {_origin()}, which belongs to "
        f"{_owner()}. The two cannot share an environment: uninstall the other one and then install "
        "sdkbridge again (pip install --force-reinstall --no-deps /path/to/its/checkout), or give each an "
        "environment.",
        name="identity",
        path=_origin(),
    )


def _origin() -> str:
    return identity.__file__ or str(list(identity.__path__))


def _owner() -> str:
    from importlib import metadata  # noqa: PLC0415 - only where something is wrong

    owners = metadata.packages_distributions().get("identity", [])
    others = sorted({f"{name} {metadata.version(name)}" for name in owners if name != "sdkbridge"})
    return f"the distribution {' and '.join(others)}" if others else "no installed distribution"
