from pathlib import Path

import pytest

from mesenbayes.treatment import TreatmentModel, load_treatment_model

FOLDER = Path(__file__).parents[3] / "networks" / "mesenchymal" / "treatment"


@pytest.fixture(scope="session")
def model() -> TreatmentModel:
    return load_treatment_model(FOLDER)
