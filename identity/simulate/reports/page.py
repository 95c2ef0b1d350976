"""
One page of a report: a single file without any network, light or dark, wide or narrow.
"""

from collections.abc import Iterable
from html import escape

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #22262c; --soft: #5f6875; --line: #e2e0db;
  --bad: #b3392f; --bad-soft: #fbe9e6; --good: #1e7a4f; --good-soft: #e3f3ea; --accent: #2c6fbb; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15181c; --card: #1d2127; --ink: #e6e8eb; --soft: #9aa4b2; --line: #323841;
  --bad: #f0877c; --bad-soft: #3a2220; --good: #6cc79a; --good-soft: #1b3327; --accent: #7fb2ec; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 3rem 0 .4rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0 1rem; max-width: 46rem; }
.soft, caption, figcaption { color: var(--soft); }
.cards { display: grid; gap: 1rem; margin: 1.5rem 0;
  grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.1rem; }
.card .number { font-size: 2rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.groups { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); }
.groups section { min-width: 0; } .groups p { margin: .6rem 0 .2rem; }
.card ul { list-style: none; margin: .6rem 0 0; padding: 0; font-size: .92rem; }
.card li { padding: .1rem 0; }
.bad { color: var(--bad); } .good { color: var(--good); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
table { border-collapse: collapse; width: 100%; font-size: .94rem; }
th, td { padding: .45rem .9rem; text-align: right; font-variant-numeric: tabular-nums; vertical-align: top; }
th:first-child, td:first-child, .left th, .left td { text-align: left; }
thead th { border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody th { font-weight: 400; } tbody .section th { font-weight: 650; padding-top: 1rem; }
tbody .part th { padding-left: 2rem; color: var(--soft); } tbody .part td { color: var(--soft); }
td.bad { background: var(--bad-soft); font-weight: 600; color: var(--bad) !important; }
td.good { background: var(--good-soft); color: var(--good) !important; }
th small { display: block; font-weight: 400; color: var(--soft); max-width: 30rem; }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1rem 1.1rem; min-width: 0; }
figure svg { display: block; max-width: 100%; height: auto; margin: .6rem auto 0; }
figcaption { font-size: .92rem; } figcaption b { color: var(--ink); display: block; }
details { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; margin: .6rem 0; }
summary { cursor: pointer; padding: .75rem 1.1rem; } details > div { padding: 0 1.1rem 1rem; }
summary .soft { font-size: .92rem; }
.chip { display: inline-block; border: 1px solid var(--line); border-radius: 1rem; padding: 0 .55rem;
  margin: .1rem .15rem .1rem 0; overflow-wrap: anywhere;
  font: .82rem/1.6 ui-monospace, Menlo, Consolas, monospace; }
.chips { border-left: 3px solid var(--line); padding-left: .6rem; margin: .25rem 0; }
.chips.many { border-color: var(--accent); }
code { font: .86em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(9rem, auto) 1fr; gap: .35rem 1.2rem; max-width: 52rem; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; }
  th, td { padding: .4rem .6rem; } th small { display: none; }
  tbody th[scope=row]:not([colspan]), thead th:first-child { position: sticky; left: 0; background: var(--card); }
  tbody th[scope=row]:not([colspan]) { min-width: 9.5rem; } tbody .part th { padding-left: 1.2rem; } }
@media print { details { break-inside: avoid; } body { background: none; } }
"""


def page(title: str, *parts: str) -> str:
    """
    Return a whole page.

    Args:
        title: plain text.
        parts: HTML.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def heading(text: str, below: str = "") -> str:
    """
    Return a heading of a part, with a sentence below it; both plain text.
    """
    return f"<h2>{escape(text)}</h2>" + (f"<p class=soft>{escape(below)}</p>" if below else "")


def figure(title: str, below: str, svg: str) -> str:
    """
    Return a chart with its title and a sentence, both plain text.
    """
    return f"<figure><figcaption><b>{escape(title)}</b>{escape(below)}</figcaption>{svg}</figure>"


def table(head: Iterable[str], rows: Iterable[str], *, left: bool = False) -> str:
    """
    Return a table that scrolls sideways where there is no room; the head is HTML, the rows are ``<tr>``.
    """
    cells = "".join(f"<th scope=col>{cell}</th>" for cell in head)
    kind = " class=left" if left else ""
    body = "".join(rows)
    inside = f"<table{kind}><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
    # What scrolls must be within reach of the keyboard.
    return f"<div class=scroll tabindex=0>{inside}</div>"


def described(terms: Iterable[tuple[str, str]]) -> str:
    """
    Return words and what they mean, both plain text.
    """
    return "<dl>" + "".join(f"<dt>{escape(word)}</dt><dd>{escape(text)}</dd>" for word, text in terms) + "</dl>"


def people(count: int) -> str:
    """
    Return a number of people in words.
    """
    return f"{count:,} {'person' if count == 1 else 'people'}"


def good_or_bad(count: int, what: str) -> str:
    """
    Return a number of what should not be, good if it is zero; ``what`` is HTML.
    """
    return f"<span class={'bad' if count else 'good'}>{count:,} {what}</span>"
