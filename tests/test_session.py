"""
The session of one device, after the tests of Kissmetrics' iOS and Android SDKs.
"""

from sdkbridge.sessions.session import Change, Once
from sdkbridge.sessions.transitions import begin, describe, identify, record_once, reset, set_distinct

ANONYMOUS = begin("iphone", "U")


def test_a_new_session_is_anonymous() -> None:
    """
    testArchiveFirstIdentity: the generated identity is kept, and nobody is named.
    """
    assert ANONYMOUS.is_anonymous
    assert ANONYMOUS.identity == "U"
    assert ANONYMOUS.user_id is None


def test_the_first_identify_is_the_one_that_aliases() -> None:
    """
    TestArchiveIdentityCreatesAliasQueryWhenLastIdentityWasGeneric.
    """
    after, change = identify(ANONYMOUS, "A")

    assert (change, after.identity, after.anonymous_id) == (Change.FIRST, "A", "U")


def test_named_to_named_does_not_alias() -> None:
    """
    TestArchiveIdentityDoesNotCreateAliasQueryWhenLastIdentityWasNotGeneric.
    """
    named, _ = identify(ANONYMOUS, "A")
    after, change = identify(named, "B")

    assert (change, after.identity) == (Change.SWITCH, "B")


def test_nil_and_empty_are_ignored() -> None:
    """
    testArchiveIdentityIgnoresNilIdentity, …EmptyIdentity; named or not.
    """
    named, _ = identify(ANONYMOUS, "A")
    for before in (ANONYMOUS, named):
        for nobody in (None, ""):
            assert identify(before, nobody) == (before, Change.NONE)


def test_the_current_identity_again_changes_nothing() -> None:
    """
    TestIdentiyCannotBeResetToCurrentValue (Android): equality of texts, not of pointers.
    """
    named, _ = identify(ANONYMOUS, "A")
    marked, _ = record_once(named, "Seen", Once.PER_IDENTITY)

    assert identify(marked, "A") == (marked, Change.AGAIN)


def test_the_sessions_own_anonymous_id_names_nobody() -> None:
    """
    An app that passes the generated id back is still anonymous.
    """
    assert identify(ANONYMOUS, "U") == (ANONYMOUS, Change.NONE)


def test_once_per_identity_survives_the_first_identify_and_ends_with_a_switch_or_a_reset() -> None:
    """
    testArchiveEventOncePerId; testArchiveIdentityClearsSavedIdEventsWhenLastIdentityWasNotGeneric.
    """
    marked, first = record_once(ANONYMOUS, "Seen", Once.PER_IDENTITY)
    named, _ = identify(marked, "A")
    switched, _ = identify(named, "B")

    assert first
    assert record_once(named, "Seen", Once.PER_IDENTITY) == (named, False)
    assert record_once(switched, "Seen", Once.PER_IDENTITY)[1]
    assert record_once(reset(named, "V"), "Seen", Once.PER_IDENTITY)[1]


def test_once_per_install_is_never_forgotten() -> None:
    """
    testArchiveEventOncePerInstall: neither another person nor a reset brings the event back.
    """
    marked, first = record_once(ANONYMOUS, "Installed", Once.PER_INSTALL)
    later, _ = identify(identify(reset(marked, "V"), "A")[0], "B")

    assert first
    assert record_once(later, "Installed", Once.PER_INSTALL) == (later, False)


def test_distinct_values_are_compared_with_the_last_one_sent() -> None:
    """
    testArchiveDistinctPropertyValue…: a new value is sent, an old one is not, toggling sends each time.
    """
    session, changes = ANONYMOUS, []
    for text in ("1", "1", "2", "1"):
        session, changed = set_distinct(session, {"Build": text})
        changes.append(changed)

    assert changes == [{"Build"}, frozenset(), {"Build"}, {"Build"}]


def test_distinct_values_are_forgotten_with_the_person_but_not_with_the_first_name() -> None:
    """
    TestArchiveIdentityClearsSavedPropertiesWhenLastIdentityWasNotGeneric.
    """
    told, _ = set_distinct(ANONYMOUS, {"Build": "1"})
    named, _ = identify(told, "A")

    assert set_distinct(named, {"Build": "1"})[1] == frozenset()
    assert set_distinct(identify(named, "B")[0], {"Build": "1"})[1] == {"Build"}
    assert set_distinct(reset(named, "V"), {"Build": "1"})[1] == {"Build"}


def test_reset_begins_anew_even_when_anonymous() -> None:
    """
    ClearIdentity on a phone makes a new identity each time, unlike a browser's.
    """
    named, _ = identify(ANONYMOUS, "A")
    for before in (ANONYMOUS, named):
        after = reset(describe(before, {"plan": "pro"}), "V")
        assert (after.identity, after.anonymous_id, after.traits) == ("V", "V", {})
        assert identify(after, "B")[1] is Change.FIRST


def test_traits_add_up_and_are_cleared_for_another_person() -> None:
    """
    Traits of one person never show up as another's.
    """
    session = describe(describe(ANONYMOUS, {"a": 1, "b": 1}), {"b": 2})
    named, _ = identify(session, "A")

    assert named.traits == {"a": 1, "b": 2}
    assert identify(named, "B")[0].traits == {}
