"""The fit that is kept beside the evidence is the fit of that evidence."""

import json

import numpy as np
import pytest

from mesenbayes.network.fits import read_fits, write_fits
from mesenbayes.network.folder import builder_of, find_network


@pytest.fixture(scope="module")
def builder():
    return builder_of(find_network("mesenchymal"))


def test_stored_fit_is_what_a_fresh_fit_gives(builder):
    stored = read_fits(builder.structure.fit_file, builder.fit_key)
    assert stored is not None, "run `mesenbayes evidence fit` after a change of the evidence"
    fresh = builder.fit()
    assert set(stored) == set(fresh)
    for kind, found in fresh.items():
        assert stored[kind].between.rho_0 == pytest.approx(found.between.rho_0, rel=1e-4)
        assert stored[kind].between.tau2 == pytest.approx(found.between.tau2, rel=1e-4)
        if found.mixture is not None:
            assert stored[kind].lineage_weight == found.lineage_weight
            for name in ("a", "b", "weights"):
                np.testing.assert_allclose(
                    getattr(stored[kind].mixture, name), getattr(found.mixture, name), rtol=1e-3
                )


def test_networks_on_one_evidence_base_share_the_fit(builder):
    assert builder_of(find_network("gi-mesenchymal")).fit_key == builder.fit_key


def test_fit_of_other_evidence_is_not_used(builder, tmp_path):
    path = tmp_path / "fit.json"
    write_fits(path, builder.fit_key, builder.fits)
    assert read_fits(path, builder.fit_key) is not None
    assert read_fits(path, "0" * 16) is None
    assert read_fits(tmp_path / "none.json", builder.fit_key) is None
    path.write_text(json.dumps({"key": "x"})[:-1], encoding="utf-8")
    assert read_fits(path, builder.fit_key) is None
