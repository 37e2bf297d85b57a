"""Case 2, run for real at a quarter of its batch: the failure, its diagnosis, and each remedy predicted beside measured."""
import re

import pytest

from outputs import HTML, PLAIN, assert_clean, assert_predicted, card, cell, committed, comparison, error, result, size


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("20", batch=16, cap='"2.4 GiB"')


def test_the_step_fails_as_in_the_story_and_explains_itself(notebook):
    failed = cell(notebook, "run(step)")
    assert "can't allocate memory" in error(failed).evalue
    shown = card(failed)[PLAIN]
    assert "Cause: limit-fraction" in shown and "gradient accumulation" in shown
    assert card(cell(notebook, "diagnose()"))[PLAIN] == shown


def test_the_cheapest_remedies_let_it_pass_under_the_same_cap(notebook):
    assert "With gradient accumulation, 2 micro-batches" in result(cell(notebook, "var plan"))[PLAIN]
    assert error(cell(notebook, "run(plan.workload())")) is None


def test_every_remedy_saves_what_was_predicted(notebook):
    rows = comparison(cell(notebook, "compare(step,"))
    assert len(rows) == 7
    assert_predicted(rows)


def test_what_keeps_the_result_keeps_the_loss(notebook):
    rows = comparison(cell(notebook, "compare(step,"))
    for title, row in rows.items():
        if title.startswith(("gradient", "chunked")):
            assert row.loss == pytest.approx(rows["as it is"].loss, rel=0.03), title


def test_the_setups_are_derived(notebook):
    lines = [line for line in result(cell(notebook, "setups(step)"))[PLAIN].splitlines() if "batch up to" in line]
    assert lines
    assert [size(line) for line in lines] == sorted(size(line) for line in lines)
    assert "<table" in result(cell(notebook, "setups(step)"))[HTML]


def test_nothing_else_is_red(notebook):
    assert_clean(notebook)


def test_the_committed_notebook_ran_at_full_size(notebook):
    full = committed("20")
    assert "9.07 GiB" in cell(full, "long batch").source
    assert comparison(cell(full, "compare(step,"))["as it is"].measured > 11 * 2**30
def test_what_keeps_the_result_has_the_same_loss(notebook):
    losses = [row.loss for row in comparison(cell(notebook, "compare(step.batch(")).values()]
    assert len(losses) == 3 and losses == [pytest.approx(losses[0], abs=2e-3)] * 3


def test_one_line_makes_a_training_of_ones_own_smaller(notebook):
    whole, sliced = (
        size(re.search(r"\(\+(.*?)\)", result(c)[PLAIN])[1])
        for c in notebook.cells
        if c.cell_type == "code" and c.source.startswith("watch(")
    )
    assert sliced < whole / 3


