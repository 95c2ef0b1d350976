"""
What strategies of aliases would make of recorded calls, before one of them is used for ever.

    from identity.simulate import compare, population

    calls = population(people=1000, seed=7)
    comparison = compare(calls, truth=calls.truth)
    print(comparison["guarded"].people)
"""

from identity.simulate.calls import Call, read_call
from identity.simulate.causes import Cause
from identity.simulate.comparison import Comparison
from identity.simulate.differences import Difference
from identity.simulate.households.population import Population, population
from identity.simulate.households.rates import Rates
from identity.simulate.simulation import ALL, Simulation, compare
from identity.simulate.strategies import (
    GUARDED,
    IOS,
    NEVER,
    SEGMENT_SERVER,
    Strategy,
    by_policy,
    from_function,
    guarded,
    limited,
    strategy_named,
)
from identity.simulate.sweeping import Cell, Question, Sweep, sweep
from identity.simulate.truth import Truth
from identity.simulate.world import Counted

__all__ = [
    "ALL",
    "GUARDED",
    "IOS",
    "NEVER",
    "SEGMENT_SERVER",
    "Call",
    "Cause",
    "Cell",
    "Comparison",
    "Counted",
    "Difference",
    "Population",
    "Question",
    "Rates",
    "Simulation",
    "Strategy",
    "Sweep",
    "Truth",
    "by_policy",
    "compare",
    "from_function",
    "guarded",
    "limited",
    "population",
    "read_call",
    "strategy_named",
    "sweep",
]
