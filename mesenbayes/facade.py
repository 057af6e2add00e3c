"""The one object from evidence to decision.

:class:`Network` is a Bayesian network that can be asked: it joins the layers below it
(inference, diagnosis, work-up, treatment, report) so that a notebook needs one name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.diagnosis.case import Case, as_case, read_cases
from mesenbayes.diagnosis.encode import encode
from mesenbayes.diagnosis.findings import Vocabulary
from mesenbayes.diagnosis.variants import read_variants
from mesenbayes.errors import (
    CaseError,
    NetworkError,
    UnknownFinding,
    UnknownState,
    UnknownTumour,
    nearest,
)
from mesenbayes.inference import CompiledNetwork, compile_network
from mesenbayes.network.build import NetworkBuilder, network_digest
from mesenbayes.network.folder import builder_of, find_network, network_names
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.structure import OTHER, TUMOUR, Structure
from mesenbayes.network.variable import NOT_OBSERVED, Variable
from mesenbayes.report.diagnosis import Diagnosis

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.cohort.estimator import NetworkClassifier
    from mesenbayes.cohort.frame import Errors
    from mesenbayes.cohort.mapping import ColumnMapping
    from mesenbayes.evidence.sources import Sources
    from mesenbayes.network.cell_evidence import CellEvidence
    from mesenbayes.network.coverage import Coverage
    from mesenbayes.sensitivity import Sensitivity
    from mesenbayes.sensitivity.joint_patterns import JointCheck
    from mesenbayes.sensitivity.leave_out import LeaveOut
    from mesenbayes.treatment import Decision, TreatmentModel


@dataclass(frozen=True, eq=False)
class Network(BayesianNetwork):
    """A Bayesian network with everything that can be asked of it.

    Parameters
    ----------
    builder
        What the network was built from; None for a network that came from elsewhere.
    """

    builder: NetworkBuilder | None = field(default=None, repr=False)

    @property
    def structure(self) -> Structure | None:
        """The structure file that the network was built from, if any."""
        return None if self.builder is None else self.builder.structure

    @cached_property
    def compiled(self) -> CompiledNetwork:
        """The network ready for inference; made at the first question."""
        return compile_network(self)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words by which a case may name variables and states."""
        variants = None if self.structure is None else read_variants(self.structure.variants_file)
        return Vocabulary(self.variables, variants)

    @cached_property
    def treatment(self) -> TreatmentModel | None:
        """The treatment model that belongs to the network, if it has one."""
        if self.structure is None or not self.structure.treatment_folder.is_dir():
            return None
        from mesenbayes.treatment import load_treatment_model

        return load_treatment_model(self.structure.treatment_folder)

    def require_treatment(self) -> TreatmentModel:
        """Return the treatment model.

        Raises
        ------
        CaseError
            If the network has none.
        """
        if self.treatment is None:
            raise CaseError(f"the network {self.name} has no treatment model")
        return self.treatment

    # ------------------------------------------------------------------ one case

    def diagnose(
        self,
        case: Case | Mapping[str, Any] | str | os.PathLike[str],
        *,
        ignore_unknown: bool = False,
        target: str = TUMOUR,
    ) -> Diagnosis:
        """Answer one case.

        Parameters
        ----------
        case
            A mapping of findings, a :class:`~mesenbayes.diagnosis.case.Case`, or the path of
            a case file.
        ignore_unknown
            Set aside findings that the network does not know, and list them.

        Raises
        ------
        CaseError
            With a sentence about the case: unknown finding or state, contradiction,
            impossible value, findings that cannot be true together.
        """
        if isinstance(case, str | os.PathLike):
            cases = read_cases(case)
            if len(cases) != 1:
                raise CaseError(f"{case}: holds {len(cases)} cases; diagnose them one at a time")
            case = cases[0]
        if target not in {v.name for v in self.variables}:
            raise UnknownFinding(target, nearest(target, [v.name for v in self.variables]))
        matched = self.vocabulary.match(as_case(case), ignore_unknown=ignore_unknown)
        diagnosis = Diagnosis(self, matched, encode(self, self.compiled, matched), target)
        _ = diagnosis.probabilities  # impossible findings are refused here and now
        return diagnosis

    def decide(self, case: Case | Mapping[str, Any] | str | os.PathLike[str]) -> Decision:
        """Rank the treatment options of one case by expected utility.

        Raises
        ------
        CaseError
            If the network has no treatment model, or the case cannot be read.
        """
        self.require_treatment()
        decision = self.diagnose(case).decision
        assert decision is not None
        return decision

    def sensitivity(
        self, case: Case | Mapping[str, Any] | str | os.PathLike[str]
    ) -> Sensitivity:
        """Return the sensitivity and uncertainty analyses of one case.

        Raises
        ------
        CaseError
            If the case cannot be read.
        """
        from mesenbayes.sensitivity import Sensitivity

        return Sensitivity(self.diagnose(case))

    # ------------------------------------------------------------------ many cases

    def codes(self, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return state indices, (cases, variables), of a frame of state names.

        Columns are variables (others are refused); missing entries are not observed.

        Raises
        ------
        UnknownFinding, UnknownState
            Naming the column, the state and the row.
        """
        codes = np.full((len(frame), len(self.variables)), NOT_OBSERVED, dtype=np.intp)
        position = {variable.name: i for i, variable in enumerate(self.variables)}
        for column in frame.columns:
            if column not in position:
                raise UnknownFinding(str(column), nearest(str(column), position), "column: ")
            variable = self.variables[position[column]]
            codes[:, position[column]] = _column_codes(variable, frame[column])
        return codes

    def posterior(self, frame: pd.DataFrame, target: str = TUMOUR) -> pd.DataFrame:
        """Return P(target | findings) for every row of a frame.

        Parameters
        ----------
        frame
            Rows are cases, columns variables, entries states; missing is not observed.

        Returns
        -------
        Frame with the same index and one column for each state of `target` in vocabulary
        order; rows add up to 1.
        """
        import pandas as pd

        states = self.variable(target).states
        if frame.empty and len(frame) == 0:
            return pd.DataFrame(np.empty((0, len(states))), frame.index, list(states))
        result = self.compiled.run(self.codes(frame), targets=(target,))
        return pd.DataFrame(result.posterior[target], index=frame.index, columns=list(states))

    def diagnose_frame(
        self,
        frame: pd.DataFrame,
        *,
        target: str = TUMOUR,
        mapping: ColumnMapping | None = None,
        ignore_unknown: bool = False,
        errors: Errors = "raise",
    ) -> pd.DataFrame:
        """Return P(target | findings) of every row, by any names and units of the vocabulary.

        As :func:`mesenbayes.cohort.frame.diagnose_frame`, which see.
        """
        from mesenbayes.cohort.frame import diagnose_frame

        return diagnose_frame(
            self, frame, target=target, mapping=mapping, ignore_unknown=ignore_unknown,
            errors=errors,
        )  # fmt: skip

    def as_classifier(
        self, target: str = TUMOUR, prior_weight: float | None = None
    ) -> NetworkClassifier:
        """Return the network in the shape of a scikit-learn classifier."""
        from mesenbayes.cohort.estimator import NetworkClassifier

        return NetworkClassifier(self, target, prior_weight)

    def simulate(
        self, n: int, rng: np.random.Generator | int | None = None
    ) -> pd.DataFrame:
        """Draw `n` complete cases; a frame of state names with a column for every variable."""
        import pandas as pd

        if n < 0:
            raise CaseError(f"cannot simulate {n} cases")
        codes = sample_codes(self, n, np.random.default_rng(rng))
        return pd.DataFrame(
            {
                variable.name: pd.Categorical.from_codes(codes[:, i], pd.Index(variable.states))
                for i, variable in enumerate(self.variables)
            }
        )

    # ------------------------------------------------------------------ who says so

    @property
    def _evidence(self) -> NetworkBuilder:
        if self.builder is None:
            raise NetworkError(
                f"the network {self.name} came without counts: nobody can be asked who says so"
            )
        return self.builder

    def coverage(self) -> Coverage:
        """Return what every cell (tumour, finding) rests on, and the worst holes."""
        from mesenbayes.network.coverage import coverage_of

        builder = self._evidence
        sites = builder.structure.every_site
        modelled = [t.code for t in builder.structure.tumours if t.code != OTHER]
        incidence = {code: builder.prevalence.mass(code, sites) for code in modelled}
        return coverage_of(self, builder.evidence, incidence)

    def cell(self, tumour: str, finding: str, state: str | None = None) -> CellEvidence:
        """Lay one cell open: its studies, the pooled rate, how much laboratories disagree.

        Parameters
        ----------
        tumour, finding, state
            Names as a case may state them.

        Raises
        ------
        UnknownTumour, UnknownFinding, UnknownState
            With the nearest names.
        """
        from mesenbayes.network.cell_evidence import cell_evidence

        builder, tumours = self._evidence, self.variable(TUMOUR)
        try:
            code = self.vocabulary.state(tumours, tumour)
        except UnknownState:
            known = {w: s for s in tumours.states for w in (s, tumours.state_label(s))}
            found = [known[word] for word in nearest(tumour, known)]
            raise UnknownTumour(tumour, list(dict.fromkeys(found))) from None
        variable, _ = self.vocabulary.find(finding)
        wanted = None if state is None else self.vocabulary.state(variable, state)
        return cell_evidence(builder, code, variable.name, wanted)

    def sources(self) -> Sources:
        """Return every source with its rows, cells and citation."""
        from mesenbayes.evidence.sources import sources_of

        return sources_of(self._evidence.evidence)

    def check_joint_patterns(
        self, draws: int = 500, rng: np.random.Generator | int | None = None
    ) -> JointCheck:
        """Hold the joint patterns of the model against the published joint counts."""
        from mesenbayes.sensitivity.joint_patterns import check_joint_patterns

        return check_joint_patterns(self, self.compiled, self._evidence, draws, rng)

    def leave_one_source_out(
        self,
        cases: Iterable[Case | Mapping[str, Any]],
        progress: Callable[[int, int], None] | None = None,
    ) -> LeaveOut:
        """Return which source's removal, and which rounding, changes the first diagnosis.

        Parameters
        ----------
        progress
            Called with (sources done, sources in all); each takes about half a second.
        """
        from mesenbayes.sensitivity.leave_out import leave_one_source_out

        matched = [self.vocabulary.match(as_case(case)) for case in cases]
        return leave_one_source_out(self._evidence, matched, progress)

    # ------------------------------------------------------------------ to others

    def to_pgmpy(self) -> Any:
        """Return the network as pgmpy's ``DiscreteBayesianNetwork``."""
        from mesenbayes.interop.pgmpy import to_pgmpy

        return to_pgmpy(self)


def _column_codes(variable: Variable, column: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the state indices of one column."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        names, index = column.cat.categories, column.cat.codes.to_numpy()
    else:
        index, names = pd.factorize(column)
    lookup = np.full(len(names) + 1, NOT_OBSERVED, dtype=np.intp)  # last: missing
    for i, name in enumerate(names):
        if name in variable.states:
            lookup[i] = variable.index(str(name))
        elif (index == i).any():
            row = column.index[int(np.argmax(index == i))]
            raise UnknownState(variable.name, str(name), variable.states, f"row {row}: ")
    return lookup[index]


def load_network(name: str | os.PathLike[str] = "gi-mesenchymal") -> Network:
    """Load a network by name, from a folder, or from a file (BIF, XMLBIF, XDSL, NET, UAI,
    JSON-LD).

    Raises
    ------
    NetworkError, EvidenceError
        If there is no such network, or its tables are broken (every broken row is listed).
    """
    from mesenbayes.interop.files import is_network_file, read_network

    if is_network_file(name):
        return _with_builder(of_tables(read_network(name)))
    builder = builder_of(find_network(name))
    built = list(builder.tables())
    return Network(
        name=builder.structure.name,
        version=builder.structure.version,
        variables=tuple(spec.variable for spec, _ in built),
        tables={spec.variable.name: table for spec, table in built},
        digest=network_digest(builder.structure, builder.evidence, builder.priors),
        builder=builder,
    )


def _with_builder(network: Network) -> Network:
    """Give a network that was learned from one of ours that one's words and treatments back;
    not if ours has another version or other states by now."""
    if network.name not in network_names():
        return network
    builder = builder_of(find_network(network.name))
    structure = builder.structure
    ours = {s.variable.name: s.variable.states for s in structure.specifications}
    of_ours = network.version.partition("+")[0] == structure.version and ours == {
        v.name: v.states for v in network.variables
    }
    return replace(network, builder=builder) if of_ours else network


def from_pgmpy(model: Any, name: str = "from pgmpy") -> Network:
    """Return pgmpy's ``DiscreteBayesianNetwork`` as a network; its rows count as definitions."""
    from mesenbayes.interop.pgmpy import from_pgmpy as read

    return of_tables(read(model, name))


def of_tables(network: BayesianNetwork) -> Network:
    """Return a network that came without evidence tables as one that can be asked."""
    digest = network.digest
    if not digest:
        shapes = [t.probability.tobytes() for t in network.tables.values()]
        digest = hashlib.sha256(b"".join(shapes)).hexdigest()[:16]
    return Network(network.name, network.version, network.variables, network.tables, digest)
