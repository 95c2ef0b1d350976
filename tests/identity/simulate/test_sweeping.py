"""
Sweeps: each cell is what a comparison says, and what is done once is not done again.
"""

import pytest

from identity.simulate import Question, compare, guarded, population, sweep

QUESTION = Question(limits=(1, 3), values=(0.0, 0.8), people=60, seed=3, days=10, rates={"email_changes": 0.2})


def test_a_cell_is_what_a_comparison_says():
    """
    The same people under the same limit.
    """
    (cell,) = [
        cell for cell in sweep(QUESTION).cells if (cell.policy, cell.limit, cell.value) == ("guarded", 1, 0.8)
    ]
    people = population(60, seed=3, days=10, rates={"email_changes": 0.2, "shared_tablets": 0.8})
    counted = compare(people, [guarded(named=1)], truth=people.truth)["guarded"]

    assert (cell.counted, cell.aliases) == (counted.people, counted.aliases)
    assert (cell.split, cell.avoidable_people) == (counted.scores.split, counted.scores.avoidable_people)
    assert cell.wrong_events == counted.scores.wrong_events


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path):
    """
    Cells in the file are not made again, also after a crash in the middle of a line; the answer is the same.
    """
    results = tmp_path / "sweep.ndjson"
    whole = sweep(QUESTION, results=results)
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:3]) + lines[3][:40])
    done = []
    again = sweep(QUESTION, results=results, show=lambda cells, of, doing: done.append(cells))

    assert again == whole == sweep(QUESTION)
    assert done[0] == 3
    assert sum(line.endswith("}") for line in results.read_text().splitlines()) == QUESTION.cells
    untouched = results.read_text()
    assert sweep(QUESTION, results=results) == whole
    assert results.read_text() == untouched


def test_another_question_keeps_its_own_cells(tmp_path):
    """
    A file may hold the answers to several questions.
    """
    results = tmp_path / "sweep.ndjson"
    first = sweep(Question(limits=(1,), values=(0.0,), people=20, seed=1, days=5), results=results)
    second = sweep(Question(limits=(1,), values=(0.0,), people=20, seed=2, days=5), results=results)

    assert first != second
    assert len(results.read_text().splitlines()) == 4


def test_the_limit_alone_squishes_whom_the_guard_keeps_apart():
    """
    What the sweep is for: no limit is right for a policy that looks at nothing else.
    """
    swept = sweep(Question(limits=(1, 5), values=(0.9,), people=150, seed=3, days=15))
    found = {(cell.policy, cell.limit): cell.avoidable_people for cell in swept.cells}

    assert found["guarded", 1] == found["guarded", 5] == found["limit", 1] == 0
    assert found["limit", 5] > 0
    assert swept.to_pandas().shape[0] == swept.to_polars().shape[0] == 4


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"limits": ()}, "limits"),
        ({"limits": (0,)}, "limits"),
        ({"rate": "unknown"}, "unknown"),
        ({"values": (2.0,)}, "range"),
        ({"policies": ("none",)}, "none"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(wrong, named):
    """
    Before anything is made up.
    """
    with pytest.raises(ValueError, match=named):
        Question(**wrong)
