"""Case 4, run for real on smaller samples: watched, failing with an alarm before it, mended, and a batch that shrinks until it fits."""
import re

import pytest

from outputs import PLAIN, Row, assert_clean, assert_predicted, card, cell, committed, comparison, error, printed, result


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("40", sample='"8 MiB"', cap='"1.6 GiB"', length=128)


def test_the_monitor_prints_the_authors_lines(notebook):
    lines = printed(cell(notebook, "train(training(40, sample).epochs(3)")).splitlines()
    assert re.fullmatch(r"Step 10: CPU: [\d.]+MB", lines[0])
    assert "Memory cleanup completed" in lines


def test_the_alarm_comes_before_the_failure(notebook):
    failed = cell(notebook, "guard.run(")
    told = printed(failed)
    assert told.index("Memory is nearly used up") < told.index("Memory summary")
    assert "can't allocate memory" in error(failed).evalue
    shown = card(failed)[PLAIN]
    assert "Cause: accumulation-leak" in shown and "intermediates dropped early" in shown


def test_the_monitor_names_who_grows(notebook):
    assert "float32" in result(cell(notebook, "guard.leaks()"))[PLAIN]


def test_emptying_the_cache_gives_back_nothing_that_is_held(notebook):
    kept, emptied, dropped, both = map(Row, result(cell(notebook, "compare(training"))[PLAIN].splitlines())
    assert kept.measured == pytest.approx(kept.predicted, rel=0.10)
    for row in (dropped, both):
        assert row.predicted == pytest.approx(row.measured, rel=0.10, abs=24 * 2**20), row.title
    assert emptied.measured == pytest.approx(kept.measured, rel=0.05)
    assert kept.predicted - dropped.predicted == pytest.approx(kept.measured - dropped.measured, rel=0.10)
    assert kept.loss == emptied.loss == dropped.loss == both.loss


def test_the_batch_shrinks_to_one_that_fits_after_one_failure(notebook):
    shrunk = cell(notebook, "shrinking.run(")
    assert len(re.findall("does not fit", printed(shrunk))) == 1
    assert "above the idle process" in result(shrunk)[PLAIN]


def test_every_remedy_saves_what_was_predicted(notebook):
    rows = comparison(cell(notebook, "compare(denoiser"))
    assert_predicted(rows)


def test_nothing_else_is_red(notebook):
    assert_clean(notebook)


def test_the_committed_notebook_ran_at_its_stated_scale():
    assert comparison(cell(committed("40"), "compare(denoiser"))["as it is"].measured > 4 * 2**30
