"""
One squished person on the page.
"""

from identity.draw import draw_squished
from identity.drawing.text import day, shortened
from identity.squished import BlamedLink, Part, SquishedPerson
from identity.squished.words import HEADINGS, counted, heading
from sdkbridge.audit_report.advice import MEANINGS
from sdkbridge.audit_report.markup import Markup, element, joined, table

SHOWN_LINKS = 5
SHOWN_PARTS = 6
MOST_LINKS = 200
SHOWN_NAMES = 5


def person_card(person: SquishedPerson) -> Markup:
    """
    Return a person's card: what happened, the drawing, the links to blame, and whom that leaves.
    """
    title = element(
        "div",
        element("h3", heading(person)),
        element("span", person.severity.value, class_=f"pill {person.severity.value}"),
        class_="title",
    )
    parts = [title, element("p", person.explanation)]
    if person.blamed:
        parts += [
            element("figure", Markup(draw_squished(person).svg), tabindex=0),
            _links(person),
            _parts(person),
            *(element("p", element("b", "What to do. "), MEANINGS[cause][1]) for cause in person.causes[:2]),
        ]
    return element("section", *parts, class_="card")


def _links(person: SquishedPerson) -> Markup:
    said = f"{counted(len(person.blamed), 'link', 'links')} to blame"
    if not person.exact:
        said += " (perhaps not the fewest: there are too many to try all)"
    shown, more = person.blamed[:SHOWN_LINKS], person.blamed[SHOWN_LINKS:MOST_LINKS]
    parts = [element("p", element("b", said)), _link_table(shown)]
    if more:
        left_out = len(person.blamed) - SHOWN_LINKS - len(more)
        last = element("p", f"{left_out:,} more are in the JSON of the audit.", class_="muted") if left_out else ""
        summary = element("summary", f"{len(person.blamed) - SHOWN_LINKS:,} more")
        parts.append(element("details", summary, _link_table(more), last))
    return joined(*parts)


def _link_table(blamed: tuple[BlamedLink, ...]) -> Markup:
    rows = [
        [
            joined(shortened(one.link.older, 60), " \N{EN DASH} ", shortened(one.link.newer, 60)),
            element("span", day(one.link.at_ms), class_="day"),
            f"{one.link.count:,}",
            joined(
                element("b", HEADINGS[one.cause]), Markup("<br>"), element("span", one.explanation, class_="muted")
            ),
        ]
        for one in blamed
    ]
    return table(["link", "first made", "times", "why"], rows, numbers=frozenset({2}))


def _parts(person: SquishedPerson) -> Markup:
    shown = person.parts[:SHOWN_PARTS]
    rows = [_part(part) for part in shown]
    more = len(person.parts) - len(shown)
    after = element("p", f"and {more:,} more", class_="muted") if more else ""
    return joined(
        element("p", element("b", "Without them there would be")),
        table(["who", "also known as", "records"], rows, numbers=frozenset({2})),
        after,
    )


def _part(part: Part) -> list[str]:
    others = part.identities[1:]
    names = [shortened(one.name, 44) for one in others[:SHOWN_NAMES]]
    more = f" and {len(others) - SHOWN_NAMES:,} more" if len(others) > SHOWN_NAMES else ""
    who = f"{shortened(part.name, 60)} (nobody)" if part.nobody else shortened(part.name, 60)
    return [who, ", ".join(names) + more, f"{part.records:,}"]
