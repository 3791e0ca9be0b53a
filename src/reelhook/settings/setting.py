"""What a setting is: its name, default, kind, meaning and secrecy, all in the one place where it is declared."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

from reelhook.errors import FieldError, ReelhookError
from reelhook.settings.values import Kind

PREFIX: Final = "REELHOOK_"
_KEY: Final = "setting"


class SettingsError(ReelhookError):
    """The settings cannot be used; `errors` has one entry for each thing that is wrong, the detail all of them."""

    slug: ClassVar[str] = "settings"
    title: ClassVar[str] = "Wrong settings"

    def __init__(self, *problems: FieldError) -> None:
        super().__init__("\n".join(problem.detail for problem in problems), errors=problems)


@dataclass(frozen=True)
class Declaration:
    """What is said of a setting beside its name. `default` is the text that a user would write; None means unset."""

    default: str | None
    kind: Kind
    meaning: str
    secret: bool


@dataclass(frozen=True)
class Setting(Declaration):
    """A declared setting. `group` is the headline that it stands under."""

    name: str
    group: str

    @property
    def environment(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.name.upper()

    @property
    def key(self) -> str:
        """Its name in a TOML file."""
        return self.environment.lower()


def setting(default: str | None, kind: Kind, meaning: str, *, group: str = "", secret: bool = False) -> Any:
    """Declare a field of `Settings`. `group` opens a new group, which the following fields belong to as well."""
    declaration = Declaration(default, kind, " ".join(meaning.split()), secret)
    value = None if default is None else kind.read(default)
    return field(default=value, metadata={_KEY: declaration, "group": group})


def catalogue(declared: type) -> Iterator[Setting]:
    """Go through all settings of a class in the order of their declaration."""
    group = ""
    for each in fields(declared):
        group = each.metadata["group"] or group
        said: Declaration = each.metadata[_KEY]
        yield Setting(said.default, said.kind, said.meaning, said.secret, each.name, group)
