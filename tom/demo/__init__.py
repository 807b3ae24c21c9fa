"""The demonstration night: a merger's and a survey's alerts, from a seed; truth kept apart."""

from tom.demo.folder import read_night, write_night
from tom.demo.night import Message, Night, Truth, latest_merger, make_night

__all__ = [
    "Message",
    "Night",
    "Truth",
    "latest_merger",
    "make_night",
    "read_night",
    "write_night",
]
