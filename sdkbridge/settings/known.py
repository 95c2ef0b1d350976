"""
The settings that there are.
"""

from types import MappingProxyType

from sdkbridge.addresses import database_address, without_secrets
from sdkbridge.kissmetrics.client import DEFAULT_URL, parsed_url
from sdkbridge.options.profiles import PROFILES
from sdkbridge.settings.setting import Setting, amount, choice, count, flag, masked, table, text, text_for

_ALL = (
    Setting(
        name="database",
        default=None,
        meaning="Where sessions, identities and the outbox are kept: a SQLite file, or a postgresql:// URL.",
        read=text_for(database_address),
        show=without_secrets,
    ),
    Setting(name="api_key", default=None, meaning="The Kissmetrics key.", read=text, show=masked),
    Setting(name="url", default=DEFAULT_URL, meaning="Where Kissmetrics is.", read=text_for(parsed_url)),
    Setting(
        name="safety",
        default=None,
        meaning="What a call survives once it is accepted: `process`, the end of this process, or `power`, a power"
        " cut, too. Unset: `process` on SQLite, `power` on PostgreSQL.",
        read=choice("process", "power"),
    ),
    Setting(name="profile", default="bridge", meaning="Whose way of mapping.", read=choice(*PROFILES)),
    Setting(
        name="options", default={}, meaning="Options of the mapping that differ from the profile's.", read=table
    ),
    Setting(
        name="policy",
        default="guarded",
        meaning="What decides about aliases.",
        read=choice("guarded", "permissive", "strict"),
    ),
    Setting(
        name="alias_grace",
        default=0.0,
        meaning="Seconds that an alias waits before it leaves, and can be retracted.",
        read=amount(of="seconds"),
    ),
    Setting(
        name="outbox_limit",
        default=None,
        meaning="Requests that may wait for delivery; beyond, calls are refused. Unset: as the disk allows.",
        read=count(of="requests"),
    ),
    Setting(
        name="deliver", default=True, meaning="Deliver as calls come; if false, another process does.", read=flag
    ),
    Setting(
        name="concurrency",
        default=32,
        meaning="Requests under way at once, each on a connection of its own.",
        read=count(of="requests"),
    ),
    Setting(
        name="pace",
        default=None,
        meaning="Requests that are sent a second at most; as many as can be if unset.",
        read=amount(of="requests a second", but_not_0=True),
    ),
    Setting(
        name="timeout",
        default=20.0,
        meaning="Seconds that a request may take in all.",
        # Half of the lease: a request must be over before another worker may take its lane.
        read=amount(of="seconds", most=30.0, but_not_0=True),
    ),
    Setting(
        name="alias_wait",
        default=60.0,
        meaning="Seconds that an alias waits for its other side while that is failing.",
        read=amount(of="seconds"),
    ),
)

SETTINGS = MappingProxyType({setting.name: setting for setting in _ALL})
"""Name → setting."""
