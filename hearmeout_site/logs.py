"""Removes from log lines what they must not contain."""

from __future__ import annotations

import logging
import re
from typing import Final

LINK: Final = re.compile(r"(/p/)[\w-]{8,}")
QUERY: Final = re.compile(r"""((?<![\w.])/[^\s?'"<>]*)\?[^\s'"<>]+""")
"""The query string of an address on this server: it may identify a participant or let somebody begin a pilot."""

_tracebacks = logging.Formatter()


class HideLinks(logging.Filter):
    """Removes the secret part of participants' links and the query string of any address.

    It does so in the message (Django and Daphne name the address when a page fails) and in the traceback below it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (hidden := _hidden(message)) != message:
            record.msg, record.args = hidden, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = _tracebacks.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = _hidden(record.exc_text)
        return True


class ProbesAreNoNews(logging.Filter):
    """Keeps back the line that Django writes for each 503 of `/healthz`: whoever asks there reads the answer, and asks
    again every second."""

    def filter(self, record: logging.LogRecord) -> bool:
        asked = getattr(getattr(record, "request", None), "resolver_match", None)
        return asked is None or asked.url_name != "health"


def _hidden(text: str) -> str:
    return QUERY.sub(r"\1?…", LINK.sub(r"\1…", text))
