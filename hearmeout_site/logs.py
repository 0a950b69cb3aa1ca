"""What no log line may hold."""

from __future__ import annotations

import logging
import re
from typing import Final

LINK: Final = re.compile(r"(/p/)[\w-]{8,}")
QUERY: Final = re.compile(r"""((?<![\w.])/[^\s?'"<>]*)\?[^\s'"<>]+""")
"""What follows an address on this server: who a recruitment service sends, or the right to begin a pilot."""

_tracebacks = logging.Formatter()


class HideLinks(logging.Filter):
    """Takes the secret part out of participants' links, and what follows the question mark of any address, wherever
    they stand: in the message (Django and Daphne name the address when a page fails) or in the error below it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (hidden := _hidden(message)) != message:
            record.msg, record.args = hidden, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = _tracebacks.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = _hidden(record.exc_text)
        return True


def _hidden(text: str) -> str:
    return QUERY.sub(r"\1?…", LINK.sub(r"\1…", text))
