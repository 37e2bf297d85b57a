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
    assert "openai-community/gpt2 on 11.76 GiB: fits barely" in shown
    for change in ("let go of the output", "gradient checkpointing", "accumulated twice", "Adafactor"):
        (line,) = [row for row in shown.splitlines() if row.startswith(change) or change in row[:34]]
        needs, saves = sizes(line)[:2]
        assert needs + saves == pytest.approx(sizes(shown.splitlines()[1])[0], abs=15)


def test_the_timeline_peaks_in_a_backward_pass(notebook):
    html = result(cell(notebook, "var step"))[HTML]
    phases = dict(re.findall(r">((?:load|input|forward|backward|optimizer)[a-z ]*(?:of step \d+)?)</td>\s*<td[^>]*>([\d.]+ [KMG]iB)", html))
    peaks = {phase: sizes(size)[0] for phase, size in phases.items()}
    assert max(peaks, key=peaks.get).startswith("backward of step")
    assert peaks["load"] < peaks["input of step 2"] < peaks["forward of step 2"]


def test_the_view_draws_the_peak_beside_the_card(notebook):
    html = result(cell(notebook, "var step"))[HTML]
    for said in ("△ fits barely", "optimizer state", "up to the upper bound", "forward of step 2", "The cheapest that fits"):
        assert said in html
    assert "<script" not in html


def test_the_smaller_card_gets_the_cheapest_changes(notebook):
    shown = result(cell(notebook, 'fits(step, "7.66 GiB")'))[PLAIN]
    assert "openai-community/gpt2 on 7.66 GiB: does not fit" in shown
    advice = shown.splitlines()[-1]
    assert advice.startswith("The cheapest that fits: let go of the output + batch 18, accumulated twice")
    expected, most = sizes(advice)
    assert expected < most < 7.66 * 1024


def test_checkpointing_and_autocast_save_on_long_texts(notebook):
    plain = result(cell(notebook, "fits(preset(\"gpt2\").batch(4).seq(1024),"))[PLAIN].splitlines()
    both = result(cell(notebook, "fits(preset(\"gpt2\").batch(4).seq(1024).checkpointing"))[PLAIN].splitlines()
    needs = sizes(plain[1])[0]
    (layers,) = [row for row in plain if row.startswith("gradient checkpointing")]
    assert sizes(layers)[0] < needs * 2 / 3
    assert sizes(both[1])[0] < sizes(layers)[0]


@pytest.mark.parametrize("model", ["gpt2", "T5-small", "MobileNetV2"])
def test_errors_are_shown_beside_the_truth(notebook, model):
    *rows, medians = result(cell(notebook, f'publishedPeaks("{model}")'))[PLAIN].splitlines()
    assert all(row.endswith("holds") for row in rows[1:]) and len(rows) > 1
    ours, xmem = (float(n) for n in re.findall(r"([\d.]+) %", medians)[:2])
    assert ours < 3 and ours < xmem


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
