"""Case 5, run for real at a sixth of its layers and half of its width: the failure, and each remedy predicted beside measured."""
import pytest

from outputs import PLAIN, assert_clean, assert_predicted, card, cell, committed, comparison, error, result


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("50", layers=4, width=512, cap='"850 MiB"')


def test_the_step_fails_and_explains_itself(notebook):
    failed = cell(notebook, "run(step)")
    assert "can't allocate memory" in error(failed).evalue
    assert "gradient checkpointing" in card(failed)[PLAIN]


def test_the_cheapest_remedies_let_it_pass_under_the_same_cap(notebook):
    assert "With" in result(cell(notebook, "var plan"))[PLAIN]
    assert error(cell(notebook, "run(plan.workload())")) is None


def test_every_remedy_saves_what_was_predicted(notebook):
    rows = comparison(cell(notebook, "compare("))
    assert len(rows) == 8
    assert_predicted(rows)


def test_what_keeps_the_result_keeps_the_loss(notebook):
    rows = comparison(cell(notebook, "compare("))
    for title in ("half precision", "LoRA, rank 8"):
        assert rows[title].loss == pytest.approx(rows["as it is"].loss, rel=0.02), title


def test_lora_trains_far_below_full_fine_tuning_at_full_size():
    rows = comparison(cell(committed("50"), "compare("))
    short, adapted = rows["shorter sequences, seq 256"], rows["shorter sequences, seq 256 + LoRA, rank 8"]
    assert adapted.measured < short.measured / 2
    assert rows["as it is"].measured > 7 * 2**30
    assert all(abs(row.error) < 0.05 for row in rows.values())


def test_nothing_else_is_red(notebook):
    assert_clean(notebook)
