"""What no log line may hold."""

from __future__ import annotations

import logging
import re

LINK = re.compile(r"(/p/)[\w-]{8,}")


class HideLinks(logging.Filter):
    """Takes the secret part out of participants' links, which Django names when a page fails."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = LINK.sub(r"\1…", message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True
