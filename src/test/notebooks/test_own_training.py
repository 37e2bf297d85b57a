"""A training of the user's own runs out of memory: the card reads the block, the batch and the optimizer, and its advice fits."""
import re

import pytest

from outputs import PLAIN, assert_clean, card, cell, committed, error, result

GIB, MIB = 1 << 30, 1 << 20


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("05")


def amount(text, pattern):
    number, unit = re.search(pattern + r"([\d.]+) (GiB|MiB)", text).groups()
    return float(number) * {"GiB": GIB, "MiB": MIB}[unit]


def test_the_card_predicts_for_the_step_that_failed(notebook):
    failed = cell(notebook, "EasyTrain.fit")
    assert error(failed), "it did not run out of memory"
    told = card(failed)[PLAIN]
    assert "block SequentialBlock on (512, 3, 64, 64) batch=512 optimizer=adam" in told
    first = re.search(r"  1\. (.*)", told).group(1)
    micro = re.fullmatch(r"gradient accumulation, (\d+) micro-batches · saves [\d.]+ GiB, the budget: .* then it fits · .*", first)
    assert micro and int(micro[1]) in (8, 16), first
    assert "gradient checkpointing, because by the budget this step would need no less with it" in told


def test_what_it_says_fits_and_was_predicted(notebook):
    done = cell(notebook, "watch(")
    assert not error(done)
    rise = amount(result(done)[PLAIN], r"peak [\d.]+ \w+ \(\+")
    estimate = result(cell(notebook, "estimate("))[PLAIN]
    held = amount(estimate, r"weights +") + amount(estimate, r"input and target +")
    assert rise <= amount(estimate, r"upper bound +")
    # The weights and the pictures were there before the stretch that was watched.
    assert rise == pytest.approx(amount(estimate, r"idle process +") - held, rel=0.1)


def test_the_largest_batch_is_smaller(notebook):
    batch = int(re.search(r"batch=(\d+)", result(cell(notebook, "largestBatch("))[PLAIN])[1])
    assert 1 < batch < 512


def test_nothing_else_is_red(notebook):
    assert_clean(notebook)


def test_the_committed_notebook_failed_and_then_fitted():
    shown = committed("05")
    assert error(cell(shown, "EasyTrain.fit")) and not error(cell(shown, "watch("))
