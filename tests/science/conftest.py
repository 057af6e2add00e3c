"""Networks that several tests of behaviour share: they take seconds to build."""

import pytest

from mesenbayes.facade import load_network


@pytest.fixture(scope="session")
def flagship():
    return load_network("mesenchymal")


@pytest.fixture(scope="session")
def gut():
    return load_network("gi-mesenchymal")
