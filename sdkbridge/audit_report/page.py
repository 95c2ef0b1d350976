"""
The page as a whole.
"""

from collections import Counter

from identity.drawing.text import day, shortened
from identity.squished import Audit, Cause, SquishedPerson
from identity.squished.words import HEADINGS, counted
from sdkbridge.audit_report.advice import MEANINGS, STEPS
from sdkbridge.audit_report.markup import Markup, element, joined, table
from sdkbridge.audit_report.people import person_card
from sdkbridge.audit_report.style import STYLE
from sdkbridge.export_audit import ExportTally

DRAWN_PEOPLE = 25
LISTED_PEOPLE = 500
SHOWN_PLACEHOLDERS = 20

_HEAD = Markup(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    f"<title>Several people who count as one</title><style>{STYLE}</style></head><body>"
)


def report_page(found: Audit, tally: ExportTally | None = None) -> str:
    """
    Return an audit as an HTML page.

    The worst people are drawn, some more listed; all are in the audit's JSON.

    Args:
        found: the squished people.
        tally: what was read, if it was an export.

    Raises:
        ImportError: networkx, for the drawings, is not installed.
    """
    drawn, listed = found.squished[:DRAWN_PEOPLE], found.squished[DRAWN_PEOPLE:]
    parts = [_summary(found, tally), _tiles(found)]
    if found.squished:
        parts += [_causes(found), _steps(), element("h2", "The worst first"), *map(person_card, drawn)]
    if listed:
        parts.append(_listed(listed))
    if tally is not None and tally.placeholders:
        parts.append(_placeholders(tally))
    parts.append(_method())
    return joined(_HEAD, element("main", *parts), Markup("</body></html>\n"))


def _summary(found: Audit, tally: ExportTally | None) -> Markup:
    if found.squished:
        title = (
            f"{counted(len(found.squished), 'person', 'people')} in your figures should be {_should_be(found):,}"
        )
        lead = (
            f"Of {counted(found.people, 'person', 'people')} with more than one identity, "
            f"{len(found.squished):,} are several people whom aliases made one. "
            f"{counted(len(found.blamed), 'link is', 'links are')} to blame: without them, nobody would have two "
            "accounts or two people's e-mail addresses."
        )
    elif tally is not None and tally.nothing_read:
        title = "Not one line was read"
        lead = "So nothing can be said about the people."
    else:
        title = "Nobody is squished"
        lead = f"None of {counted(found.people, 'person', 'people')} with more than one identity contradicts."
    return joined(
        element("h1", title), element("p", lead, class_="lead"), element("p", _source(tally), class_="muted")
    )


def _should_be(found: Audit) -> int:
    return sum(person.people for person in found.squished)


def _source(tally: ExportTally | None) -> str:
    if tally is None:
        return "From the links that the identity graph has accepted."
    said = (
        f"From {counted(tally.lines, 'line', 'lines')} of an export, {counted(tally.aliases, 'alias', 'aliases')}"
    )
    if tally.first is not None and tally.last is not None:
        said += f", {day(tally.first * 1000)} to {day(tally.last * 1000)}"
    refused = sum(tally.refused.values())
    return f"{said}. {refused:,} could not be read." if refused else f"{said}."


def _tiles(found: Audit) -> Markup:
    records = sum(person.records for person in found.squished)
    tiles = [
        (found.people, "people with several identities"),
        (len(found.squished), "of them are squished"),
        (_should_be(found), "people are in those"),
        (len(found.blamed), "links to drop"),
        (records, "records under wrong people"),
    ]
    shown = [
        element("div", element("b", f"{count:,}"), element("span", what), class_="tile") for count, what in tiles
    ]
    return element("div", *shown, class_="tiles")


def _causes(found: Audit) -> Markup:
    links = Counter(one.cause for one in found.blamed)
    people = Counter(cause for person in found.squished for cause in person.causes)
    most = max(links.values(), default=1)
    rows = [
        [
            element(
                "div",
                element("b", HEADINGS[cause]),
                element("span", "", class_="bar", style=f"width:{_share(count, most)}%"),
                class_="cause",
            ),
            f"{people[cause]:,}",
            f"{count:,}",
            joined(MEANINGS[cause][0], " ", element("b", MEANINGS[cause][1])),
        ]
        for cause, count in sorted(links.items(), key=lambda item: (-people[item[0]], _place(item[0])))
    ]
    headings = ["cause", "squished people", "links", "what happened, and what ends it"]
    return joined(
        element("h2", "Why it happened"),
        element("div", table(headings, rows, numbers=frozenset({1, 2})), class_="card"),
    )


def _place(cause: Cause) -> int:
    return list(Cause).index(cause)


def _share(count: int, most: int) -> int:
    return max(2, round(100 * count / most))


def _steps() -> Markup:
    steps = [element("li", element("b", title), " ", what) for title, what in STEPS]
    commands = [
        element("p", element("code", "sdkbridge audit EXPORT --json > links.json")),
        element("p", element("code", "sdkbridge repair EXPORT --drop links.json --out cleaned")),
    ]
    return joined(element("h2", "What to do"), element("div", element("ol", *steps), *commands, class_="card"))


def _listed(people: tuple[SquishedPerson, ...]) -> Markup:
    rows = [
        [
            element("span", person.severity.value, class_=f"pill {person.severity.value}"),
            shortened(person.name, 60),
            f"{person.people:,}",
            person.explanation,
        ]
        for person in people[:LISTED_PEOPLE]
    ]
    more = len(people) - len(rows)
    after = element("p", f"{more:,} more are in the JSON of the audit.", class_="muted") if more else ""
    listed = table(["", "who", "people", "why"], rows, numbers=frozenset({2}))
    return joined(element("h2", "The others"), element("div", listed, after, class_="card"))


def _placeholders(tally: ExportTally) -> Markup:
    rows = [
        [shortened(identity, 60), f"{records:,}"]
        for identity, records in tally.placeholders.most_common(SHOWN_PLACEHOLDERS)
    ]
    return joined(
        element("h2", "Records of nobody"),
        element(
            "div",
            element(
                "p",
                "These records were made under a text that stands for nobody. Whose they are cannot be told any "
                "more; what can be done is to end it.",
            ),
            table(["identity", "records"], rows, numbers=frozenset({1})),
            class_="card",
        ),
    )


def _method() -> Markup:
    return joined(
        element("h2", "How this was found"),
        element(
            "p",
            "Each identity was taken for an account, an e-mail address, a device or a placeholder by its looks. "
            "A person has one account of a form, and one history of addresses. Where aliases join more than "
            "that, the smallest set of links was sought that parts them; of several such sets, the one whose "
            "links hold worst: changes of address and pairs of accounts before devices, and the latest first. "
            "All links of placeholders and of texts that everybody shares go. Two people who never gave an "
            "account or an address cannot be told apart.",
            class_="muted",
        ),
    )
