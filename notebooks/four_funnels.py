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
# # A funnel under four strategies
#
# How many of those who install the app sign up, and how many of these buy? It depends on who is one person, and
# so on which aliases were sent. Here are the same calls of the same two thousand people, under four strategies
# and in truth.

# %%
from identity.simulate import compare, population
from identity.simulate.charts import funnel_chart, picture, retention_chart

steps = ("Application Installed", "Signed Up", "Order Completed")
people = population(2000, seed=7, rates={"shared_tablets": 0.3, "forgets_reset": 0.5})
comparison = compare(people, truth=people.truth, funnel=steps)
picture(funnel_chart(comparison))

# %% [markdown]
# Without aliases nobody who installs ever signs up: the first is done by an anonymous identity and the second
# under a name, and the two are never joined. All other strategies agree that about as many sign up as truly did.
# Installs are too many under each: a phone of somebody who never says who they are is a person of its own,
# however often the app is installed anew.

# %%
for counted in (*comparison.strategies, comparison.truth):
    print(f"{counted.strategy:<15}", *(f"{step.people:>6,}" for step in counted.funnel))

# %%
assert comparison["never"].funnel[1].people == 0

# %% [markdown]
# ## The funnel hides it
#
# By the funnel alone, Segment's rule looks as good as any. But under it somebody's purchases are somebody else's:

# %%
for counted in comparison.strategies:
    scores = counted.scores
    print(
        f"{counted.strategy:<15} {scores.wrong_events:>6,} events under the wrong person,"
        f" {scores.avoidable_people:>4,} people squished for no reason"
    )

# %%
assert (
    comparison["guarded"].scores.wrong_events
    < comparison["segment-server"].scores.wrong_events
)

# %% [markdown]
# ## Who comes back
#
# Split people look as if they left, so every strategy that joins too few shows a retention that is too low.

# %%
picture(retention_chart(comparison))
