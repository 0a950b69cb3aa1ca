"""A hub on this machine that answers as the Hugging Face hub does: files at commits, and its ways of refusing."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
TOKEN: Final = "hf_of_somebody_who_may"
REPOSITORIES: Final = frozenset({"kyutai/tiny", "kyutai/gated", "kyutai/broken", "kyutai/other"})


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """Its address. All repositories hold the files of `folder`; `main`, `v1` and COMMIT are their revisions;
    `kyutai/gated` wants TOKEN, and `kyutai/broken` fails."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, format: str, *args: object) -> None:
            return

        def _answer(self, *, with_body: bool) -> None:
            found = re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)", self.path)
            assert found is not None
            repository, revision, name = found.groups()
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token and token != TOKEN:
                return self._refuse(401, "", "Invalid credentials in Authorization header")
            if repository not in REPOSITORIES:
                return self._refuse(401, "RepoNotFound", "Repository not found")
            if repository == "kyutai/broken":
                return self._refuse(500, "", "")
            if repository == "kyutai/gated" and token != TOKEN:
                return self._refuse(401, "GatedRepo", "Access is restricted")
            if revision not in {"main", "v1", COMMIT}:
                return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            path = folder / name
            if not path.is_file():
                return self._refuse(404, "EntryNotFound", "Entry not found")
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)
            return None

        def _refuse(self, status: int, code: str, message: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", message)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
