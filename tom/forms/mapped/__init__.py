"""Survey packets that plain data describes: a survey whose packets fit writes no code."""

from tom.forms.mapped.declared import Clock, Epochs, HostFields, Packet
from tom.forms.mapped.packets import named, parser_by_schema, parser_of, read_packet

__all__ = [
    "Clock",
    "Epochs",
    "HostFields",
    "Packet",
    "named",
    "parser_by_schema",
    "parser_of",
    "read_packet",
]
