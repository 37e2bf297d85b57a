"""Notebook 00, run for real: what each cell shows."""
import re

import nbformat
import pytest

import run
from outputs import HTML, PLAIN, PLOTLY, WIDGET, bundles, cell, error, printed, result


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("00")


def size(text):
    """The first size in a text, in MiB."""
    number, unit = re.search(r"([\d.]+) (KiB|MiB|GiB)", text).groups()
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def test_memory_shows_where_the_bytes_are(notebook):
    shown = result(cell(notebook, "memory()"))
    assert "process" in shown[PLAIN] and "head-room" in shown[PLAIN]
    assert "<table" in shown[HTML] and "resident" in shown[HTML]


def test_loading_tells_its_bytes(notebook):
    age = printed(cell(notebook, 'var age = load('))
    assert re.match(r"age: weights (199|200)\.\d\d MiB · process \+", age)
    cancer = printed(cell(notebook, "var cancer = load("))
    assert re.match(r"cancer: weights 100\.\d\d MiB · process \+", cancer)


def test_releasing_brings_the_bytes_back(notebook):
    shown = result(cell(notebook, "release(age)"))[PLAIN]
    assert "came back" in shown
    assert size(shown) > 180
    before = size(re.search(r"process (\S+ \S+)", printed(cell(notebook, 'memory("two models")'))).group(1))
    after = size(re.search(r"process (\S+ \S+)", printed(cell(notebook, 'memory("one released")'))).group(1))
    assert before - after > 150


def test_the_engine_really_refuses_under_the_cap(notebook):
    failed = error(cell(notebook, "run(step)"))
    assert "DefaultCPUAllocator: can't allocate memory" in failed.evalue


def test_the_card_appears_by_itself(notebook):
    (card,) = [d for d in bundles(cell(notebook, "run(step)")) if "Out of memory" in d[PLAIN]]
    assert "<script" not in card[HTML] and "<svg" not in card[HTML]
    for part in ("Out of memory", "2.00 GiB", "What to do", "batch"):
        assert part in card[HTML], part


def test_diagnose_shows_the_card_again(notebook):
    (card,) = [d for d in bundles(cell(notebook, "run(step)")) if "Out of memory" in d[PLAIN]]
    again, buttons = bundles(cell(notebook, "diagnose()"))
    assert again[PLAIN] == card[PLAIN] and WIDGET in buttons


def test_budget_opens_a_panel_with_a_table_to_stand_in(notebook):
    shown = result(cell(notebook, "budget(step)"))
    assert shown[WIDGET]["model_id"]
    assert "does not fit" in shown[PLAIN] and "head-room" in shown[PLAIN]
    assert "attention" in shown[HTML]


def test_the_suggested_batch_trains_and_meets_its_estimate(notebook):
    shown = result(cell(notebook, "run(smaller)"))[PLAIN]
    measured = size(re.search(r"peak (\S+ \S+)", shown).group(1))
    estimate = result(cell(notebook, "estimate(smaller)"))[PLAIN]
    expected = size(re.search(r"expected above the idle process\s+(.*)", estimate).group(1))
    assert measured == pytest.approx(expected, rel=0.15)
    assert "NaN" not in shown


def test_the_timeline_is_drawn(notebook):
    shown = result(cell(notebook, "timeline()"))
    assert HTML not in shown, "HTML would hide the figure"
    assert shown[PLOTLY]["data"]
    assert "one released" in shown[PLAIN]


def test_nothing_is_red_but_the_failure(notebook):
    for found in notebook.cells:
        if found.cell_type == "code":
            assert printed(found, "stderr") == "", found.source
            assert (error(found) is not None) == ("raises-exception" in found.metadata.get("tags", [])), found.source


def test_the_committed_notebook_has_the_outputs_of_a_run():
    (path,) = run.NOTEBOOKS.glob("00-*.ipynb")
    committed = nbformat.read(path, as_version=4)
    nbformat.validate(committed)
    assert [c.execution_count for c in committed.cells if c.cell_type == "code"] == list(
        range(1, 1 + sum(c.cell_type == "code" for c in committed.cells))
    )
    assert "Out of memory" in str(cell(committed, "run(step)").outputs)
