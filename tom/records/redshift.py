"""A redshift, and what it was measured on."""

from enum import StrEnum
from typing import NamedTuple


class RedshiftSource(StrEnum):
    """What a redshift was measured on.

    That of the transient's own spectrum comes with its type: a scorer of types must not use it.
    """

    UNKNOWN = ""
    HOST = "host"
    PHOTOMETRIC = "photometric"
    TRANSIENT = "transient"

    @property
    def text(self) -> str:
        """The source as a person reads it."""
        return _TEXT[self]


_TEXT = {
    RedshiftSource.UNKNOWN: "source not known",
    RedshiftSource.HOST: "spectrum of the host",
    RedshiftSource.PHOTOMETRIC: "colours of the host",
    RedshiftSource.TRANSIENT: "spectrum of the transient",
}


class Redshift(NamedTuple):
    """A redshift, above 0, and its source."""

    value: float
    source: RedshiftSource = RedshiftSource.UNKNOWN
