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
# # Why shared devices squish, and what the guard does
#
# A shop has one tablet. Bob signs in on it, buys, and leaves; then Cleo signs in, and then Dan. Nobody resets it
# in between. Each identify carries two identities: the tablet's anonymous one, and a name. What is to be done
# with the two?

# %%
from identity import IdentityGraph
from identity.draw import draw
from identity.simulate import Truth, compare, population
from identity.simulate.charts import comparison_chart, identities_chart, picture


def visit(name: str) -> list[dict[str, str]]:
    """
    Somebody signs in on the tablet and buys something.
    """
    both = {"anonymousId": "tablet", "userId": f"{name}@example.com"}
    return [
        {"type": "identify", **both},
        {"type": "track", "event": "Order Completed", **both},
    ]


calls = [*visit("bob"), *visit("cleo"), *visit("dan")]
truth = Truth.of(
    {"person": name, "identities": [f"{name}@example.com"]}
    for name in ("bob", "cleo", "dan")
)

# %% [markdown]
# ## Four strategies
#
# Segment's server sends an alias each time. An alias is for ever, and what is joined with the tablet is joined
# with everybody who ever is: three customers are one. Kissmetrics' own SDK for iOS sends one for the first of
# them only, and so does our graph.

# %%
comparison = compare(calls, truth=truth)
comparison

# %%
assert comparison["segment-server"].people == 1
assert comparison["guarded"].people == 3

# %% [markdown]
# Which calls did it?

# %%
for cause in comparison.differences[0].causes:
    strategies = ", ".join(cause.joined_by)
    print(
        f"call {cause.number}: {cause.older} = {cause.newer} under {strategies}; {cause.remark}"
    )

# %% [markdown]
# ## What the guard does
#
# The graph gives the tablet to Bob, who was the first. It holds the link to Cleo for a human: she may be Bob with
# another address. With the third name it is plain that people share the tablet, and nothing more is asked. Events
# keep flowing under each one's own name meanwhile.

# %%
graph = IdentityGraph()
for name in ("bob", "cleo", "dan"):
    print(graph.link("tablet", f"{name}@example.com", kind="first_identify"))

# %%
draw(graph.person("bob@example.com"))

# %% [markdown]
# ## In a whole town
#
# A thousand made-up people, of whom we know who they are. Many households have a tablet, and it is often left
# signed in. The first bars are people who could have been told apart, and were not: they each have an identity
# that nobody else ever used, and yet are one person for ever.

# %%
town = population(1000, seed=11, rates={"shared_tablets": 0.4, "forgets_reset": 0.5})
counted = compare(town, truth=town.truth)
picture(comparison_chart(counted))

# %%
assert counted["guarded"].scores.avoidable_people == 0
assert counted["segment-server"].scores.avoidable_people > 50

# %% [markdown]
# The other bars stay. Where two people use one session, one of them without ever saying who they are, nobody can
# tell them apart. Squished people can be seen from far: they have more identities than anybody truly has.

# %%
picture(identities_chart(counted))

# %%
graph.close()
