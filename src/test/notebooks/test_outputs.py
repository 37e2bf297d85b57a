"""What the notebooks' tests hold rows against, on rows that are wrong: each must be noticed."""
import pytest

from outputs import PLAIN, assert_predicted, comparison

RIGHT = """\
  as it is                    predicted   100.00 MiB  measured   102.00 MiB  -2.0 %  loss 2.70
  half precision              predicted    70.00 MiB  measured    71.00 MiB  -1.4 %  saved 30 %  loss 2.70
  gradient checkpointing      predicted    40.00 MiB  measured    41.00 MiB  -2.4 %  saved 60 %  loss 2.70"""


def rows(text):
    class Cell:
        outputs = [type("Output", (), {"output_type": "execute_result", "data": {PLAIN: text}})]

    return comparison(Cell)


def test_rows_within_ten_percent_pass():
    assert_predicted(rows(RIGHT))


@pytest.mark.parametrize(
    "right, wrong, says",
    [
        ("measured   102.00 MiB", "measured   112.00 MiB", "as it is"),
        ("measured    41.00 MiB", "measured    46.00 MiB", "gradient checkpointing: -13"),
        ("predicted    70.00 MiB", "predicted    74.00 MiB", "half precision: saved"),
        ("measured    71.00 MiB", "measured   103.00 MiB", "half precision: -32"),
        ("measured    71.00 MiB", "out of memory", "half precision did not run"),
    ],
)
def test_a_wrong_number_fails(right, wrong, says):
    wrong_rows = rows(RIGHT.replace(right, wrong if "MiB" in wrong else "measured   " + wrong))
    with pytest.raises(AssertionError, match=says.replace("+", r"\+")):
        assert_predicted(wrong_rows)


def test_a_row_that_saves_nothing_fails():
    text = RIGHT.replace("predicted    70.00 MiB  measured    71.00 MiB", "predicted   101.00 MiB  measured   103.00 MiB")
    with pytest.raises(AssertionError, match="half precision saved nothing"):
        assert_predicted(rows(text))
