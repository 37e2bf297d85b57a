"""Notebook 80, run for real: verdicts, timeline and errors of published models."""
import re

import nbformat
import pytest

import run
from outputs import HTML, PLAIN, cell, error, printed, result

MIB = {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("80")


def sizes(text):
    return [float(n) * MIB[unit] for n, unit in re.findall(r"([\d.]+) (KiB|MiB|GiB)", text)]


def test_no_cell_imports_anything(notebook):
    assert not [c.source for c in notebook.cells if c.cell_type == "code" and "import " in c.source]


def test_the_verdict_names_the_card_and_the_changes(notebook):
    shown = result(cell(notebook, "var step"))[PLAIN]
    assert "openai-community/gpt2 on 11.76 GiB: tight" in shown
    for change in ("let go of the output", "gradient checkpointing", "accumulated twice", "Adafactor"):
        (line,) = [row for row in shown.splitlines() if row.startswith(change) or change in row[:34]]
        needs, saves = sizes(line)[:2]
        assert needs + saves == pytest.approx(sizes(shown.splitlines()[1])[0], abs=15)


def test_the_timeline_peaks_in_a_backward_pass(notebook):
    rows = result(cell(notebook, "fit.timeline()"))[PLAIN].splitlines()
    peaks = {row[:22].strip(): sizes(row)[0] for row in rows}
    assert max(peaks, key=peaks.get).startswith("backward of step")
    assert peaks["load"] < peaks["input of step 2"] < peaks["forward of step 2"]


def test_the_view_draws_the_peak_beside_the_card(notebook):
    html = result(cell(notebook, "var step"))[HTML]
    for said in ("△ tight", "optimizer state", "up to the upper bound", "forward of step 2", "The cheapest that fits"):
        assert said in html
    assert "<script" not in html


def test_the_smaller_card_gets_the_cheapest_changes(notebook):
    verdict, advice = result(cell(notebook, "var small"))[PLAIN].strip("\"").splitlines()
    assert verdict == "does not fit"
    assert advice.startswith("The cheapest that fits: let go of the output + batch 18, accumulated twice")
    expected, most = sizes(advice)
    assert expected < most < 7.66 * 1024


def test_checkpointing_saves_a_third_and_more(notebook):
    one, *large = (sizes(row) for row in result(cell(notebook, "variants(1, 128)"))[PLAIN].splitlines())
    for plain, layers, cast, both in large:
        assert layers < plain * 2 / 3 and both < cast < plain
    plain, _, cast, _ = one
    assert cast > plain * 0.95  # weights outweigh activations: nothing to gain


def test_errors_are_shown_beside_the_truth(notebook):
    rows = result(cell(notebook, "String.join("))[PLAIN].splitlines()
    ours = [abs(float(re.search(r"ours\s+([-+][\d.]+) %", row).group(1))) for row in rows]
    xmem = [abs(float(re.search(r"xMem\s+([-+][\d.]+) %", row).group(1))) for row in rows]
    assert len(rows) == 6
    assert sorted(ours)[3] < 3 and sorted(ours)[3] < sorted(xmem)[3]


def test_nothing_is_red(notebook):
    for found in notebook.cells:
        if found.cell_type == "code":
            assert printed(found, "stderr") == "" and error(found) is None, found.source


def test_the_committed_notebook_has_the_outputs_of_a_run(notebook):
    (path,) = run.NOTEBOOKS.glob("80-*.ipynb")
    committed = nbformat.read(path, as_version=4)
    nbformat.validate(committed)
    code = [c for c in committed.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, 1 + len(code)))
    assert result(cell(committed, "var step")) == result(cell(notebook, "var step"))
