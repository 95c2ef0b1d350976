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
# # Which limit is right for you?
#
# Many products guard their merges with a number: a person may have so many names, and no more. This notebook asks
# what that number should be. It makes up people who share tablets, tries each limit on the same calls, and counts
# who is squished and who is split.

# %%
from identity.simulate import Question, sweep
from identity.simulate.charts import picture, sweep_chart

question = Question(
    limits=(1, 2, 3, 5, 10),
    values=(0.0, 0.2, 0.5),
    rate="shared_tablets",
    people=400,
    seed=7,
    # People who change their address often, so that a low limit has its price.
    rates={"email_changes": 0.1, "forgets_reset": 0.6},
)
swept = sweep(question)
picture(sweep_chart(swept))

# %% [markdown]
# On the right is a policy that looks at nothing but the limit. With one name a person nobody is squished, but
# everybody who changes their address is split. With two already, people who share a tablet become one: a tablet
# needs only two people.
#
# On the left is our policy with the same limits. It asks what kind of link it is: a second name on somebody's
# anonymous identity is held, a change of address that somebody asked for is not. So the limit has little left to
# do, and five is enough for those who move their address often. It splits a few more than a high limit alone
# would: whoever takes a new address without anybody saying so looks like somebody else on the same device. Such a
# link is held, and can still be approved; an alias too many can never be taken back.

# %%
cells = {(cell.policy, cell.limit, cell.value): cell for cell in swept.cells}
for limit in question.limits:
    for policy in question.policies:
        cell = cells[policy, limit, 0.5]
        print(
            f"{policy:<8} {limit:>2} names: {cell.avoidable_people:>3} squished, {cell.split:>4} split"
        )

# %%
assert all(cell.avoidable_people == 0 for cell in swept.cells if cell.policy == "guarded")
assert cells["limit", 2, 0.5].avoidable_people > 0
assert cells["guarded", 5, 0.5].split < cells["guarded", 1, 0.5].split

# %% [markdown]
# To ask this of people like yours, set the rates as you know them (`Rates.described()` lists them), and keep the
# results in a file, so that a long sweep can be interrupted: `sweep(question, results="sweep.ndjson")`. The
# cells are a table, too:

# %%
swept.to_polars().pivot(on=["policy", "value"], index="limit", values="avoidable_people")
