"""How Avro writes whole numbers: to look for one in a packet that is written."""


def long_of(value: int) -> bytes:
    """A positive long as Avro writes it: twice the number, seven bits a byte, the lowest first."""
    rest, found = value << 1, bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])
