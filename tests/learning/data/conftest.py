"""What the tests of data sets share: a cache folder of their own, and torchvision's readers beside any PyTorch."""

import re

import pytest
import torch

DECLARED = torch.library.Library("torchvision", "FRAGMENT")


@pytest.fixture(scope="session")
def cache_place(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache_place, monkeypatch):
    monkeypatch.setenv("SIMVIZ_CACHE", str(cache_place))


@pytest.fixture(scope="session")
def datasets():
    """torchvision.datasets, pure Python, even where torchvision's extension is built for another PyTorch (CUDA, CPU).

    The import stops at operators that the extension did not bring; here they are declared, and never called.
    """
    for _ in range(5):
        try:
            from torchvision import datasets
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            DECLARED.define(f"{missing[1]}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        else:
            return datasets
    raise RuntimeError("torchvision cannot be imported")
