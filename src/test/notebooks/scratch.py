"""Runs single cells in a kernel: a notebook without a file."""
import contextlib
import queue
import time

import psutil
from jupyter_client.manager import start_new_kernel


class Scratch:
    def __init__(self, client, manager):
        self._client, self._manager = client, manager

    def _processes(self):
        launcher = psutil.Process(self._manager.provisioner.pid)
        return [launcher, *launcher.children(recursive=True)]

    def resident(self):
        return sum(process.memory_info().rss for process in self._processes())

    def probes(self):
        """The JVMs that a probe measures in."""
        return [p for p in self._processes() if any("ProbeProcess" in word for word in _words(p))]

    def wait(self, condition, seconds=30):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not come to pass"
            time.sleep(0.1)

    def interrupt(self, code, seconds=0, until=lambda: True):
        """Begins a cell, interrupts it after so many seconds and when a condition holds; gives its reply."""
        asked = self._client.execute(code)
        time.sleep(seconds)
        self.wait(until)
        self._manager.interrupt_kernel()
        while True:
            reply = self._client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == asked:
                return reply["content"]

    def run(self, code, timeout=120):
        """Runs a cell; gives its reply, its printed text and its MIME bundles."""
        text, shown = [], []

        def hear(message):
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                text.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                shown.append(content["data"])

        reply = self._client.execute_interactive(code, timeout=timeout, output_hook=hear)["content"]
        return reply, "".join(text), shown


def _words(process):
    """Its command line; none for one that has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextlib.contextmanager
def kernel(name="headroom", **arguments):
    manager, client = start_new_kernel(kernel_name=name, startup_timeout=60, **arguments)
    try:
        yield Scratch(client, manager)
    finally:
        client.stop_channels()
        with contextlib.suppress(queue.Empty):
            manager.shutdown_kernel(now=True)
