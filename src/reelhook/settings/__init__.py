"""Every setting, declared once: `Settings` is the frozen value, `load` reads it from environment and TOML file."""

from reelhook.settings.declared import Settings
from reelhook.settings.given import Given, gather, settings_file
from reelhook.settings.load import load
from reelhook.settings.setting import Setting, SettingsError, catalogue
from reelhook.settings.show import as_env, as_markdown, as_toml
from reelhook.settings.values import Address, Database

__all__ = [
    "Address",
    "Database",
    "Given",
    "Setting",
    "Settings",
    "SettingsError",
    "as_env",
    "as_markdown",
    "as_toml",
    "catalogue",
    "gather",
    "load",
    "settings_file",
]
