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
# # The life of one phone
#
# A phone is nobody's until somebody says who they are. This notebook follows one phone from its first start to a
# person with four names, and draws the identity graph on the way. Everything in it is real: the bridge writes to a
# file, sends over HTTP, and a Kissmetrics of our own, on this machine, counts the people.

# %%
import json
import tempfile
from pathlib import Path

from identity.database import Database
from identity.draw import draw
from sdkbridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer

kissmetrics = KissmetricsServer(LocalKissmetrics(Database(":memory:"))).start()
folder = tempfile.TemporaryDirectory()
bridge = Bridge(
    Path(folder.name) / "bridge.db", api_key="notebook-key", url=kissmetrics.url
)


def people() -> None:
    """
    Deliver what waits, and print whom Kissmetrics counts.
    """
    bridge.flush()
    for person in kissmetrics.kissmetrics.people():
        print(", ".join(person.identities))
        print("   ", json.dumps(person.event_counts))


# %% [markdown]
# ## Anonymous
#
# The app is opened. The session has an identity that was made up for it, and Kissmetrics counts one person.

# %%
phone = bridge.device("iphone")
phone.track("Application Installed", {"version": "4.2"}, once="install")
phone.screen("Welcome")
people()

# %% [markdown]
# ## The first name
#
# Ann signs up. This is the one moment at which the phone's anonymous identity is joined with a name: **one alias,
# and never another**. The receipt says what was decided, and why.

# %%
receipt = phone.identify("ann@old.example", {"name": "Ann", "plan": "free"})
for verdict in receipt.verdicts:
    print(verdict)
phone.track("Signed Up")
people()

# %% [markdown]
# Saying it again changes nothing: the graph knows.

# %%
for verdict in phone.identify("ann@old.example").verdicts:
    print(verdict)

# %% [markdown]
# ## A new e-mail address
#
# The server learns of it and asks to join the two. Nothing is inferred here: two named identities are only ever
# joined when somebody asks.

# %%
for verdict in bridge.alias("ann@old.example", "ann@new.example").verdicts:
    print(verdict)
phone.identify("ann@new.example")
people()

# %% [markdown]
# ## A second phone
#
# It begins as a stranger, and becomes Ann's with its first name.

# %%
second = bridge.device("pixel")
second.track("Application Installed", {"version": "4.2"}, once="install")
second.identify("ann@new.example")
second.track("Order Completed", {"revenue": 39.95})
people()

# %% [markdown]
# ## Somebody else on the same phone
#
# A colleague signs in on Ann's second phone, through a part of the app that sends Segment messages with both ids
# and never resets. An alias here would squish two customers for ever. The graph holds the link for a human; the
# colleague's events go under the colleague's own name meanwhile.

# %%
held = bridge.identify("bob@example.com", {"name": "Bob"}, anonymous_id=second.anonymous_id)
for verdict in held.verdicts:
    print(verdict)
people()

# %% [markdown]
# ## The graph
#
# Each identity stands under the one that it was linked with. The solid links were accepted, and each of them sent
# one alias; the dashed one waits.

# %%
draw(bridge.graph.person("ann@new.example"))

# %%
counts = bridge.status()
print(counts.graph)
print(counts.outbox)
assert counts.graph.people == 2, "Ann is one person, Bob another"
assert counts.graph.links["merge"] == 3, "two first identifies and one change of address"

# %%
bridge.close()
kissmetrics.stop()
folder.cleanup()
