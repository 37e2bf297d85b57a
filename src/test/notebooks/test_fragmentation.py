"""Notebook 70, run for real: the trace fails by fragmentation, some settings save it, and malloc does the same."""
import re

import pytest

from outputs import HTML, PLAIN, WIDGET, assert_clean, cell, committed, result, size

MIB = 2**20


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("70", large='"200 MiB"')


def rows(found):
    """The lines of a table by their first column."""
    lines = result(found)[PLAIN].splitlines()[2:]
    return {name: rest for name, rest in (re.split(r"\s{2,}|(?<=0\.95) ", line, maxsplit=1) for line in lines if re.search(r"\d [KMG]?i?B", line) and "  " in line)}


def test_the_trace_fails_as_the_message_says(notebook):
    text = result(cell(notebook, "whatIf("))[PLAIN]
    free, holes = (size(part) for part in re.search(r"with (.*?) free and (.*?) in holes", text).groups())
    assert free == pytest.approx(3.84 * 2**30, rel=0.05)
    assert holes == pytest.approx(3.56 * 2**30, rel=0.05)
    assert "fragmentation" in text
    assert result(cell(notebook, 'replay(fifthEpoch, ""'))[PLAIN].startswith("(default): out of memory at event 246 (4.15 GiB)")


def test_what_would_have_saved_it(notebook):
    table = rows(cell(notebook, "whatIf("))
    assert table["expandable_segments:True"].startswith("survives")
    assert table["max_split_size_mb:64"].startswith("survives")
    assert table["as it was (default settings)"].startswith("dies")
    assert table["empty cache after each of 4 phases"].startswith("dies")
    assert list(table).index("expandable_segments:True") < list(table).index("as it was (default settings)")


def test_the_cause_removed_needs_no_setting(notebook):
    text = result(cell(notebook, "replay(trace("))[PLAIN]
    assert "survives" in text
    assert size(re.search(r"reserved (.*?),", text).group(1)) < size("44.18 GiB") / 2


def maps(found):
    """The maps of a cell as text, without the key below each."""
    return [part.split("\n  # allocated")[0] for part in result(found)[PLAIN].split("\n\n")]


def test_the_maps_are_drawn(notebook):
    before, after = maps(cell(notebook, 'sideBySide(addressMap(fifthEpoch, "", card, 120)'))
    assert "[#.]" not in before and after.count("[#.]") > 30
    drawn = result(cell(notebook, 'sideBySide(addressMap(fifthEpoch, "", card, 120)'))[HTML]
    assert drawn.count('title="free 9') > 30, "a bar's hole of 90 MiB and more"
    failed, served = maps(cell(notebook, 'sideBySide(addressMap(fifthEpoch, "", card, 246)'))
    assert "asked in vain for 4.15 GiB" in failed and "asked in vain" not in served
    assert "1 segment," in served and "[#.]" not in served
    assert WIDGET in result(cell(notebook, "addressSlider("))


def test_malloc_keeps_what_small_blocks_pin(notebook):
    story = next(c for c in notebook.cells if c.source.startswith("replayOnMalloc") and "LARGE" in c.source)
    table = {name: [size(part) for part in re.findall(r"[\d.]+ [KMG]?i?B", rest)] for name, rest in rows(story).items()}
    peak, left = table["as malloc comes"][:2]
    mapped_peak, mapped_left = table["MALLOC_MMAP_THRESHOLD_=65536"][:2]
    assert peak - mapped_peak == pytest.approx(200 * MIB, rel=0.1)
    assert left > 400 * MIB and mapped_left < 20 * MIB


def test_arenas_keep_more_than_one_arena(notebook):
    story = next(c for c in notebook.cells if c.source.startswith("replayOnMalloc") and "on 4" in c.source)
    table = rows(story)
    assert size(table["as malloc comes"]) > 1.5 * size(table["MALLOC_ARENA_MAX=1"])


def test_nothing_is_red_and_the_committed_one_ran(notebook):
    assert_clean(notebook)
    committed("70")
