"""How a service is run: where it listens and how much it takes at once. Set when it starts; a restart changes it."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

PORT = 8008


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What is refused as too much; sizes in bytes, texts in characters."""

    body: Annotated[int, Meta(ge=1024)] = 8 << 20
    upload: Annotated[int, Meta(ge=1024)] = 256 << 20
    rows: Annotated[int, Meta(ge=1)] = 1_000_000
    title: Annotated[int, Meta(ge=1)] = 5_000
    text: Annotated[int, Meta(ge=1)] = 50_000
    batch: Annotated[int, Meta(ge=1)] = 1_000
    waiting: Annotated[int, Meta(ge=1)] = 512
    logins: Annotated[int, Meta(ge=1)] = 10


class Options(Struct, frozen=True):
    """Everything a service is started with."""

    state: Path
    host: str = "127.0.0.1"
    port: int = PORT
    database: str = ""
    hosts: tuple[str, ...] = ()
    secure: bool = False
    worker: bool = True
    limits: Limits = Limits()
    settings_file: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service.

        >>> [Options(Path(), host).loopback for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
        [True, True, True, False, False]
        """
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
