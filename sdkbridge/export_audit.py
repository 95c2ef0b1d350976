"""
An audit of a Kissmetrics export: the squished people in it, and the links to blame.

The export is read twice: once for its aliases, and once for what was recorded under the identities of the people
that the aliases squish.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from attrs import Factory, define, evolve, frozen

from identity.clock import Clock, system_clock
from identity.links import Link, LinkKind
from identity.squished import CROWD_OF, HUB_OF, Activity, Audit, Kind, audit, kind_of
from sdkbridge.kissmetrics.export_lines import ExportLine, InvalidExportLine
from sdkbridge.kissmetrics.exported import Placed, files_of, lines_of, lines_under

MOST_EXAMPLES = 20
LINES_BETWEEN_SIGNS = 10_000

Progress = Callable[[str], None]


@frozen(kw_only=True)
class Limits:
    """
    What is implausible.

    Attributes:
        hub_of: how many account ids, or e-mail addresses, an identity is linked with that is nobody's.
        crowd_of: how many identities a person has who is odd although nothing contradicts.
    """

    hub_of: int = HUB_OF
    crowd_of: int = CROWD_OF


@define
class ExportTally:
    """
    What was read.

    Attributes:
        lines: how many lines.
        aliases: how many of them are aliases.
        refused: how many say nothing, by reason.
        examples: the first of those.
        first: the time of the earliest record or alias, in seconds since 1970 UTC.
        last: the time of the latest.
        placeholders: what was recorded under identities that stand for nobody. Whose it is cannot be told any
            more.
    """

    lines: int = 0
    aliases: int = 0
    refused: Counter[str] = Factory(Counter)
    examples: list[Placed] = Factory(list)
    first: int | None = None
    last: int | None = None
    placeholders: Counter[str] = Factory(Counter)

    @property
    def nothing_read(self) -> bool:
        """
        Whether there was not one line that says something.
        """
        return self.lines == self.refused.total()

    def count(self, line: ExportLine) -> None:
        """
        Count a line that could be read.
        """
        if self.first is None or self.last is None:
            self.first = self.last = line.second
        elif line.second < self.first:
            self.first = line.second
        elif line.second > self.last:
            self.last = line.second

    def refuse(self, placed: Placed, why: InvalidExportLine) -> None:
        """
        Count a line that says nothing.
        """
        self.refused[why.reason] += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(placed)


@frozen(kw_only=True)
class ExportAudit:
    """
    What was found in an export.

    Attributes:
        found: the squished people.
        tally: what was read.
    """

    found: Audit
    tally: ExportTally

    @property
    def clean(self) -> bool:
        """
        Whether there is nothing to do about it.
        """
        return not self.found.squished and not self.tally.placeholders


def audit_export(
    paths: Sequence[Path],
    *,
    kind_of: Callable[[str], str] = kind_of,
    limits: Limits | None = None,
    clock: Clock = system_clock,
    progress: Progress = lambda _: None,
) -> ExportAudit:
    """
    Find the squished people of an export.

    Args:
        paths: files and folders.
        kind_of: tells the kind of an identity.
        limits: what is implausible.
        clock: the time in seconds since 1970 UTC, for aliases in CSV files without one.
        progress: is told how far the work is.

    Raises:
        UnreadableExport: a file is missing, or cannot be read.
    """
    limits = limits or Limits()
    files, now, tally = files_of(paths), int(clock()), ExportTally()

    def activity(identities: frozenset[str]) -> Mapping[str, Activity]:
        return recorded_under(identities, files, now=now, progress=progress)

    found = audit(
        _links(files, now, tally, kind_of, progress),
        activity=activity,
        kind_of=kind_of,
        hub_of=limits.hub_of,
        crowd_of=limits.crowd_of,
    )
    return ExportAudit(found=found, tally=tally)


def _links(
    files: Sequence[Path], now: int, tally: ExportTally, kind_of: Callable[[str], str], progress: Progress
) -> Iterator[Link]:
    told = lru_cache(100_000)(kind_of)
    for placed in lines_of(files, now=now):
        tally.lines += 1
        if tally.lines % LINES_BETWEEN_SIGNS == 0:
            progress(f"{tally.lines:,} lines read")
        line = placed.says
        if isinstance(line, InvalidExportLine):
            tally.refuse(placed, line)
            continue
        tally.count(line)
        if line.other is not None:
            tally.aliases += 1
            yield Link(older=line.identity, newer=line.other, kind=LinkKind.IMPORT, at_ms=line.second * 1000)
        elif told(line.identity) == Kind.PLACEHOLDER:
            tally.placeholders[line.identity] += 1
    progress("putting the people together")


def recorded_under(
    identities: frozenset[str], files: Sequence[Path], *, now: int, progress: Progress = lambda _: None
) -> dict[str, Activity]:
    """
    Count what was recorded under some identities, aliases left out.
    """
    found: dict[str, Activity] = {}
    if not identities:
        return found
    progress(f"looking at {len(identities):,} identities")
    for line in lines_under(identities, files, now=now):
        if line.other is None:
            at_ms = line.second * 1000
            before = found.get(line.identity, Activity(first_ms=at_ms, last_ms=at_ms))
            found[line.identity] = evolve(
                before,
                records=before.records + 1,
                first_ms=min(at_ms, before.first_ms or at_ms),
                last_ms=max(at_ms, before.last_ms or at_ms),
            )
    return found
