"""Serves a recording, in ranges so that a player can seek, to somebody who may hear it. Every read is logged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound

from studies.errors import RangeError, RecordingError
from studies.models import AccessLog, Track
from studies.models.take import recordings
from studies.talk.integrity import check_file

DIFFERS: Final = "This recording is damaged: the file no longer matches the hash that was filed with it."
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int


def serve_track(request: HttpRequest, track: Track, reader: str) -> HttpResponse:
    """Serves the FLAC file of `track`, or the requested range. The caller has checked that `reader` may hear it."""
    target = f"{track.take_id} {track.kind}"
    return serve_flac(request, str(track.file.name), track.sha256, name=track.kind, reader=reader, target=target)


def serve_flac(
    request: HttpRequest, stored: str, sha256: str, *, name: str, reader: str, target: str, action: str = "listen"
) -> HttpResponse:
    """Serves the FLAC file stored under this name, or the requested range.

    A file that no longer fits its hash is not served. `reader`, `action` and `target` are written to the access log
    when something is sent."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    etag = f'"{sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'inline; filename="{name}.flac"',
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)
    try:
        check_file(stored, sha256)
        with recordings().open(stored) as content:
            size = content.size
            wanted = None
            if request.headers.get("If-Range", etag) == etag:
                wanted = parse_range(request.headers.get("Range", ""), size)
            first, last = (wanted.first, wanted.last) if wanted else (0, size - 1)
            content.seek(first)
            body = b"" if request.method == "HEAD" else content.read(last - first + 1)
    except FileNotFoundError:
        return HttpResponseNotFound("This recording no longer exists.")
    except RecordingError:
        return HttpResponse(DIFFERS, status=500, content_type="text/plain; charset=utf-8")
    except RangeError:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(last - first + 1)
    if wanted:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    if request.method == "GET":
        AccessLog.objects.create(reader=reader, action=action, target=target)
    return HttpResponse(body, status=206 if wanted else 200, content_type="audio/flac", headers=headers)


def parse_range(header: str, size: int) -> ByteRange | None:
    """Parses a Range header with one range. Returns None if it is absent or may be ignored. Raises RangeError."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first_text, last_text = found.groups()
    if not first_text:  # the last n bytes
        first, last = max(0, size - int(last_text)), size - 1
        if int(last_text) == 0:
            raise RangeError(header)
    else:
        first, last = int(first_text), min(int(last_text or size), size - 1)
    if last_text and first_text and int(last_text) < first:
        return None
    if first >= size:
        raise RangeError(header)
    return ByteRange(first, last)
