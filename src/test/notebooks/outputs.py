"""Finds cells and reads what they show, by MIME type and content."""

import re

PLAIN, HTML = "text/plain", "text/html"
WIDGET = "application/vnd.jupyter.widget-view+json"
PLOTLY = "application/vnd.plotly.v1+json"


def cell(notebook, source):
    """The code cell with exactly this source, or the only one that begins with it."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    exact = [c for c in code if c.source == source]
    (found,) = exact or [c for c in code if c.source.startswith(source)]
    return found


def bundles(found):
    return [o.data for o in found.outputs if o.output_type in ("display_data", "execute_result")]


def result(found):
    """The value of the cell's last expression."""
    (data,) = [o.data for o in found.outputs if o.output_type == "execute_result"]
    return data


def card(found):
    """The card of a diagnosis, wherever a line of progress or buttons stand beside it."""
    (data,) = [d for d in bundles(found) if "Out of memory" in d[PLAIN]]
    return data


def printed(found, name="stdout"):
    return "".join(o.text for o in found.outputs if o.output_type == "stream" and o.name == name)


def error(found):
    return next((o for o in found.outputs if o.output_type == "error"), None)


def everything(found):
    """All text a person could read under the cell."""
    return printed(found) + "".join(d.get(HTML, d[PLAIN]) for d in bundles(found))


UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def size(text):
    """The first size in a text, in bytes."""
    number, unit = re.search(r"([\d.]+) (B|KiB|MiB|GiB)\b", text).groups()
    return float(number) * UNITS[unit]


class Row:
    """One line of a comparison: what was predicted and measured, in bytes; measured is None where the step did not run."""

    def __init__(self, line):
        self.title, rest = re.split(r"\s+predicted\s+", line.strip(), maxsplit=1)
        predicted, outcome = re.split(r"\s+measured\s+", rest, maxsplit=1)
        self.predicted = size(predicted)
        self.measured = size(outcome) if re.match(r"[\d.]+ [KMG]?i?B", outcome) else None
        loss = re.search(r"loss ([\d.]+)", outcome)
        self.loss = float(loss[1]) if loss else None

    @property
    def error(self):
        return self.predicted / self.measured - 1


def comparison(found):
    """The rows under a cell that compares, by title; the workload as it is first."""
    lines = [line for line in result(found)[PLAIN].splitlines() if re.search(r"\s+predicted\s+.*\s+measured\s+", line)]
    return {row.title: row for row in map(Row, lines)}


def committed(prefix):
    """The notebook as it is in the repository: every cell was run, in order, and no output is a heap of data."""
    import nbformat

    import run

    (path,) = run.NOTEBOOKS.glob(f"{prefix}-*.ipynb")
    assert path.stat().st_size < 300_000, path
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, 1 + len(code)))
    return notebook


def assert_clean(notebook):
    """No cell is red but those that are meant to fail, and nothing is imported."""
    for found in notebook.cells:
        if found.cell_type == "code":
            assert "import " not in found.source, found.source
            for line in found.source.splitlines():
                assert "cpu" not in line.lower() or line.startswith("var device = device("), line
            expected = "raises-exception" in found.metadata.get("tags", [])
            assert (error(found) is not None) == expected, found.source
            assert expected or printed(found, "stderr") == "", found.source


def assert_predicted(rows, off=0.10):
    """Every row ran; its peak and what it saves against the first were predicted within 10 % of what was measured.

    A saving is the difference of two peaks, and each of these comes back to 1.5 % of the first row: no small saving is nearer.
    """
    first, *others = rows.values()
    for row in rows.values():
        assert row.measured is not None, f"{row.title} did not run"
        assert abs(row.predicted - row.measured) <= off * row.measured, f"{row.title}: {row.error:+.1%}"
    for row in others:
        saved, predicted = first.measured - row.measured, first.predicted - row.predicted
        assert saved > 0, f"{row.title} saved nothing"
        assert abs(predicted - saved) <= max(off * saved, 0.03 * first.measured), f"{row.title}: saved {saved:.0f}, predicted {predicted:.0f}"
