"""Serves of `node_modules` the files that our pages name (`npm/...`), and nothing else of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

PREFIX: Final = "npm/"
NAMED: Final = re.compile(r"""["'/(]npm/([^"'()\s]+\.\w+)""")
NAMING: Final = (("templates", "*.html"), ("studies/static", "*.css"), ("studies/static", "*.js"))


@cache
def named_files() -> frozenset[str]:
    """What templates, styles and scripts name, as paths in `node_modules`."""
    root = Path(settings.BASE_DIR)
    sources = (path for folder, pattern in NAMING for path in (root / folder).rglob(pattern))
    return frozenset(name for path in sources for name in NAMED.findall(path.read_text(encoding="utf-8")))


class PackageStorage(FileSystemStorage):
    """The packages under the address that they have in pages."""

    prefix = PREFIX.rstrip("/")


class NamedFiles(BaseFinder):
    """Finds them for `collectstatic` and for WhiteNoise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._storage = PackageStorage(location=Path(settings.BASE_DIR) / "node_modules")

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        name = path.removeprefix(PREFIX)
        is_there = path != name and name in named_files() and self._storage.exists(name)
        found = [self._storage.path(name)] if is_there else []
        return found[0] if found and not find_all else found

    def list(self, _ignored: Iterable[str] | None) -> Iterator[tuple[str, PackageStorage]]:
        yield from ((name, self._storage) for name in sorted(named_files()) if self._storage.exists(name))
