"""Survey packets that plain data describes: a survey whose packets fit writes no code."""

from tom.forms.mapped.declared import Clock, Epochs, Packet
from tom.forms.mapped.packets import named, parser_of, read_packet

__all__ = ["Clock", "Epochs", "Packet", "named", "parser_of", "read_packet"]
