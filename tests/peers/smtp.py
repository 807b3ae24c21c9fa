"""A mail server that keeps what it is sent, and can refuse or fall silent."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message


@dataclass
class MailSink:
    """What arrived, and how to answer: `refuse_with` a reply to RCPT, `cut` after the message."""

    port: int = 0
    refuse_with: str = ""
    cut: bool = False
    mails: list[tuple[list[str], Message]] = field(default_factory=list)


@contextmanager
def running_mail_sink() -> Iterator[MailSink]:
    """A sink on a free port of the loopback for as long as the block runs."""
    sink = MailSink()

    class Handler(_Handler):
        mail_sink = sink

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()


class _Handler(socketserver.StreamRequestHandler):
    """One SMTP session (RFC 5321), as much of it as smtplib speaks."""

    mail_sink: MailSink

    def handle(self) -> None:
        recipients: list[str] = []
        self._say("220 sink")
        for line in self.rfile:
            verb = line[:4].strip().upper()
            if verb == b"RCPT" and not self.mail_sink.refuse_with:
                recipients.append(line.decode().partition("<")[2].partition(">")[0])
            if verb == b"DATA":
                self._say("354 go on")
                self.mail_sink.mails.append((recipients, message_from_bytes(self._read_data())))
                if self.mail_sink.cut:
                    return
            self._say(self._reply(verb))
            if verb == b"QUIT":
                return

    def _reply(self, verb: bytes) -> str:
        if verb == b"RCPT" and self.mail_sink.refuse_with:
            return self.mail_sink.refuse_with
        return "221 bye" if verb == b"QUIT" else "250 OK"

    def _read_data(self) -> bytes:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())
