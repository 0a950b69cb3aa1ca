"""A hub on this machine with the Hugging Face hub's routes: files at commits, large ones by a redirect to another
address, in ranges, with the hub's headers; lists of files; and its ways of refusing."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Final

COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
TOKEN: Final = "hf_of_somebody_who_may"
LARGE_BYTES: Final = 1_000  # files from this size on are kept apart and have their SHA-256 for an ETag


@dataclass
class Hub:
    """`files` are by repository and path. `cut_after_bytes` breaks the next download off; `lies` sends other bytes than
    the ETag promises; `asked` are (method, path, range) of all requests."""

    files: Mapping[str, Mapping[str, bytes]]
    private: frozenset[str] = frozenset()
    cut_after_bytes: int | None = None
    lies: bool = False
    refuses: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    address: str = ""
    store: str = ""  # where large files are: another host, as with the real hub

    def paths(self, method: str) -> list[str]:
        return [path for asked, path, _ in self.asked if asked == method]

    def ranges(self) -> list[str]:
        return [asked for _, _, asked in self.asked if asked]


class _Answer(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        return

    def _answer(self, *, with_body: bool) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
        path = self.path.partition("?")[0]
        if path == "/":
            return self._send(200, b"", {})
        if self.hub.refuses:
            return self._refuse(self.hub.refuses, "", "Try again later")
        if stored := re.fullmatch(r"/store/([\w.-]+/[\w.-]+)/(.+)", path):
            return self._send_part(self.hub.files[stored[1]][stored[2]], with_body=with_body)
        if listed := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)/tree/([^/]+)", path):
            return self._list(listed[1], listed[2])
        resolved = re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)", path)
        assert resolved is not None, path
        return self._resolve(*resolved.groups(), with_body=with_body)

    def _resolve(self, repository: str, revision: str, name: str, *, with_body: bool) -> None:
        if self._is_refused(repository, revision):
            return None
        if name not in self.hub.files[repository]:
            return self._refuse(404, "EntryNotFound", "Entry not found")
        content = self.hub.files[repository][name]
        headers = {"X-Repo-Commit": COMMIT}
        if len(content) < LARGE_BYTES:
            headers["ETag"] = f'"{hashlib.sha1(content).hexdigest()}"'
            return self._send(200, content, headers, with_body=with_body)
        headers |= {
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content)),
            "Location": f"{self.hub.store}/store/{repository}/{name}",
        }
        return self._send(302, b"", headers)

    def _list(self, repository: str, revision: str) -> None:
        if self._is_refused(repository, revision):
            return
        entries = [
            {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for path, content in self.hub.files[repository].items()
        ]
        self._send(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})

    def _is_refused(self, repository: str, revision: str) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if repository not in self.hub.files or (repository in self.hub.private and token != TOKEN):
            self._refuse(401, "RepoNotFound", "Repository not found")
        elif revision not in {"main", COMMIT}:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return False
        return True

    def _send_part(self, content: bytes, *, with_body: bool) -> None:
        sent = content[::-1] if self.hub.lies else content
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first = int(found[1])
            last = min(int(found[2] or len(sent)), len(sent) - 1)
            where = {"Content-Range": f"bytes {first}-{last}/{len(sent)}"}
            return self._send(206, sent[first : last + 1], where, with_body=with_body)
        return self._send(200, sent, {"Accept-Ranges": "bytes"}, with_body=with_body)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], *, with_body: bool = True) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not with_body:
            return
        if self.hub.cut_after_bytes is not None and len(body) > self.hub.cut_after_bytes:
            self.wfile.write(body[: self.hub.cut_after_bytes])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(body)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": message})


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"hub": hub})) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        hub.store = f"http://localhost:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield hub
        server.shutdown()
