"""A HiPS of one colour, served on this machine as a survey's host serves one."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.peers.serving import serving

COLOUR = (200, 40, 120)
WIDTH = 64
PROPERTIES = f"""\
creator_did = ivo://counterpart.test/P/made
obs_title = A made sky
hips_version = 1.4
hips_order = 3
hips_order_min = 3
hips_tile_width = {WIDTH}
hips_tile_format = png
hips_frame = equatorial
dataproduct_type = image
"""


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)


@contextmanager
def serve_hips() -> Iterator[tuple[str, list[str]]]:
    """Serve it; the values are its address, and the paths that were asked for so far."""
    asked: list[str] = []
    tile = png(WIDTH, WIDTH, COLOUR)
    # All 768 tiles of order 3 in rows of 27; of another size the library's program breaks off.
    whole = png(27 * WIDTH, 29 * WIDTH, COLOUR)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            is_tile = "/Norder" in self.path and self.path.endswith(".png")
            found = PROPERTIES.encode() if self.path.endswith("/properties") else b""
            if is_tile:
                found = whole if "Allsky" in self.path else tile
            self.send_response(200 if found else 404)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", "image/png" if is_tile else "text/plain")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}/made", asked
