import pathlib

import pytest

import gatelab


@pytest.fixture(scope="session")
def repository():
    return pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def topology():
    return gatelab.load("remote-user")


@pytest.fixture(scope="session")
def run(topology):
    return topology.run(seed=7)
