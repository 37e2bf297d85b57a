"""Runs notebooks from top to bottom in a real kernel and writes their outputs into them.

    kernel/run-notebooks            every notebook, in place
    kernel/run-notebooks 00 20      those whose names begin so
    kernel/run-notebooks --check    runs, writes nothing: a non-zero exit if a cell fails that is not tagged raises-exception
    kernel/run-notebooks --check --set batch=8 --set 'cap="1.4 GiB"' 20
                                    with other values in the notebook's cell tagged parameters
"""
import argparse
import pathlib
import re
import sys
import threading
import time

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

REPO = pathlib.Path(__file__).resolve().parents[3]
NOTEBOOKS = REPO / "notebooks"


class Peak:
    """The largest resident set of the kernel's processes, sampled every 50 ms."""

    def __init__(self):
        self.bytes, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self):
        own = psutil.Process()
        while not self._done.wait(0.05):
            total = 0
            for child in own.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    pass
            self.bytes = max(self.bytes, total)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


def parameterize(notebook, values):
    """Gives the assignments in the cell tagged parameters other values, as papermill does; unknown names are an error."""
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    names = [name for c in cells for name in re.findall(r"(\w+) *=", c.source)]
    for name, value in values.items():
        if name not in names:
            raise ValueError(f"no parameter is called {name}; the notebook has: {', '.join(names) or 'none'}")
        for c in cells:
            c.source = re.sub(rf"\b({name} *= *)[^;]*", lambda found: found[1] + str(value), c.source)


def execute(path, kernel=None, timeout=1800, env=None, on_cell=None, parameters=None):
    """Runs the notebook at path; returns it with its outputs. Cells tagged raises-exception may fail, no other may."""
    notebook = nbformat.read(path, as_version=4)
    parameterize(notebook, parameters or {})
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=kernel or notebook.metadata.kernelspec.name,
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        on_cell_executed=on_cell,
    )
    client.execute(env=env) if env else client.execute()
    return notebook


def tidy(notebook):
    """What differs from run to run without telling a reader anything is left out of the file."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="the first characters of the notebooks' names (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--kernel", help="run on this kernelspec instead of the notebook's own")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another value for a parameter, a Java literal; needs --check")
    arguments = parser.parse_args()
    parameters = dict(pair.split("=", 1) for pair in arguments.set if "=" in pair)
    if len(parameters) < len(arguments.set) or parameters and not arguments.check:
        parser.error("--set NAME=VALUE goes with --check: committed outputs are those of the committed values")

    chosen = [p for p in sorted(NOTEBOOKS.glob("*.ipynb")) if not arguments.names or p.name.startswith(tuple(arguments.names))]
    if not chosen:
        parser.error(f"no notebook's name begins with {' or '.join(arguments.names)}: {', '.join(p.name for p in sorted(NOTEBOOKS.glob('*.ipynb')))}")
    rows, failed = [], False
    for path in chosen:
        cells = sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells)
        done = 0

        def progress(**_):
            nonlocal done
            done += 1
            print(f"\r{path.name:32} [{'#' * (20 * done // max(cells, 1)):20}] {done}/{cells}", end="", file=sys.stderr, flush=True)

        start, error = time.monotonic(), ""
        with Peak() as peak:
            try:
                notebook = execute(path, arguments.kernel, on_cell=progress, parameters=parameters)
                if not arguments.check:
                    nbformat.write(tidy(notebook), path)
            except CellExecutionError as e:
                error, failed = f"{e.ename}: {e.evalue}", True
            except ValueError as e:
                error, failed = str(e), True
        print(file=sys.stderr)
        rows.append((path.name, cells, time.monotonic() - start, peak.bytes, error or "ok"))
    print(f"{'notebook':32} {'cells':>5} {'seconds':>8} {'peak':>10}  result")
    for name, cells, seconds, size, result in rows:
        print(f"{name:32} {cells:5} {seconds:8.1f} {size / 2**30:6.2f} GiB  {result}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
