"""The bridge from the treatment model to the work-up: what hangs on the diagnosis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.network.structure import GENOTYPE
from mesenbayes.network.variable import NOT_OBSERVED
from mesenbayes.workup.outlook import Outlook, look
from mesenbayes.workup.plan import WorkUp, available_tests
from mesenbayes.workup.steps import read_steps, steps_for
from mesenbayes.workup.table import read_test_table
from mesenbayes.workup.value import PlanProblem

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis
    from mesenbayes.treatment import TreatmentBelief, TreatmentModel

_ON_A_SLIDE = ("specimen", "histology", "immunohistochemistry", "molecular")
_POSSIBLE = 1e-4
"""Tumours less probable than this are taken to favour no option: they do not move the plan."""


def plan_problem(
    model: TreatmentModel, belief: TreatmentBelief, outlook: Outlook
) -> PlanProblem | None:
    """Return the utility of every option in every class of an outlook.

    Utilities by class do not depend on how probable the classes are, only on the findings, so
    they are asked once with all possible classes alike; options open that any of them opens.
    Parameters stay at their stated values.
    """
    from mesenbayes.treatment import Preferences, TreatmentBelief
    from mesenbayes.treatment.case import prepare
    from mesenbayes.treatment.evaluate import case_options, utilities

    possible = [code for code, p in belief.tumour.items() if p >= _POSSIBLE]
    genotypes = list(belief.genotype) if "GIST" in possible else []
    shares = {code: float(len(genotypes) or 1) if code == "GIST" else 1.0 for code in possible}
    total = sum(shares.values())
    alike = TreatmentBelief(
        tumour={code: shares.get(code, 0.0) / total for code in belief.tumour},
        genotype={g: 1 / len(genotypes) for g in genotypes},
        findings=belief.findings,
    )
    case = prepare(model.folder, alike)
    options = case_options(case)
    if not options.names:
        return None
    table = utilities(case, options, Preferences.of("qaly")).mean(axis=2)
    column = {(k.tumour, k.genotype): i for i, k in enumerate(case.classes)}
    tumours = outlook.of_class(outlook.target)
    kinds = outlook.of_class(GENOTYPE) if GENOTYPE in outlook.core else [""] * len(tumours)
    utility = np.empty((len(options.names), len(tumours)))
    for k, (tumour, genotype) in enumerate(zip(tumours, kinds, strict=True)):
        found = column.get((tumour, genotype), column.get((tumour, "")))
        utility[:, k] = table[:, found] if found is not None else table.mean()
    order = model.among_equals(belief, options.names)
    names = tuple(options.names[d] for d in order)
    return PlanProblem(
        names,
        tuple(options.labels[name] for name in names),
        utility[order],
        Preferences.of("qaly").unit,
        float(model.folder.parameters.get("indifference")[0]),
    )


def plan_workup(diagnosis: Diagnosis, tests_file: Path | None = None) -> WorkUp:
    """Return the work-up of an answered case.

    Parameters
    ----------
    tests_file
        A user's own table of tests and costs; that of the network if not given.

    Raises
    ------
    CaseError
        If the network has no table of tests.
    EvidenceError
        With every broken cell of the table.
    """
    network, encoded = diagnosis.network, diagnosis.encoded
    structure = network.structure
    folder = None if structure is None else structure.treatment_folder.parent / "workup"
    if folder is None or not folder.is_dir():
        raise CaseError(f"the network {network.name} has no table of tests")
    table = read_test_table(network, folder, tests_file)
    known = {f.variable: f.state or "" for f in diagnosis.case.findings}
    names = network.variable(diagnosis.target).states
    probability = dict(zip(names, (float(p) for p in diagnosis.probabilities), strict=True))
    offered = {v for t in table.tests for v in t.reveals if t.needs.holds(known, probability)}
    open_findings = [
        v.name
        for i, v in enumerate(network.variables)
        if v.name in offered and encoded.codes[i] == NOT_OBSERVED and v.name not in known
    ]
    outlook = look(network, network.compiled, encoded, diagnosis.target, open_findings)
    model = network.treatment
    problem = None if model is None else plan_problem(model, diagnosis.belief, outlook)
    return WorkUp(
        outlook,
        table,
        problem,
        steps_for(read_steps(folder), known, probability),
        available_tests(table, outlook, known, probability),
        any(network.variable(name).group in _ON_A_SLIDE for name in known),
        frozenset(t.group for t in table.tests if t.group and known.keys() & set(t.reveals)),
    )
