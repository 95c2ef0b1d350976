"""
The server that Segment's SDKs talk to: an ASGI app, to run by itself or to mount in another.

    from sdkbridge.server import Project, ServerSettings, create_app

    shop = Project(name="shop", write_keys=["write-key"], api_key="…", database="shop.db")
    app = create_app(ServerSettings(projects=[shop]))

Needs the extra ``server``.
"""

try:
    import orjson  # noqa: F401 - only to say at once what is missing
    import prometheus_client  # noqa: F401 - likewise
    import starlette  # noqa: F401 - likewise
except ImportError as error:
    raise ImportError(
        f"the server needs {error.name}, which comes with an extra: pip install 'sdkbridge[server]'",
        name=error.name,
    ) from error

from sdkbridge.server.app import ServerApp, create_app
from sdkbridge.server.configuration import read_settings
from sdkbridge.server.settings import InvalidSettings, Limits, Project, ServerSettings

__all__ = ["InvalidSettings", "Limits", "Project", "ServerApp", "ServerSettings", "create_app", "read_settings"]
