"""
Policies: presets, rules of one's own, and what they decide.
"""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import (
    PLACEHOLDERS,
    Database,
    Decision,
    Identifiers,
    IdentityGraph,
    MergePolicy,
    Outcome,
    Placeholders,
    Proposal,
)
from identity.ids import is_placeholder
from identity.rules import DAY_MS, only_warn


def staff(proposal: Proposal) -> Decision | None:
    if any(side.name.endswith("@shop.example") for side in proposal.sides):
        return Decision.hold("staff", "Our own people try things out.")
    return None


def graph_under(policy: MergePolicy) -> IdentityGraph:
    return IdentityGraph(policy=policy, clock=lambda: 1_700_000_000.0)


class TestOwnRules:
    """
    A user's rules, in a line.
    """

    def test_a_rule_is_asked_before_those_that_guess(self) -> None:
        """
        It decides about a first identify that would be merged, and never sees a placeholder.
        """
        graph = graph_under(MergePolicy.guarded().with_rules(staff))

        assert graph.link("X", "kim@shop.example", kind="first_identify").reason == "staff"
        assert graph.link("null", "kim@shop.example").reason == "placeholder"
        assert graph.link("Y", "ann@example.com", kind="first_identify").outcome is Outcome.MERGE

    def test_a_rule_can_merge_what_others_would_hold(self) -> None:
        """
        The first decision counts, whatever it is.
        """
        trusted = MergePolicy.guarded().with_rules(lambda _: Decision.merge("trusted", "All is well."))
        graph = graph_under(trusted)
        graph.link("X", "A", kind="first_identify")

        assert graph.link("X", "B", kind="first_identify").reason == "trusted"

    def test_a_rule_can_be_put_before_another(self) -> None:
        """
        Its place is named by the rule that follows.
        """
        policy = MergePolicy.guarded().with_rules(staff, before="too_many")

        assert policy.names[policy.names.index("staff") + 1] == "too_many"
        assert "staff" in repr(policy)

    def test_a_rule_that_is_not_there_is_named(self) -> None:
        """
        A misspelt rule is an error that lists the right ones.
        """
        for change in (lambda p: p.without("to_long"), lambda p: p.with_rules(staff, before="to_long")):
            with pytest.raises(ValueError, match="too_long"):
                change(MergePolicy.guarded())

    def test_a_rule_can_only_warn(self) -> None:
        """
        What would be held is merged, with the rule's reason as a warning.
        """
        graph = graph_under(MergePolicy.guarded().with_rules(only_warn(staff)))
        verdict = graph.link("X", "kim@shop.example", kind="first_identify")

        assert (verdict.outcome, verdict.warnings) == (Outcome.MERGE, ("staff",))

    def test_a_rule_can_be_left_out(self) -> None:
        """
        Without the rule about placeholders, guest is somebody; the policy says so to whoever asks it.
        """
        policy = MergePolicy.guarded().without("placeholder", "belongs_to_another")

        assert graph_under(policy).link("guest", "ann@example.com").outcome is Outcome.MERGE
        assert "guest" not in policy.placeholders


class TestPresets:
    """
    Guarded, permissive and strict, on the same links.
    """

    @pytest.mark.parametrize(
        ("policy", "outcomes"),
        [
            (MergePolicy.guarded(), ["merge", "hold", "merge", "refuse"]),
            (MergePolicy.permissive(), ["merge", "merge", "known", "refuse"]),
            (MergePolicy.strict(), ["merge", "hold", "hold", "refuse"]),
        ],
        ids=["guarded", "permissive", "strict"],
    )
    def test_what_each_makes_of_the_same_links(self, policy: MergePolicy, outcomes: list[str]) -> None:
        """
        A first identify; a second one; an asked-for change of name; a placeholder.
        """
        graph = graph_under(policy)
        verdicts = [
            graph.link("X", "A", kind="first_identify"),
            graph.link("X", "B", kind="first_identify"),
            graph.link("A", "B", kind="identity_change"),
            graph.link("A", "null"),
        ]

        assert [verdict.outcome for verdict in verdicts] == outcomes

    def test_history_on_both_sides_warns_or_holds(self) -> None:
        """
        A change onto an identity that has events of its own: a warning in guarded, held in strict.
        """
        verdicts = []
        for policy in (MergePolicy.guarded(), MergePolicy.strict(), MergePolicy.permissive()):
            graph = graph_under(policy)
            graph.seen("ann@old.example", "named")
            graph.seen("ann@new.example", "named")
            verdicts.append(graph.link("ann@old.example", "ann@new.example"))

        assert [(v.outcome, v.reason, v.warnings) for v in verdicts] == [
            ("merge", "identity_change", ("history_on_both_sides",)),
            ("hold", "history_on_both_sides", ()),
            ("merge", "identity_change", ()),
        ]


