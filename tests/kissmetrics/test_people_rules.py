"""
The switches are checked when they are set, and a file stays with those it was filled under.
"""

import attrs
import pytest

from identity.database import Database
from identity.errors import StoreError
from sdkbridge.kissmetrics.people import LocalKissmetrics, Rules
from sdkbridge.kissmetrics.rules import remembered

REQUEST = {"_k": "key", "_p": "ann", "_n": "Visited", "_d": "1", "_t": "1600000000"}


@pytest.mark.parametrize(
    "rule",
    [
        {"duplicate_rule": "newest"},
        {"label": "largest"},
        {"ignore_repeats_s": 0},
        {"history_limit": 0},
        {"longest_name": 0},
        {"longest_identity": -1},
        {"max_future_s": -1},
        {"milliseconds_from": 10**15},
        {"earliest_second": -1},
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule):
    """
    Words that are no choice and numbers out of range name the rule.
    """
    with pytest.raises(ValueError, match=next(iter(rule))):
        Rules(**rule)


@pytest.mark.parametrize("rule", [{"fold_identities": 1}, {"longest_name": "255"}, {"history_limit": 1.5}])
def test_a_rule_of_the_wrong_type_is_refused(rule):
    """
    A text is no number and a number no yes or no.
    """
    with pytest.raises(TypeError, match=next(iter(rule))):
        Rules(**rule)


@pytest.fixture
def opened(tmp_path):
    """
    Open the same file again and again.
    """

    def opened(**rules):
        return LocalKissmetrics(Database(tmp_path / "kissmetrics.db"), rules=Rules(**rules))

    return opened


@pytest.mark.parametrize(
    "rule",
    [
        {"duplicate_rule": "legacy"},
        {"ignore_repeats_s": 300},
        {"longest_name": 100},
        {"longest_identity": 100},
        {"longest_value": 512},
        {"earliest_second": 0},
        {"milliseconds_from": 10**10},
        {"max_future_s": 60},
        {"replace_in_identities": True},
        {"fold_identities": True},
    ],
)
def test_a_filled_file_keeps_its_rules(opened, rule):
    """
    A file that was filled opens only under the same rules about what is stored, and says which they are.
    """
    opened(**rule).receive("/e", REQUEST)
    ((name, value),) = rule.items()

    with pytest.raises(StoreError, match=f"{name}={value!r}"):
        opened()
    assert len(opened(**rule).people()) == 1


@pytest.mark.parametrize(
    "rule", [{"history_limit": 1000}, {"label": "smallest"}, {"usual_value": 100}, {"most_names": 1000}]
)
def test_rules_about_reading_may_change(opened, rule):
    """
    What only changes how a file is read or remarked upon may differ at each opening.
    """
    opened().receive("/e", REQUEST)

    assert len(opened(**rule).people()) == 1
    assert len(opened().people()) == 1


def test_an_empty_file_takes_new_rules(opened):
    """
    As long as nothing was received, a file can be opened under any rules.
    """
    opened(duplicate_rule="legacy")
    opened().receive("/e", REQUEST)

    assert len(opened().people()) == 1
    with pytest.raises(StoreError, match="current"):
        opened(duplicate_rule="legacy")


def test_the_rules_of_a_file_can_be_asked_for(tmp_path):
    """
    A file tells the rules it was made under, and one of something else has none.
    """
    rules = Rules(duplicate_rule="legacy", history_limit=7, fold_identities=True)
    LocalKissmetrics(Database(tmp_path / "kissmetrics.db"), rules=rules)

    assert remembered(Database(tmp_path / "kissmetrics.db")) == rules
    assert remembered(Database(tmp_path / "another.db")) is None


def test_every_rule_is_either_about_storing_or_about_reading():
    """
    A file remembers each rule, so that a new one cannot be forgotten.
    """
    database = Database()
    LocalKissmetrics(database)

    assert {name for (name,) in database.rows("SELECT rule FROM kissmetrics_rules")} == {
        field.name for field in attrs.fields(Rules)
    }
