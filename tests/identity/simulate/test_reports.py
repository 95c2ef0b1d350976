"""
Reports and charts: one file that needs nothing else, in which nobody's identity is markup.
"""

import re
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from identity.simulate import Comparison, Question, compare, population, sweep
from identity.simulate.charts import MISSING, comparison_chart, identities_chart, svg_of
from identity.simulate.reports import report, sweep_report

HOSTILE = '<script>alert("x")</script>&'


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    people = population(80, seed=5, days=20, rates={"shared_tablets": 0.8, "placeholder_release": 0.3})
    return compare(people, truth=people.truth)


class Outline(HTMLParser):
    """
    What a browser would make of a page: its elements, what they load, and whether each one is closed.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.loads: list[str] = []
        self._open: list[str] = []
        self.unclosed: list[str] = []
        self.feed(text)
        self.close()
        self.unclosed += self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.loads += [value for name, value in attributes if name in {"src", "href", "xlink:href", "action"}]
        if tag not in {"meta", "br", "path"}:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append(tag)

    def handle_endtag(self, tag):
        if tag == "path":
            return
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.unclosed.append(tag)


def test_a_report_is_one_file_that_loads_nothing(comparison):
    """
    No script, no style sheet, no picture and no address of anywhere; and it is well formed.
    """
    text = report(comparison)
    outline = Outline(text)

    assert outline.unclosed == []
    assert outline.loads == []
    assert "script" not in outline.elements
    assert outline.elements.count("svg") == 4
    assert set(re.findall(r"https?://[^\s\"'<)]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "prefers-color-scheme: dark" in text


def test_a_report_says_what_an_analyst_and_a_manager_ask_for(comparison):
    """
    Each strategy's people, the conclusion, the funnel, what differs, and the calls that caused it.
    """
    text = report(comparison)
    cause = comparison.differences[0].causes[0]

    for counted in comparison.strategies:
        assert f"{counted.people:,}" in text
    assert "<b>guarded</b> does least harm" in text
    assert "squishes nobody who could be told apart" in text
    assert "Order Completed" in text
    assert cause.message_id in text
    assert "hold second_identity" in text


def test_a_report_has_the_retention_of_each_strategy(comparison):
    """
    A table a strategy: people by their first week, and which part of them came back in each week after it.
    """
    text = report(comparison)

    for counted in (*comparison.strategies, comparison.truth):
        (table,) = re.findall(f"<details><summary><b>{counted.strategy}</b>(.*?)</details>", text, re.DOTALL)
        rows = [re.findall(r">([^<>]+)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)][1:]

        assert rows == [
            [
                datetime.fromtimestamp(cohort.week_ms / 1000, UTC).date().isoformat(),
                f"{cohort.people:,}",
                *(f"{active / cohort.people:.1%}" for active in cohort.active[1:]),
            ]
            for cohort in counted.retention.cohorts
        ]


def test_identities_are_no_markup():
    """
    Anybody can choose an identity, an event or a message id.
    """
    calls = [
        {"type": "track", "anonymousId": HOSTILE, "event": HOSTILE, "messageId": "1"},
        {"type": "identify", "anonymousId": HOSTILE, "userId": "A" + HOSTILE, "messageId": HOSTILE},
        {"type": "identify", "anonymousId": HOSTILE, "userId": "B" + HOSTILE, "messageId": "2"},
    ]
    text = report(compare(calls, funnel=(HOSTILE,)))

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert Outline(text).unclosed == []


def test_without_a_truth_a_report_says_so():
    """
    It shows how far apart the strategies are instead.
    """
    text = report(compare(population(30, seed=5, days=10)))

    assert "Who they truly are is not known here" in text
    assert "squished people" not in text


def test_without_the_extra_there_are_no_charts_and_a_hint(comparison, monkeypatch):
    """
    A report needs no library but ours; a chart says which one it needs.
    """
    monkeypatch.setitem(sys.modules, "altair", None)

    assert "sdkbridge[charts]" in report(comparison)
    assert "<svg" not in report(comparison)
    with pytest.raises(ImportError, match=re.escape(MISSING)):
        comparison_chart(comparison)


def test_a_chart_takes_the_colour_of_the_text_around_it(comparison):
    """
    So the same picture is read in light and in dark.
    """
    picture = svg_of(identities_chart(comparison))

    assert picture.startswith("<svg")
    assert "currentColor" in picture


def test_a_sweep_is_a_page_too():
    """
    With its chart and a table for each policy.
    """
    outline = Outline(sweep_report(sweep(Question(limits=(1, 2), values=(0.0, 0.5), people=20, days=5))))

    assert outline.unclosed == outline.loads == []
    assert (outline.elements.count("svg"), outline.elements.count("table")) == (1, 2)
