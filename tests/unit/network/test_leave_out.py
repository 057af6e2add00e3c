"""Leaving sources out, against a slow twin that rebuilds everything; and rounding."""

import numpy as np
import pytest

from mesenbayes.errors import CaseError
from mesenbayes.facade import Network, load_network
from mesenbayes.network.build import NetworkBuilder
from mesenbayes.sensitivity.leave_out import (
    NOT_BUILT,
    REFIT,
    leave_one_source_out,
    rounded_network,
    sources_that_matter,
)

CASES = [
    {"id": "stained", "findings": {"CD117": "negative", "S100": "positive"}},
    {"id": "shaped", "findings": {"shape": "epithelioid", "age": 65, "calcified": "present"}},
]


def rebuilt(builder: NetworkBuilder) -> Network:
    """The whole network from scratch, nothing kept and nothing left out."""
    built = list(NetworkBuilder(builder.structure, builder.evidence, builder.priors).tables())
    return Network(
        "twin", "1", tuple(s.variable for s, _ in built), {s.variable.name: t for s, t in built},
        builder=builder,
    )  # fmt: skip


def test_every_move_is_that_of_a_network_built_from_scratch(tiny) -> None:
    result = tiny.leave_one_source_out(CASES)
    by_case = {case["id"]: case for case in CASES}
    assert {m.case for m in result.sources} == set(by_case)
    for move in result.sources:
        base = tiny.builder
        twin = rebuilt(
            NetworkBuilder(base.structure, base.evidence.without_source(move.change), base.priors)
        )
        before = tiny.diagnose(by_case[move.case]).probabilities
        after = twin.diagnose(by_case[move.case]).probabilities
        states = tiny.variable("tumour").states
        top = int(np.argmax(before))
        assert move.before == states[top]
        assert move.after == states[int(np.argmax(after))]
        assert move.p_before == pytest.approx(before[top], abs=1e-12)
        # A move too small for the fit of all cells to be repeated is near enough.
        exact = abs(move.p_after - move.p_before) >= REFIT or move.flips
        assert move.p_after == pytest.approx(after[top], abs=1e-12 if exact else 2 * REFIT)


def test_sources_outside_the_cells_of_a_case_do_not_move_it_much(tiny) -> None:
    """The shortcut is checked: a source that is said not to matter hardly does."""
    case = tiny.vocabulary.match(as_case(CASES[0]))
    before = tiny.diagnose(CASES[0]).probabilities
    matters = sources_that_matter(tiny.builder, case, before)
    assert "LARGE2001" in matters
    base = tiny.builder
    for source in set(base.evidence.sources) - matters:
        twin = rebuilt(
            NetworkBuilder(base.structure, base.evidence.without_source(source), base.priors)
        )
        after = twin.diagnose(CASES[0]).probabilities
        np.testing.assert_allclose(after, before, atol=0.02)


def as_case(document):
    from mesenbayes.diagnosis.case import as_case as read

    return read(document)


def test_a_diagnosis_that_hangs_on_one_paper_is_reported(tiny) -> None:
    result = tiny.leave_one_source_out(CASES[:1])
    (flip,) = [m for m in result.sources if m.change == "LARGE2001"]
    assert flip.flips  # the only study of S100 in schwannoma
    assert flip.before == "SCHW"
    assert flip in result.flips
    assert "first diagnosis of 1 hangs on a single source" in result.sentence
    assert result.largest(1)[0] == flip
    frame = result.to_frame()
    assert len(frame) == len(result.sources) + len(result.rounding)
    assert result.to_dict()["flips"][0]["change"] == "LARGE2001"
    page = result.page("`mesenbayes evidence leave-out`")
    assert page.startswith("# What hangs on a single source")
    assert f"| stained | SCHW {flip.p_before:.2f} | LARGE2001: {flip.after} |" in page


def test_a_source_without_which_there_is_no_network_is_reported(tiny_folder) -> None:
    """The only registry that counts a tumour: its loss stops the build, not the report."""
    priors = tiny_folder / "priors.csv"
    lines = [x for x in priors.read_text().splitlines() if "incidence,tumour=LM" not in x]
    priors.write_text("\n".join(lines))
    (tiny_folder / "evidence" / "incidence.csv").write_text(
        "tumour,per_million_per_year,source_id,trust\nLM,3,RARE2010,primary\n"
    )
    result = load_network(tiny_folder).leave_one_source_out(CASES[:1])
    (move,) = [m for m in result.sources if m.change == "RARE2010"]
    assert move.after == NOT_BUILT
    assert move.flips
    assert "incidence" in move.note


def test_progress_counts_to_the_end(tiny) -> None:
    seen: list[tuple[int, int]] = []
    result = tiny.leave_one_source_out(CASES[:1], lambda *step: seen.append(step))
    assert seen == [(i + 1, result.left_out) for i in range(result.left_out)]


def test_no_case_is_refused(tiny) -> None:
    with pytest.raises(CaseError, match="no case to try"):
        leave_one_source_out(tiny.builder, [])


def test_rounded_rows_are_what_a_person_would_write(tiny) -> None:
    exact = tiny.tables["CD117_expression"].probability
    decimals = rounded_network(tiny, significant=False).tables["CD117_expression"].probability
    significant = rounded_network(tiny, significant=True).tables["CD117_expression"].probability
    np.testing.assert_allclose(decimals, np.round(exact, 2), atol=1e-12)  # two states stay 1
    np.testing.assert_allclose(significant, exact, rtol=0.06)
    assert not np.array_equal(significant, exact)
    for table in rounded_network(tiny, significant=True).tables.values():
        np.testing.assert_allclose(table.probability.sum(axis=-1), 1)


def test_rounding_names_both_kinds_for_every_case(tiny) -> None:
    result = tiny.leave_one_source_out(CASES)
    assert {(m.case, m.change) for m in result.rounding} == {
        (case["id"], kind)
        for case in CASES
        for kind in ("two decimals", "two significant digits")
    }
    assert all(abs(m.p_after - m.p_before) < 0.05 for m in result.rounding)
