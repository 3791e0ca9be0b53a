"""What is read of an event's data to know which asset it is about."""

from typing import Any, Final

import msgspec


class Asset(msgspec.Struct, gc=False):
    """Whatever stands for the asset's ids and its context."""

    id: Any = None
    ids: Any = None
    context: Any = None


class Data(msgspec.Struct, gc=False):
    """An event's data."""

    asset: Asset | None = None


class Named(msgspec.Struct, gc=False):
    """An asset with an id that is one."""

    id: str | int | None = None


class About(msgspec.Struct, gc=False):
    """An event's data, where only the id matters."""

    asset: Named | None = None


read_data: Final = msgspec.json.Decoder(Data).decode
read_about: Final = msgspec.json.Decoder(About).decode
