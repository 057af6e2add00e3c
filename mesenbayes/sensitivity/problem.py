"""One case, ready to be varied: the joint probability of every hypothesis and its derivatives.

Z_k = P(hypothesis k, e) is linear in every row of every table. With its value and its
derivatives G_k, all divided by P(e), every one-way question has a closed form (METHODS 0, 1).
The hypotheses exclude each other and one of them is true, so that sum_k Z_k = P(e).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mesenbayes.inference import CompiledNetwork, compile_network
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.structure import GENOTYPE, NOT_APPLICABLE, TUMOUR
from mesenbayes.sensitivity.entries import Entries, FloatArray, IntArray

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis

Progress = Callable[[int, int], None]
"""Called with (done, total) as a long computation goes on."""

Hypothesis = tuple[str, str]
"""Variable and state."""


def silent(done: int, total: int) -> None:
    """Report nothing."""
    del done, total


@dataclass(frozen=True, eq=False)
class Problem:
    """A case and its hypotheses.

    Attributes
    ----------
    codes : (variables,)
        Observed states, -1 where not observed.
    likelihoods
        Variable -> (states,), for uncertain findings.
    hypotheses
        Exclusive and exhaustive, each a state of a variable.
    known_entries
        The parameters, if another problem of the same network has listed them.
    """

    network: BayesianNetwork = field(repr=False)
    compiled: CompiledNetwork = field(repr=False)
    codes: IntArray = field(repr=False)
    likelihoods: Mapping[str, FloatArray] = field(repr=False)
    hypotheses: tuple[Hypothesis, ...]
    known_entries: Entries | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        network: BayesianNetwork,
        codes: ArrayLike,
        target: str,
        likelihoods: Mapping[str, ArrayLike] | None = None,
        hypotheses: Sequence[Hypothesis] | None = None,
        compiled: CompiledNetwork | None = None,
    ) -> Problem:
        """Return the problem of one case, its hypotheses the states of `target`."""
        chosen = hypotheses or [(target, state) for state in network.variable(target).states]
        return cls(
            network,
            compiled or compile_network(network),
            np.asarray(codes, dtype=np.intp),
            {k: np.asarray(v, dtype=np.float64) for k, v in (likelihoods or {}).items()},
            tuple(chosen),
        )

    @classmethod
    def from_diagnosis(
        cls, diagnosis: Diagnosis, treatment: bool = False, entries: Entries | None = None
    ) -> Problem:
        """Return the problem of a diagnosis.

        Parameters
        ----------
        treatment
            Divide the tumour that has genotypes by genotype, as the treatment model does.
        entries
            The parameters of the network, if they are listed already.
        """
        network = diagnosis.network
        hypotheses: list[Hypothesis] = [
            (diagnosis.target, state) for state in network.variable(diagnosis.target).states
        ]
        if treatment and diagnosis.target == TUMOUR:
            hypotheses = treatment_hypotheses(network)
        return cls(
            network,
            network.compiled,
            diagnosis.encoded.codes,
            diagnosis.encoded.likelihoods,
            tuple(hypotheses),
            entries,
        )

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """Diagnosis -> its hypotheses; a tumour divided by genotype is one diagnosis."""
        found: dict[str, list[int]] = {}
        for k, name in enumerate(self.names):
            found.setdefault(name.split(":")[0] if ":" in name else name, []).append(k)
        return found

    def by_diagnosis(self, mass: FloatArray) -> FloatArray:
        """Sum P(hypothesis | e), (..., hypotheses), to diagnoses in the order of `groups`."""
        return np.stack([mass[..., k].sum(axis=-1) for k in self.groups.values()], axis=-1)

    def with_network(self, network: BayesianNetwork) -> Problem:
        """Return the same case asked of another network with the same variables."""
        return Problem(
            network, compile_network(network), self.codes, self.likelihoods, self.hypotheses
        )

    # ------------------------------------------------------------------ values and derivatives

    @cached_property
    def entries(self) -> Entries:
        """The parameters."""
        return self.known_entries or Entries.of(self.network)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A short name for each hypothesis."""
        tumours = {s for v, s in self.hypotheses if v == TUMOUR}
        several = {v for v, _ in self.hypotheses} == {TUMOUR, GENOTYPE}
        states = self.network.variable(TUMOUR).states if several else ()
        whole = next((s for s in states if s not in tumours), "")
        return tuple(
            f"{whole}:{s}" if several and v == GENOTYPE else s for v, s in self.hypotheses
        )

    @cached_property
    def _passes(self) -> tuple[FloatArray, FloatArray, float]:
        mass, gradient = [], []
        log_evidence = 0.0
        by_variable: dict[str, list[int]] = {}
        for k, (variable, _) in enumerate(self.hypotheses):
            by_variable.setdefault(variable, []).append(k)
        place = np.empty(len(self.hypotheses), dtype=np.intp)
        done = 0
        for variable, members in by_variable.items():
            answer = self.compiled.gradient(self.codes[None], self._batch(1), variable)
            assert answer.posterior is not None
            node = self.network.variable(variable)
            states = [node.index(self.hypotheses[k][1]) for k in members]
            mass.append(answer.posterior[0, states])
            tables = {n: g[0, states] for n, g in answer.hypothesis.items()}
            gradient.append(self.entries.gather(tables))
            place[members] = np.arange(done, done + len(members))
            done += len(members)
            log_evidence = float(answer.log_evidence[0])
        return np.concatenate(mass)[place], np.concatenate(gradient)[place], log_evidence

    @property
    def mass(self) -> FloatArray:
        """P(hypothesis | e), (hypotheses,)."""
        return self._passes[0]

    @property
    def gradient(self) -> FloatArray:
        """dZ_k / d theta divided by P(e), (hypotheses, parameters)."""
        return self._passes[1]

    @property
    def log_evidence(self) -> float:
        """Logarithm of P(e)."""
        return self._passes[2]

    @cached_property
    def reached(self) -> IntArray:
        """Uncertain rows that can matter for the case, positions among all rows.

        Only tables of ancestors of what is known or asked count (d-separation), and of these
        only rows whose parent states the findings do not exclude (a derivative is not 0).
        """
        needed = {v for v, _ in self.hypotheses} | set(self.likelihoods)
        needed |= {
            v.name for v, code in zip(self.network.variables, self.codes, strict=True) if code >= 0
        }
        for variable in reversed(self.network.variables):
            if variable.name in needed:
                needed |= set(self.network.tables[variable.name].parents)
        e = self.entries
        ancestor = np.array([v.name in needed for v in self.network.variables])
        touched = (np.abs(self.gradient) > 0).any(axis=0) & ancestor[e.variable]
        rows = np.unique(e.row_of[touched])
        return np.asarray(rows[np.isfinite(e.strength[rows])], dtype=np.intp)

    # ------------------------------------------------------------------ other tables

    def _batch(self, size: int) -> dict[str, FloatArray]:
        return {name: np.tile(v, (size, 1)) for name, v in self.likelihoods.items()}

    def with_tables(self, tables: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Return P(hypothesis | e) and ln P(e) under other tables.

        Parameters
        ----------
        tables
            Variable -> (draws, *parents, states).

        Returns
        -------
        (draws, hypotheses) and (draws,); NaN where the findings are impossible.
        """
        answer = self.compiled.run(
            self.codes[None],
            self._batch(1),
            tuple(dict.fromkeys(v for v, _ in self.hypotheses)),
            tables,
            "nan",
        )
        return self._read(answer.posterior), answer.log_evidence

    def with_codes(self, codes: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the same for other findings, (cases, variables), under the network's tables."""
        answer = self.compiled.run(
            codes,
            self._batch(len(codes)),
            tuple(dict.fromkeys(v for v, _ in self.hypotheses)),
            on_impossible="nan",
        )
        return self._read(answer.posterior), answer.log_evidence

    def _read(self, posterior: Mapping[str | tuple[str, ...], FloatArray]) -> FloatArray:
        columns = [
            posterior[variable][:, self.network.variable(variable).index(state)]
            for variable, state in self.hypotheses
        ]
        return np.stack(columns, axis=1)


def treatment_hypotheses(network: BayesianNetwork) -> list[Hypothesis]:
    """Return tumour types, the one that has genotypes divided by genotype.

    A network without genotypes, or with several types that have them, is not divided.
    """
    whole = [(TUMOUR, state) for state in network.variable(TUMOUR).states]
    table = network.tables.get(GENOTYPE)
    if table is None or TUMOUR not in table.parents:
        return whole
    states = network.variable(GENOTYPE).states
    if NOT_APPLICABLE not in states:
        return whole
    axis = table.parents.index(TUMOUR)
    without = np.moveaxis(table.probability[..., states.index(NOT_APPLICABLE)], axis, 0)
    typed = [i for i, p in enumerate(without) if (p == 0).all()]
    plain = [i for i, p in enumerate(without) if (p == 1).all()]
    if len(typed) != 1 or len(typed) + len(plain) != len(without):
        return whole
    genotypes = [(GENOTYPE, s) for s in states if s != NOT_APPLICABLE]
    return [h for i, h in enumerate(whole) if i != typed[0]] + genotypes
