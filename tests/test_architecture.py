"""Who may import whom, and what no source file may hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "orchestrator", "search_spaces", "trainable")
LIGHT = tuple(
    f"trainable.{name}"
    for name in (
        *("arrays", "cache", "comparison", "config", "fetch", "files", "growing"),
        *("image_files", "label_fixes", "labels", "locations", "metric_names", "metrics"),
        *("patience", "records", "resampling", "sections", "settings", "spreadsheet"),
        *("storage_errors", "store", "stored", "submissions", "table", "trial_folder", "voting"),
    )
)
"""What may be imported where neither torch nor Ray is."""
MAY_IMPORT = {
    "search_spaces": ("search_spaces", "trainable.config", "trainable.settings"),
    "trainable": ("trainable",),
    "orchestrator": ("orchestrator", "search_spaces", "trainable"),
    "analysis": ("analysis", "search_spaces", *LIGHT),
    # The page about the data is made before there are results: it looks at a data folder and at a
    # training batch with the code that training does, so that it cannot show anything else.
    "analysis/data": (
        "analysis",
        *LIGHT,
        *(
            f"trainable.{name}"
            for name in ("command_line", "dataset", "first_batch", "normalization", "sampling")
        ),
    ),
}
"""Folder -> the packages and modules that its files may import; the innermost folder counts."""
MACHINE_PATH = re.compile(r"""["' =(]/(?:home|root|work|Users|mnt|media|opt|tmp|var)/\w""")
SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imported_modules(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports anywhere, submodules of a package by their own name."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(file)}: imports are absolute"
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            is_package = (ROOT / str(node.module).replace(".", "/")).is_dir()
            yield from within if is_package else [str(node.module)]


def belongs(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_file_imports_only_what_lies_below_it(file):
    ours = [module for module in imported_modules(file) if belongs(module, PACKAGES)]
    folders = [folder for folder in MAY_IMPORT if (ROOT / folder) in file.parents]
    allowed = MAY_IMPORT[max(folders, key=len)]
    assert [module for module in ours if not belongs(module, allowed)] == []


def test_two_trainable_files_import_ray():
    """One forwards a trial's epochs, the other runs its further processes."""
    files = (ROOT / "trainable").rglob("*.py")
    using_ray = [
        named(file)
        for file in files
        if any(belongs(module, ("ray",)) for module in imported_modules(file))
    ]
    assert sorted(using_ray) == ["trainable/ray_peers.py", "trainable/ray_trial.py"]


def test_light_modules_load_neither_torch_nor_ray():
    words = f"import sys, {', '.join(LIGHT)}; print(*sys.modules)"
    command = [sys.executable, "-c", words]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert set(LIGHT) <= set(loaded)
    assert not {"torch", "ray", "timm"} & set(loaded)


def test_misspelt_word_is_refused_before_torch_is_imported():
    words = """
import sys
from orchestrator import search
from trainable.settings import UserError
try:
    search.main(["optim.lrr=0.1"])
except UserError as error:
    print(*sys.modules, error)
"""
    told = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert "optim.lrr" in told.stdout
    assert not {"torch", "ray", "sklearn", "pandas"} & set(told.stdout.split())


def test_one_file_alone_imports_timm_which_then_imports_no_wandb():
    files = [file for file in SOURCES if {"timm"} & {*imported_modules(file)}]
    assert [named(file) for file in files] == ["trainable/timm_alone.py"]
    words = [sys.executable, "-c", "import sys, trainable.fitting; print(*sys.modules)"]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert "timm.utils.summary" in loaded
    assert "wandb" not in loaded


def test_package_files_hold_a_docstring_alone():
    for file in SOURCES:
        if file.name == "__init__.py":
            (statement,) = ast.parse(file.read_text()).body
            assert isinstance(statement, ast.Expr), named(file)


def test_every_module_says_what_it_is_for():
    assert [
        named(file) for file in SOURCES if not ast.get_docstring(ast.parse(file.read_text()))
    ] == []


def test_no_file_names_a_path_of_one_machine():
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    guilty = [named(file) for file in files if MACHINE_PATH.search(file.read_text())]
    assert guilty == []


def test_imports_make_no_circle():
    modules = {named(file).removesuffix(".py").replace("/", "."): file for file in SOURCES}
    graph = {name: set(imported_modules(file)) & set(modules) for name, file in modules.items()}
    while free := [name for name, below in graph.items() if not below & set(graph)]:
        for name in free:
            del graph[name]
    assert graph == {}
