"""Case 1, run for real on models a quarter as large: three in a row until the third dies, then each released after its turn."""
import re

import pytest

from outputs import PLAIN, assert_clean, assert_predicted, card, cell, committed, comparison, error, result, size


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("10", weight='"150 MiB"', cap='"1040 MiB"')


def report(found):
    return dict(line.split(": ", 1) for line in result(found)[PLAIN].splitlines())


def test_the_third_model_dies_and_the_card_names_the_others(notebook):
    failed = cell(notebook, "var clock")
    assert "can't allocate memory" in "".join(error(failed).traceback) + error(failed).evalue
    shown = card(failed)[PLAIN]
    assert "the weights of age and cancer, still loaded beside clock" in shown
    assert "release(age);" in shown


def test_released_in_turn_they_run_under_the_same_cap(notebook):
    shown = report(cell(notebook, "var released"))
    assert not re.search("failed", "".join(shown.values()))
    assert size(shown["peak, measured"]) == pytest.approx(size(shown["peak, predicted with a release after each"]), rel=0.10)
    assert size(shown["peak, measured"]) < 1040 * 2**20


def test_kept_loaded_they_need_what_was_predicted(notebook):
    released, kept = report(cell(notebook, "var released")), report(cell(notebook, "var kept"))
    assert size(kept["peak, measured"]) == pytest.approx(size(released["peak, predicted with all kept loaded"]), rel=0.10)
    assert size(kept["peak, measured"]) - size(released["peak, measured"]) > 250 * 2**20


def test_the_predictions_are_the_same(notebook):
    assert float(result(cell(notebook, "((NDList) kept"))[PLAIN]) == 0


def test_shorter_inputs_save_what_was_predicted(notebook):
    rows = comparison(cell(notebook, "compare("))
    assert_predicted(rows)
    whole = rows.pop("as it is")
    assert all(row.measured < whole.measured / 2 for row in rows.values())


def test_nothing_else_is_red(notebook):
    assert_clean(notebook)


def test_the_committed_notebook_ran_at_its_stated_scale():
    shown = report(cell(committed("10"), "var kept"))
    assert size(shown["peak, measured"]) > 2.4 * 2**30
