"""
What a bridge is made of where its maker does not say: from the environment, a file, or defaults.
"""

from sdkbridge.settings.known import SETTINGS
from sdkbridge.settings.resolving import Resolved, resolve
from sdkbridge.settings.setting import InvalidSetting, Setting

__all__ = ["SETTINGS", "InvalidSetting", "Resolved", "Setting", "resolve"]
