"""A mail server that keeps what it is sent, and can refuse or fall silent."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from tests.peers.serving import serving


@dataclass
class MailSink:
    """What arrived, and how to answer: `refuse_with` to RCPT, `then_say` or `cut` to a message."""

    port: int = 0
    refuse_with: str = ""
    then_say: str = "250 OK"
    cut: bool = False
    mails: list[tuple[list[str], Message]] = field(default_factory=list)


@contextmanager
def running_mail_sink() -> Iterator[MailSink]:
    """A sink on a free port of the loopback for as long as the block runs."""
    sink = MailSink()

    class Handler(_Handler):
        mail_sink = sink

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with serving(server) as sink.port:
        yield sink


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
                self._say(self.mail_sink.then_say)
                continue
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
