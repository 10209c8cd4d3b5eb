"""What can be asked of `./run bench`, and what it prints."""

import pytest

from benchmarks.__main__ import PARTS, parsed
from benchmarks.sizes import FULL, MEDIUM, QUICK
from benchmarks.table import Row, at_least, at_most, number, percentile


def test_without_words_everything_is_measured_in_full():
    assert parsed([]) == (list(PARTS), FULL)


def test_quick_and_medium_measure_less_of_it():
    assert parsed(["--quick"]) == (list(PARTS), QUICK)
    assert parsed(["growth", "--medium"]) == (["growth"], MEDIUM)
    assert QUICK.levels < MEDIUM.levels < FULL.levels


def test_parts_run_in_their_own_order():
    assert parsed(["recovery", "webhook"])[0] == ["webhook", "recovery"]


@pytest.mark.parametrize(
    ("words", "error"),
    [(["webhok"], "there is no part webhok; there are webhook, door"), (["--quick", "--medium"], "")],
)
def test_what_there_is_not_is_a_clear_error(words, error, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(words)
    assert ended.value.code == 2
    assert error in capsys.readouterr().err


def test_help_names_every_part(capsys):
    with pytest.raises(SystemExit):
        parsed(["--help"])
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in PARTS)


def test_a_row_says_whether_its_target_is_met():
    assert str(at_most("p99", 12.345, 25, "ms")) == "| p99 | 12.3 ms | ≤ 25 ms | ok |"
    assert str(at_least("ratio", 0.5, 0.9, "×")) == "| ratio | 0.5 × | ≥ 0.9 × | **missed** |"
    assert str(Row("memory", "80 MB")) == "| memory | 80 MB |  |  |"


def test_numbers_have_three_digits_that_count():
    assert [number(value) for value in (0.1234, 1.0, 12.34, 12345.6)] == ["0.12", "1", "12.3", "12,346"]
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(100), 0.99) == 99
