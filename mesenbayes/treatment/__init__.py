"""The posterior drives the choice: risk, outcomes, decision, guidelines, follow-up.

>>> from mesenbayes.treatment import TreatmentBelief, load_treatment_model
>>> model = load_treatment_model("networks/mesenchymal/treatment")
>>> belief = TreatmentBelief(
...     {"GIST": 0.9, "SCHW": 0.1},
...     {"KIT_ex11": 0.8, "PDGFRA_D842V": 0.2},
...     {"site": "stomach", "size_cm": 7.0, "mitoses_per_5mm2": 12},
... )
>>> model.decide(belief).recommended
'resection_imatinib_3y'
"""

from mesenbayes.treatment.assumptions import Assumption
from mesenbayes.treatment.belief import TreatmentBelief
from mesenbayes.treatment.costs import CostEffectiveness, CostTable
from mesenbayes.treatment.decision import ClassGain, Decision, Option
from mesenbayes.treatment.diagram import InfluenceDiagram, influence_diagram
from mesenbayes.treatment.follow_up import FollowUp, Visit
from mesenbayes.treatment.guidelines import Alert, Disagreement, GuidelinePoint, Guidelines
from mesenbayes.treatment.markov import Cohort, CohortSettings, run_cohort
from mesenbayes.treatment.model import TreatmentModel, load_treatment_model
from mesenbayes.treatment.occupancy import Occupancy
from mesenbayes.treatment.preferences import Preferences
from mesenbayes.treatment.risk import RiskCell, RiskResult
from mesenbayes.treatment.waiting import Waiting

__all__ = [
    "Alert",
    "Assumption",
    "ClassGain",
    "Cohort",
    "CohortSettings",
    "CostEffectiveness",
    "CostTable",
    "Decision",
    "Disagreement",
    "FollowUp",
    "GuidelinePoint",
    "Guidelines",
    "InfluenceDiagram",
    "Occupancy",
    "Option",
    "Preferences",
    "RiskCell",
    "RiskResult",
    "TreatmentBelief",
    "TreatmentModel",
    "Visit",
    "Waiting",
    "influence_diagram",
    "load_treatment_model",
    "run_cohort",
]
