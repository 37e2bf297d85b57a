"""Notebook 60, run for real: the arithmetic, the estimate, the step, and the panel's table."""
import pytest

from outputs import HTML, PLAIN, WIDGET, assert_clean, cell, committed, comparison, result, size


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("60", batch=4)


def line(text, label):
    return size(next(row for row in text.splitlines() if row.strip().startswith(label)).split(label)[1])


def test_the_step_takes_what_the_estimate_said(notebook):
    estimated = line(result(cell(notebook, "estimate(step)"))[PLAIN], "expected above the idle process")
    assert line(result(cell(notebook, "run(step)"))[PLAIN], "peak") == pytest.approx(estimated, rel=0.06)


def test_what_grows_how(notebook):
    rows = comparison(cell(notebook, "compare("))
    whole = rows.pop("as it is")
    for row in rows.values():
        assert whole.predicted - row.predicted == pytest.approx(whole.measured - row.measured, rel=0.10), row.title


def test_the_panel_has_a_table_where_nothing_can_move(notebook):
    shown = result(cell(notebook, "budget(step"))
    assert WIDGET in shown and "<table" in shown[HTML]


def test_the_set_of_remedies_fits(notebook):
    first = result(cell(notebook, "cheapest("))[PLAIN].splitlines()[0]
    assert size(first.rsplit("at most", 1)[1]) <= 4 * 2**30


def test_nothing_is_red_and_the_committed_one_ran(notebook):
    assert_clean(notebook)
    committed("60")
