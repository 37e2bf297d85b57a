"""Runs single cells in a kernel: a notebook without a file."""
import contextlib
import queue

from jupyter_client.manager import start_new_kernel


class Scratch:
    def __init__(self, client):
        self._client = client

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


@contextlib.contextmanager
def kernel(name="headroom", **arguments):
    manager, client = start_new_kernel(kernel_name=name, startup_timeout=60, **arguments)
    try:
        yield Scratch(client)
    finally:
        client.stop_channels()
        with contextlib.suppress(queue.Empty):
            manager.shutdown_kernel(now=True)
