"""Whenever a training process is killed, each checkpoint is whole and the run goes on to the same weights.

SIMVIZ_KILLS: how many times, 20 by default.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = int(os.environ.get("SIMVIZ_KILLS", "20"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked and killed, which this system cannot do")
def test_a_run_killed_at_any_moment_goes_on_to_the_weights_of_the_uninterrupted_one(tmp_path):
    command = [sys.executable, "-m", "tests.learning.killing", str(tmp_path / "kept"), str(KILLS), "0"]
    place = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60 + 20 * KILLS, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["wrong"] == []
    assert len(told["steps"]) == KILLS
    assert len(set(told["steps"])) > KILLS / 4  # they were killed at many different steps
