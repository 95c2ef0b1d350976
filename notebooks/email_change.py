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
# # An e-mail change, before and after
#
# Ann changes the e-mail address of her account. What becomes of her at Kissmetrics if nobody says that the two
# addresses are one person, and what if somebody does? The same calls go to two Kissmetrics of our own, on this
# machine, with one call of difference.

# %%
import contextlib

from identity.database import Database
from identity.draw import draw
from sdkbridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer

running = contextlib.ExitStack()


def world() -> tuple[Bridge, LocalKissmetrics]:
    """
    Start a Kissmetrics, and a bridge that sends to it.
    """
    kissmetrics = LocalKissmetrics(Database(":memory:"))
    server = running.enter_context(KissmetricsServer(kissmetrics))
    bridge = Bridge(":memory:", api_key="notebook-key", url=server.url)
    return running.enter_context(bridge), kissmetrics


def march(bridge: Bridge) -> None:
    """
    Ann installs the app, signs up and buys.
    """
    phone = bridge.device("phone")
    phone.track("Application Installed", once="install")
    phone.identify("ann@old.example", {"plan": "free"})
    phone.track("Signed Up")
    phone.track("Order Completed", {"revenue": 20})


def april(bridge: Bridge) -> None:
    """
    She signs in with her new address, upgrades, and buys again.
    """
    phone = bridge.device("phone")
    phone.identify("ann@new.example", {"plan": "pro"})
    phone.track("Order Completed", {"revenue": 39.95})


def show(kissmetrics: LocalKissmetrics) -> None:
    """
    Print whom Kissmetrics counts.
    """
    for number, person in enumerate(kissmetrics.people(), start=1):
        names = [name for name in person.identities if "@" in name]
        orders = person.event_counts.get("Order Completed", 0)
        plan = person.properties["plan"]
        print(f"person {number}: {' and '.join(names)}")
        print(f"          orders: {orders}; plan: first {plan.first}, last {plan.last}")


# %% [markdown]
# ## Without a word
#
# The phone says a second name without a log-out. That alone joins nobody, and must not: it could be somebody else
# on the same phone. The receipt carries the warning `user_switch_without_reset`.

# %%
silent, silent_kissmetrics = world()
march(silent)
april(silent)
silent.flush()
show(silent_kissmetrics)

# %% [markdown]
# Ann counts as two people: one who never comes back, and one who buys without ever having signed up. How many who
# bought came back to buy again? Two bought, and nobody did:

# %%
again = ["Order Completed", "Order Completed"]
print([step.people for step in silent_kissmetrics.funnel(again)])

# %% [markdown]
# ## With the alias
#
# The server knows of the change, since it made it. So it says so, once, where it saves the new address:

# %%
told, told_kissmetrics = world()
march(told)
for verdict in told.alias("ann@old.example", "ann@new.example").verdicts:
    print(verdict)
april(told)
told.flush()
show(told_kissmetrics)

# %%
print([step.people for step in told_kissmetrics.funnel(again)])

# %% [markdown]
# One customer, who signed up once, bought, and came back. Her plan was first `free` and is now `pro`: nothing is
# lost in a merge, and what came first is still first.
#
# This is the graph behind it: the phone's anonymous identity, and two names. Each link sent one alias.

# %%
draw(told.graph.person("ann@new.example"))

# %% [markdown]
# ## Too late is not too late
#
# Where the change was missed, the same call mends it. Kissmetrics joins two histories whenever the alias comes.

# %%
for verdict in silent.alias("ann@old.example", "ann@new.example").verdicts:
    print(verdict)
    print("warnings:", *verdict.warnings)
silent.flush()
show(silent_kissmetrics)

# %% [markdown]
# The verdict warns that both sides have a history of their own: so it looks after a change of address, and so it
# would look with two people. Only who asks can know, which is why nothing is joined unasked, and why an alias that
# nobody is sure of should not be sent.

# %%
assert [person.event_counts for person in silent_kissmetrics.people()] == [
    person.event_counts for person in told_kissmetrics.people()
]
assert [step.people for step in told_kissmetrics.funnel(again)] == [1, 1]
assert told.status().graph.links["merge"] == 2
running.close()
