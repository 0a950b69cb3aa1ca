"""Modules run with Django set up as a stack has it, in one process, because starting Django takes seconds.

python -m tests.e2e.scripts     # {"module": …, "arguments": {…}} on a line, answered by {"result": …} or {"error": …}
"""

from __future__ import annotations

import json
import runpy
import sys
import traceback
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import django


def run(module: str, arguments: dict[str, Any]) -> Any:
    """As `python -m MODULE ARGUMENTS` does; the last line that it prints is its result."""
    sys.argv = [module, json.dumps(arguments)]
    with redirect_stdout(StringIO()) as printed:
        runpy.run_module(module, run_name="__main__")
    return json.loads(printed.getvalue().splitlines()[-1])


def main() -> None:
    django.setup()
    from django.db import connections

    for line in sys.stdin:
        try:
            answer = {"result": run(**json.loads(line))}
        except Exception:
            answer = {"error": traceback.format_exc()}
        connections.close_all()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
