"""The door of a Kafka broker: TLS and SASL in front of a broker that has neither.

It reads the frames of the Kafka protocol as far as the log-in goes, then only passes them on. The
door can be shut (an outage), and can lose the replies to what is produced.
"""

import asyncio
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Final

from scramp import ScramException, ScramMechanism

PRODUCE: Final = 0
API_VERSIONS: Final = 18
SASL_HANDSHAKE: Final = 17
SASL_AUTHENTICATE: Final = 36
UNSUPPORTED_MECHANISM: Final = 33
AUTHENTICATION_FAILED: Final = 58
SCRAM: Final = ("SCRAM-SHA-256", "SCRAM-SHA-512")


class Door:
    """Listens on `port` in a thread of its own and passes on to `behind`."""

    def __init__(
        self, *, port: int, behind: int, users: dict[str, str], tls: ssl.SSLContext | None
    ) -> None:
        self.port, self.behind, self.users, self.tls = port, behind, users, tls
        self.tokens: Collection[str] = ()  # of OAuth: those that let somebody in
        self.lose_replies_to_produce = False
        self.produced = 0
        self._scram = {name: ScramMechanism(name) for name in SCRAM}
        self._guests: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._is_open = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="door", daemon=True)
        self._thread.start()
        self.open()

    def open(self) -> None:
        self._run(self._open())

    def shut(self) -> None:
        """Refuse everyone and cut those inside, as a broker that died."""
        self._run(self._shut())

    def end(self) -> None:
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, job: Awaitable[None]) -> None:
        async def wait() -> None:
            await job

        asyncio.run_coroutine_threadsafe(wait(), self._loop).result(60)

    async def _open(self) -> None:
        self._is_open = True
        self._server = await asyncio.start_server(
            self._welcome, "127.0.0.1", self.port, ssl=self.tls, reuse_address=True
        )

    async def _shut(self) -> None:
        self._is_open = False
        if self._server is not None:
            self._server.close()
        for guest in list(self._guests):
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()  # its TLS handshake ended after the door was shut
            return
        task = asyncio.current_task()
        assert task is not None
        self._guests.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)
        self._guests.discard(task)
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        try:
            await self._log_in(reader, writer, broker_reader, broker_writer)
            deaf = asyncio.Event()
            passing = [
                asyncio.create_task(self._pass_requests(reader, broker_writer, deaf)),
                asyncio.create_task(_pass_replies(broker_reader, writer, deaf)),
            ]
            try:
                await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in passing:
                    task.cancel()
                await asyncio.gather(*passing, return_exceptions=True)
        finally:
            broker_writer.transport.abort()

    async def _pass_requests(
        self,
        reader: asyncio.StreamReader,
        broker: asyncio.StreamWriter,
        deaf: asyncio.Event,
    ) -> None:
        while True:
            frame = await _read_frame(reader)
            if struct.unpack_from(">h", frame, 4)[0] == PRODUCE:
                self.produced += 1
                if self.lose_replies_to_produce:
                    deaf.set()
            broker.write(frame)
            await broker.drain()

    async def _log_in(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        broker_reader: asyncio.StreamReader,
        broker_writer: asyncio.StreamWriter,
    ) -> None:
        """Answer until somebody is known: before that, a broker says which requests it knows."""
        step: Callable[[bytes], tuple[bytes, bool]] | None = None
        while True:
            frame = await _read_frame(reader)
            key, version, correlation = struct.unpack_from(">hhi", frame, 4)
            body = _body(frame)
            if key == SASL_HANDSHAKE:
                step, answer = self._handshake(body)
                await _reply(writer, correlation, answer)
            elif key == SASL_AUTHENTICATE and step is not None:
                if await self._authenticate(writer, step, body, (version, correlation)):
                    return
            elif key == API_VERSIONS:
                broker_writer.write(frame)
                writer.write(await _read_frame(broker_reader))
            else:
                raise ConnectionResetError

    def _handshake(self, body: bytes) -> tuple[Callable[[bytes], tuple[bytes, bool]] | None, bytes]:
        name = body[2:].decode()
        known = ("PLAIN", "OAUTHBEARER", *SCRAM)
        offered = struct.pack(">i", len(known)) + b"".join(_string(each) for each in known)
        if name not in known:
            return None, struct.pack(">h", UNSUPPORTED_MECHANISM) + offered
        steps = {"PLAIN": self._check_plain, "OAUTHBEARER": self._check_token}
        step = steps.get(name) or self._scram_steps(name)
        return step, struct.pack(">h", 0) + offered

    async def _authenticate(
        self,
        writer: asyncio.StreamWriter,
        step: Callable[[bytes], tuple[bytes, bool]],
        body: bytes,
        request: tuple[int, int],
    ) -> bool:
        version, correlation = request
        lifetime = struct.pack(">q", 0) if version >= 1 else b""
        try:
            answer, done = step(body[4:])
        except (ScramException, KeyError) as error:
            why = f"Authentication failed: {type(error).__name__}"
            refusal = struct.pack(">h", AUTHENTICATION_FAILED) + _string(why) + _bytes(b"")
            await _reply(writer, correlation, refusal + lifetime)
            raise ConnectionResetError from error
        accepted = struct.pack(">hh", 0, -1) + _bytes(answer) + lifetime
        await _reply(writer, correlation, accepted)
        return done

    def _check_plain(self, token: bytes) -> tuple[bytes, bool]:
        _, user, password = token.decode().split("\0")
        if self.users[user] != password:
            raise KeyError(user)
        return b"", True

    def _check_token(self, first: bytes) -> tuple[bytes, bool]:
        """Read RFC 7628's first message: gs2 header, then fields that ^A ends."""
        fields = dict(part.split("=", 1) for part in first.decode().split("\x01")[1:] if part)
        token = fields["auth"].removeprefix("Bearer ")
        if token not in self.tokens:
            raise KeyError(token)
        return b"", True

    def _scram_steps(self, name: str) -> Callable[[bytes], tuple[bytes, bool]]:
        mechanism = self._scram[name]
        server = mechanism.make_server(
            lambda user: mechanism.make_auth_info(self.users[user], iteration_count=4096)
        )
        greeted = False

        def step(token: bytes) -> tuple[bytes, bool]:
            nonlocal greeted
            if not greeted:
                greeted = True
                server.set_client_first(token.decode())
                return server.get_server_first().encode(), False
            server.set_client_final(token.decode())
            return server.get_server_final().encode(), True

        return step


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    size = await reader.readexactly(4)
    return size + await reader.readexactly(struct.unpack(">i", size)[0])


async def _pass_replies(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event
) -> None:
    """Pass on until nothing more comes, or the first reply once deaf: then the guest is cut off."""
    while data := await reader.read(65536):
        if deaf.is_set():
            return
        writer.write(data)
        await writer.drain()


async def _reply(writer: asyncio.StreamWriter, correlation: int, body: bytes) -> None:
    writer.write(struct.pack(">ii", len(body) + 4, correlation) + body)
    await writer.drain()


def _body(frame: bytes) -> bytes:
    """What follows a request's header: size, key, version, correlation id, client id."""
    length = struct.unpack_from(">h", frame, 12)[0]
    return frame[14 + max(length, 0) :]


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _bytes(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data
