"""A model is found in its own folder, in a training's, and among checkpoints: the best before the newest."""

import pytest

from simviz.learning.places import model_folder

ORDER = ["", "model", "best", "checkpoints/best", "checkpoints/step-000020", "checkpoints/step-000003"]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_that_is_there_is_taken(first, tmp_path):
    for name in ORDER[first:]:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "model.json").touch()
    assert model_folder(tmp_path) == tmp_path / ORDER[first]


def test_of_a_folder_of_checkpoints_the_newest_is_the_one_of_the_last_step_not_of_the_last_name(tmp_path):
    for name in ("step-999999", "step-1000000", ".step-2000000-abcdefgh", "step-x"):
        (tmp_path / name).mkdir()
    assert model_folder(tmp_path).name == "step-1000000"


def test_where_nothing_is_found_the_folder_itself_is_named_and_of_folds_one_must_be_chosen(tmp_path):
    assert model_folder(tmp_path / "nowhere") == tmp_path / "nowhere"
    (tmp_path / "fold-1").mkdir()
    with pytest.raises(ValueError, match="holds a cross-validation: name one of its folds"):
        model_folder(tmp_path)