class TestNamesLately:
    """
    At most three named identities that joined within thirty days.
    """

    def test_the_fourth_name_in_a_month_is_held_and_not_a_month_later(self) -> None:
        """
        A change of address each day is no person; one in spring and one in autumn is.
        """
        graph = graph_under(MergePolicy.guarded())
        days = [0, 1, 2, 35]
        verdicts = [
            graph.link(f"a{n}@example.com", f"a{n + 1}@example.com", at_ms=day * DAY_MS)
            for n, day in enumerate(days[:3])
        ]
        later = graph.link("a2@example.com", "a3@example.com", at_ms=days[3] * DAY_MS)

        assert [(verdict.outcome, verdict.reason) for verdict in verdicts] == [
            ("merge", "identity_change"),
            ("merge", "identity_change"),
            ("hold", "too_many_named_lately"),
        ]
        assert later.outcome is Outcome.MERGE

    def test_old_people_who_are_joined_today_join_today(self) -> None:
        """
        It counts when a name joined the person, not how old it is.
        """
        graph = graph_under(MergePolicy.guarded())
        for n in range(6):
            graph.seen(f"a{n}@example.com", "named", at_ms=0)
        now = 900 * DAY_MS
        outcomes = [graph.link("a0@example.com", f"a{n}@example.com", at_ms=now).outcome for n in range(1, 5)]

        assert outcomes == ["merge", "merge", "merge", "hold"]

    def test_another_phone_is_no_name(self) -> None:
        """
        A person at the limit still gets their new phone.
        """
        graph = graph_under(MergePolicy.guarded())
        graph.link("a0@example.com", "a1@example.com")
        graph.link("a1@example.com", "a2@example.com")

        assert graph.link("phone", "a2@example.com", kind="first_identify").outcome is Outcome.MERGE


class TestIdentifiers:
    """
    Sorts of names: recognised or told, their priority, and those of which nobody has two.
    """

    @pytest.mark.parametrize(
        ("name", "sort"),
        [
            ("ann@example.com", "email"),
            ("+49 170 1234567", "phone"),
            ("4711", "account_id"),
            ("C-0815", "loyalty_card"),
            ("0049170", "account_id"),
        ],
    )
    def test_a_sort_is_recognised_by_its_looks(self, name: str, sort: str) -> None:
        """
        E-mail addresses, telephone numbers, a pattern of one's own; all else is an account id.
        """
        assert Identifiers(patterns={"loyalty_card": r"C-\d+"}).of(name) == sort

    def test_the_sort_that_comes_first_stands_for_the_person(self) -> None:
        """
        An account id leads, whenever it comes; the caller may order otherwise.
        """
        by_account, by_email = (
            graph_under(MergePolicy.guarded(identifiers=identifiers))
            for identifiers in (Identifiers(), Identifiers(priority=("email", "account_id")))
        )
        for graph in (by_account, by_email):
            graph.link("X", "ann@example.com", kind="first_identify")
            graph.link("ann@example.com", "4711")

        assert (by_account.resolve("X"), by_email.resolve("X")) == ("4711", "ann@example.com")

    def test_a_sort_that_the_caller_tells_counts(self) -> None:
        """
        What looks like an account id is a loyalty card if the caller says so, before or after it was merged.
        """
        graph = graph_under(MergePolicy.guarded())
        graph.link("0815", "ann@example.com", kind="identity_change")
        before = graph.resolve("0815")
        graph.seen("0815", "named", sort="loyalty_card")
        (told,) = [known.sort for known in graph.person("0815").identities if known.name == "0815"]

        assert (before, graph.resolve("0815"), told) == ("0815", "ann@example.com", "loyalty_card")

    def test_nobody_has_two_of_a_unique_sort(self) -> None:
        """
        Two account ids are two people, if the caller says that they are unique.
        """
        graph = graph_under(MergePolicy.guarded(identifiers=Identifiers(unique={"account_id"})))
        graph.link("X", "4711", kind="first_identify")
        graph.link("ann@example.com", "4711", kind="identity_change")

        assert graph.link("ann@example.com", "4712", kind="identity_change").reason == "second_account_id"
        assert graph.link("ann@example.com", "ann@new.example").outcome is Outcome.MERGE

    def test_a_bad_sort_or_pattern_is_an_error_at_once(self) -> None:
        """
        Nobody finds out at the first merge.
        """
        with pytest.raises(ValueError, match="Loyalty"):
            Identifiers(patterns={"Loyalty card": r"C-\d+"})
        with pytest.raises(Exception, match="unterminated"):
            Identifiers(patterns={"card": "("})


