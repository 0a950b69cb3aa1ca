"""Two web processes: whoever withdraws at the one stops what is live at the other."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import httpx
import pytest
from websockets.asyncio.client import connect

from hearmeout_site.environment import ROOT
from tests.e2e.browser_twin import BrowserTwin
from tests.e2e.filing import filed
from tests.e2e.own_databases import ON_SERVICES_TOO, own_databases
from tests.e2e.stack import Stack
from tests.ports import free_port
from tests.waiting import until

START_WITHIN_SEC: Final = 90


def answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/healthz", timeout=2)
    except httpx.TransportError:
        return False
    return True


@contextmanager
def second_web(stack: Stack) -> Iterator[str]:
    """The address of another web process of the same stack."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "hearmeout_site.web"]
    process = subprocess.Popen(command, cwd=ROOT, env=stack.environment | {"PORT": str(port)})
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_WITHIN_SEC
        while not answers(url):
            assert process.poll() is None, f"the second web process ended with status {process.returncode}"
            assert time.monotonic() < deadline, f"the second web process does not answer at {url}"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(40)


@pytest.mark.parametrize("where", ["embedded", pytest.param("services", marks=ON_SERVICES_TOO)])
async def test_withdrawal_at_one_web_process_ends_what_is_live_at_another(tmp_path: Path, where: str) -> None:
    places: AbstractContextManager[dict[str, str]] = own_databases() if where == "services" else nullcontext({})
    with (
        places as named,
        Stack(tmp_path, WORKER_ENGINES="echo", **named) as stack,
        second_web(stack) as other,
    ):
        (token,) = await asyncio.to_thread(stack.script, "tests.e2e.seed", trials=1, engine="echo")
        twin = BrowserTwin(stack.url, token)
        talking = asyncio.create_task(twin.talk(0, duration_sec=120))
        preview_url = f"{stack.url.replace('http', 'ws', 1)}/ws/p/{token}/preview/"
        async with connect(preview_url, origin=stack.url, compression=None) as preview:  # type: ignore[arg-type]
            await until(lambda: twin.acknowledged >= 50 or talking.done(), otherwise=lambda: stack.log)
            assert not talking.done(), f"the talk ended by itself: {talking}"
            page = await withdraw(other, token)
            over = await asyncio.wait_for(talking, 20)
            await asyncio.wait_for(preview.wait_closed(), 20)
        found = await asyncio.to_thread(filed, stack, twin.take)
        left = [path for path in (stack.folder / "data" / "journal").iterdir() if twin.take in path.name]
        # the process that wrote it has yet to see that it is gone
        await until(lambda: not any(path.exists() for path in left), otherwise=lambda: f"{left}\n{stack.log}")
    assert over.reason == "withdrawn"
    assert preview.close_code == 4403
    assert (found["outcome"], found["end_reason"], found["tracks"]) == ("interrupted", "withdrawn", {})
    assert "1 × recordings that were still being saved" in page
    assert not (stack.folder / "data" / "recordings" / twin.take).exists()


async def withdraw(url: str, token: str) -> str:
    """As the page's form does; the page after it."""
    async with httpx.AsyncClient(base_url=url, timeout=20, follow_redirects=True, headers={"Origin": url}) as http:
        page = await http.get(f"/p/{token}/withdraw/")
        (csrf,) = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text))
        answer = await http.post(page.url, data={"csrfmiddlewaretoken": csrf}, headers={"Referer": str(page.url)})
        assert answer.status_code == 200, answer.text
        return answer.text
