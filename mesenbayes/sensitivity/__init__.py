"""Sensitivity and uncertainty: what an answer hangs on, from a table entry to the treatment.

>>> import mesenbayes as mb
>>> answer = mb.load_network("gi-mesenchymal").sensitivity(case)      # doctest: +SKIP
>>> answer.tornado().to_frame()                                       # doctest: +SKIP
>>> answer.flips().sentence                                           # doctest: +SKIP
"""

from mesenbayes.sensitivity.analysis import Sensitivity, for_cases
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.flip import what_would_flip
from mesenbayes.sensitivity.function import one_way, sensitivity_function
from mesenbayes.sensitivity.morris import morris
from mesenbayes.sensitivity.outcomes import outcome_indices, salib_problem
from mesenbayes.sensitivity.probabilistic import probabilistic, probabilistic_diagnosis
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.robust import robust
from mesenbayes.sensitivity.sobol import factors, sobol
from mesenbayes.sensitivity.structural import side_by_side
from mesenbayes.sensitivity.tied import per_source, tied_function
from mesenbayes.sensitivity.tornado import tornado, tornado_of_gain
from mesenbayes.sensitivity.tune import tune
from mesenbayes.sensitivity.two_way import many_way, two_way
from mesenbayes.sensitivity.value_of_research import (
    evpi,
    evppi,
    evsi,
    group,
    joined,
    marker_groups,
)

__all__ = [
    "Choice",
    "Problem",
    "Sensitivity",
    "evpi",
    "evppi",
    "evsi",
    "factors",
    "for_cases",
    "group",
    "joined",
    "many_way",
    "marker_groups",
    "morris",
    "one_way",
    "outcome_indices",
    "per_source",
    "probabilistic",
    "probabilistic_diagnosis",
    "robust",
    "salib_problem",
    "sensitivity_function",
    "side_by_side",
    "sobol",
    "tied_function",
    "tornado",
    "tornado_of_gain",
    "tune",
    "two_way",
    "what_would_flip",
]
