"""A server of Moshi's chat protocol that keeps it to the letter and can be told to break it.

It answers loud frames with what it heard, and silence with silence, unless told otherwise; like the stock one it talks
with one person at a time, and lets others wait for its handshake.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from queue import Queue
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import numpy as np
import sphn
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32

LOUD: Final = 0.01
LIMIT_SEC: Final = 20.0


class Visit:
    """One connection, as the server saw it. `heard` gets float32 [n] for every message of sound; `ended` is set when
    the client has left."""

    def __init__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.connection = connection
        self.headers: Mapping[str, str] = connection.request.headers
        self.query = {
            name: values[-1] for name, values in parse_qs(urlsplit(connection.request.path).query, True).items()
        }
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.heard: Queue[Float32] = Queue()
        self.too_early = 0  # messages before the handshake
        self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)
        self._writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)

    def send(self, data: bytes | str) -> None:
        self.connection.send(data)

    def say(self, pcm: Float32) -> None:
        """float32 [n · FRAME_SAMPLES] as sound."""
        for start in range(0, len(pcm), FRAME_SAMPLES):
            self.send(b"\x01" + self._writer.append_pcm(pcm[start : start + FRAME_SAMPLES]))

    def hear(self, message: bytes | str) -> Float32:
        """What a client may send: one type byte, then Ogg-Opus."""
        assert isinstance(message, bytes)
        assert message[:1] == b"\x01"
        pcm: Float32 = self._reader.append_bytes(message[1:])
        self.heard.put(pcm)
        return pcm

    def break_off(self) -> None:
        """As a server does that is killed: no goodbye."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)


class ChatServer:
    """Runs from `with` to its end. `preface` goes before the handshake, `handshake` may be longer than its byte;
    `slots` people are talked with at once. While `listening` is clear nobody gets a handshake."""

    def __init__(
        self,
        *,
        path: str = "/api/chat",
        slots: int = 1,
        preface: bytes = b"",
        handshake: bytes = b"\x00",
        answers: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.visits: Queue[Visit] = Queue()  # those that have called, in order
        self.listening = threading.Event()
        self.listening.set()
        self.problems: list[BaseException] = []
        self._path = path
        self._preface = preface
        self._handshake = handshake
        self._answers = answers
        self._seats = threading.Semaphore(slots)
        self._server = serve(
            self._serve, "127.0.0.1", 0, ssl=tls, process_request=self._admit, compression=None, close_timeout=1
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.port = int(self._server.socket.getsockname()[1])
        self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listening.set()
        self._server.shutdown()
        self._thread.join()
        if error is None:
            assert self.problems == []

    def visit(self) -> Visit:
        """The next one that called."""
        return self.visits.get(timeout=LIMIT_SEC)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        right = urlsplit(request.path).path == self._path
        return None if right else connection.respond(404, "there is nothing here")

    def _serve(self, connection: ServerConnection) -> None:
        visit = Visit(connection)
        self.visits.put(visit)
        try:
            with self._seats:
                self.listening.wait(LIMIT_SEC)
                self._talk(visit)
        except ConnectionClosed:
            pass
        except BaseException as error:
            self.problems.append(error)
        finally:
            visit.ended.set()

    def _talk(self, visit: Visit) -> None:
        if self._preface:
            visit.send(self._preface)
        try:  # nothing may have come before the handshake
            visit.connection.recv(timeout=0)
            visit.too_early += 1
        except TimeoutError:
            pass
        visit.send(self._handshake)
        visit.begun.set()
        for message in visit.connection:
            pcm = visit.hear(message)
            if self._answers and len(pcm) and float(np.abs(pcm).max()) > LOUD:
                visit.say(pcm)


def self_signed(folder: Any, *names: str) -> tuple[ssl.SSLContext, str]:
    """A server's TLS with a certificate of its own making for `names`, and the file of that certificate."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, str(folder / "cert.pem")
