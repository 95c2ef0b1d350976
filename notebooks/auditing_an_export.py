# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Auditing an export
#
# Kissmetrics tells nobody what an alias made. Are there people in this product who are several, which links are to
# blame, and what would it count without them? The export is a small one that was made up for this project; yours
# is read in the same way.

# %%
import tempfile
from pathlib import Path

from identity.database import Database
from identity.draw import draw_squished
from sdkbridge.export_audit import audit_export
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.repair import repair

export = Path("../fixtures/exports/squished")
audited = audit_export([export])
found = audited.found
print(f"{audited.tally.lines} lines, {audited.tally.aliases} aliases among them")
print(f"{found.identities} identities make {found.people} people")

# %% [markdown]
# ## Who is several
#
# Nobody has two account ids, or two histories of e-mail addresses. Whoever has is several people, the worst first:

# %%
for person in found.squished:
    print(f"{person.severity}: {person.name}")
    print(f"   {person.explanation}")

# %% [markdown]
# ## Which links are to blame
#
# A tablet that three customers share, drawn. Each frame is one person without the links that are crossed out.

# %%
tablet = next(person for person in found.squished if person.name == "bob@example.com")
draw_squished(tablet)

# %% [markdown]
# The fewest links are dropped without which nothing contradicts, and each has its reason:

# %%
for blamed in tablet.blamed:
    print(blamed.explanation)

# %% [markdown]
# An identity that nobody is, such as the checkout server that sent its own name along with each order, loses all
# its links:

# %%
draw_squished(found.squished[0])

# %% [markdown]
# ## What cannot be mended
#
# Where people were identified by one shared value, their records carry the same identity, and whose they are
# cannot be told any more:

# %%
for placeholder, records in audited.tally.placeholders.items():
    print(f"{records} records under {placeholder!r}")

# %% [markdown]
# ## What Kissmetrics would count
#
# An alias cannot be taken back, so the old product stays as it is. But a new one can take the same history without
# the links to blame. Here are both, on this machine:

# %%
drop = frozenset(
    frozenset((blamed.link.older, blamed.link.newer))
    for person in found.squished
    for blamed in person.blamed
)
folder = tempfile.TemporaryDirectory()
repaired = repair([export], drop, Path(folder.name) / "cleaned", lines_per_file=10_000)
print(f"{repaired.kept} lines kept, {sum(repaired.dropped.values())} aliases dropped")


def product(*files: Path) -> LocalKissmetrics:
    """
    Import files into a Kissmetrics of our own.
    """
    kissmetrics = LocalKissmetrics(Database(":memory:"))
    for file in files:
        with file.open("rb") as lines:
            kissmetrics.import_lines(lines, api_key="notebook-key")
    return kissmetrics


before = product(*sorted(export.glob("revisions/*.json")))
after = product(*sorted(Path(folder.name).glob("cleaned/*.json")))
print(len(before.people()), "people before,", len(after.people()), "after")

# %%
for name in ("bob@example.com", "cleo@example.com", "dora@example.com"):
    (person,) = after.search(name)
    print(", ".join(person.identities))

# %%
assert [len(part.identities) for part in tablet.parts] == [
    len(after.search(name)[0].identities) for name in (part.name for part in tablet.parts)
]
assert len(after.people()) > len(before.people())
folder.cleanup()