class TestPlaceholders:
    """
    What stands for nobody.
    """

    @pytest.mark.parametrize(
        "text",
        ["null", " NULL ", "'undefined'", "\u201cNone\u201d", "00000000-0000-0000-0000-000000000000",
         "{{user_id}}",
         "[object Object]", "\uff4e\uff55\uff4c\uff4c", "xxxx", "????", "(not set)", "{user.id}",
         "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"],
    )  # fmt: skip
    def test_case_quotes_and_space_do_not_hide_one(self, text: str) -> None:
        """
        Published values and shapes, however they are written.
        """
        assert is_placeholder(text)

    @pytest.mark.parametrize("text", ["1111", "ann", "A", "AAA", "nullable", "10", "none@example.com", "x" * 65])
    def test_what_could_be_somebody_is_not_one(self, text: str) -> None:
        """
        Account 1111 comes after 1110.
        """
        assert not is_placeholder(text)

    def test_the_callers_own_values_and_patterns_count(self) -> None:
        """
        A shared mailbox, test accounts; and a published value that is somebody here.
        """
        placeholders = PLACEHOLDERS.plus("info@shop.example", patterns=[r"test-\d+"]).without("guest")
        graph = graph_under(MergePolicy.guarded(placeholders=placeholders))
        reasons = [graph.link("X", name).reason for name in ("Info@shop.example", "TEST-7", "guest")]

        assert reasons == ["placeholder", "placeholder", "server_alias"]

    @given(st.text(max_size=8))
    def test_quoting_and_shouting_change_nothing(self, text: str) -> None:
        """
        A text is a placeholder if and only if it is one in quotes.
        """
        assert (f'"{text}"' in PLACEHOLDERS) == (text in PLACEHOLDERS)

    def test_none_at_all(self) -> None:
        """
        A caller may start from an empty list.
        """
        assert "null" not in Placeholders(values=(), patterns=())


def test_what_a_rule_sees_is_both_people(emptied: Callable[[], Database]) -> None:
    """
    A proposal holds the persons as they are, their counts, and the earlier verdict on the pair.
    """
    seen: list[Proposal] = []

    def look(proposal: Proposal) -> None:
        seen.append(proposal)

    graph = IdentityGraph(emptied(), policy=MergePolicy.guarded().with_rules(look))
    graph.seen("A", "named", records=3)
    graph.link("X", "A", kind="first_identify")
    graph.link("X", "B", kind="first_identify")
    graph.link("X", "B", kind="first_identify")
    first, _, third = seen

    assert (first.newer.records, first.newer.owner, first.older.person) == (3, "A", None)
    assert (third.older.identities, third.older.named, third.older.sorts) == (2, 1, "account_id")
    assert third.earlier is not None
    assert (third.earlier.outcome, third.both_named) == (Outcome.HOLD, True)
    assert json.dumps(third.earlier.to_dict())
