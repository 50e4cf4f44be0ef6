import subprocess
import sys
from pathlib import Path

import pytest

import analysis

FOLDER = Path(analysis.__path__[0])
MODULES = [file.stem for file in FOLDER.glob("[!_]*.py")]
PARTS = ("ensembles", "grouping", "report", "shift")
MODULES += [f"{part}.{file.stem}" for part in PARTS for file in (FOLDER / part).glob("[!_]*.py")]
FORBIDDEN = {"torch", "ray", "orchestrator"}


def output_of(*words: str) -> str:
    command = [sys.executable, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_analysis_loads_neither_torch_nor_ray_nor_the_orchestrator():
    imports = ", ".join(f"analysis.{name}" for name in MODULES)
    loaded = output_of("-c", f"import sys, {imports}; print(*sys.modules)").split()
    assert "analysis.ensemble" in loaded
    assert not FORBIDDEN & set(loaded)


@pytest.mark.parametrize("name", ["leaderboard", "ensemble"])
def test_command_runs_with_python_m(name, experiment):
    assert "peaked" in output_of("-m", f"analysis.{name}", "--runs", str(experiment.path.parent))
