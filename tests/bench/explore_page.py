"""How soon the page of the explore study can be used, and how much it loads: `python -m tests.bench.explore_page`.

All scripts of the page are modules, which run before DOMContentLoaded ends; from then on every control works."""

from __future__ import annotations

import argparse
import re
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.stack import Stack
from tests.e2e.visitor import FLAGS
from tests.requirements import browser as chromium


def opened(browser: Browser, url: str) -> tuple[float, float]:
    """Opens the page as somebody new does. Returns the milliseconds until it can be used, and the bytes received."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    received: list[float] = []
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.get_by_role("button", name="Talk to it").click()
    page.wait_for_url(re.compile("/explore/"))
    page.wait_for_load_state("networkidle")
    ready_ms = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    context.close()
    return float(ready_ms), sum(received)


def main(loads: int) -> None:
    with (
        TemporaryDirectory() as folder,
        Stack(Path(folder), WORKER_ENGINES="echo", ALLOW_TEST_MODELS="true") as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), headless=False, args=list(FLAGS))
        found = [opened(browser, stack.url) for _ in range(loads)]
        browser.close()
    times_ms, sizes = zip(*found, strict=True)
    print("| Loads | Usable after, median (ms) | Usable after, longest (ms) | Received, most (kB) |")
    print("|---|---|---|---|")
    print(f"| {loads} | {statistics.median(times_ms):.0f} | {max(times_ms):.0f} | {max(sizes) / 1_000:.0f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=10)
    main(parser.parse_args().loads)
