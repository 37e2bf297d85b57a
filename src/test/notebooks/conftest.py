"""What the notebook tests share: executed notebooks, a running JupyterLab, a browser."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import run

REPO = pathlib.Path(__file__).resolve().parents[3]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
]


@pytest.fixture(scope="session")
def executed():
    """Runs a notebook once per session: executed("00") gives it with its outputs; further names are its parameters."""
    done = {}

    def execute(prefix, **parameters):
        key = (prefix, *sorted(parameters.items()))
        if key not in done:
            (path,) = run.NOTEBOOKS.glob(f"{prefix}-*.ipynb")
            done[key] = run.execute(path, timeout=600, parameters=parameters)
        return done[key]

    return execute


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """kernel/lab as a person starts it first; gives the address with its token. Notebooks it saves are put back."""
    kept = {p: p.read_bytes() for p in run.NOTEBOOKS.glob("*.ipynb")}
    log = REPO / "target" / "lab.log"
    with open(log, "w") as out:
        process = subprocess.Popen(
            ["kernel/lab", "--no-browser", "--port", str(free_port())],
            cwd=REPO, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            # Open tabs and the theme are remembered there: neither those of other tests nor the person's own are to come back.
            env={**os.environ, **{
                f"JUPYTERLAB_{kind.upper()}_DIR": str(tmp_path_factory.mktemp(kind)) for kind in ("workspaces", "settings")
            }},
        )
    try:
        address, until = None, time.monotonic() + 120
        while not address:
            assert process.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
            found = re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+", log.read_text())
            address = found and found.group(0)
            time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        for path, text in kept.items():
            if path.read_bytes() != text:
                path.write_bytes(text)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    program = os.environ.get("HEADROOM_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    assert program, "no Chromium found: kernel/test says how to install it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield started
        started.close()
