"""The layers of the house: imports point down only, and importing touches nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import unmeasured

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "orfeas"

# From the top down; the modules of one row do not import each other.
LAYERS: list[set[str]] = [
    {"__main__"},
    {"cli"},
    {"doctor", "server"},
    {"ui", "api"},
    {"studio"},
    {"zero_gpu"},
    {"roster", "results"},
    {"fetching", "running"},
    {"pipelines"},
    {"mesh_files", "saving"},
    {"conversion"},
    {"tasks", "job_files"},
    {"engines"},
    {"textures", "text_to_image", "pictures"},
    {"images", "meshes", "jobs", "workspace", "metrics", "hub", "checkpoints", "residence", "readiness"},
    {"apart"},
    {"devices"},
    {"settings"},
    {"errors", "files", "folder_lock", "progress", "records", "options", "version"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# The package itself offers the studio to `import orfeas`, lazily.
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [
                f"{node.module}.{alias.name}" if node.module == "orfeas" else str(node.module) for alias in node.names
            ]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("orfeas.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down_the_layers(path: Path) -> None:
    own = layer_of(path)
    bottom = len(LAYERS) - 1
    for other in imported_layers(path) - {own}:
        allowed = RANK[other] > RANK[own] or (RANK[own] == bottom and RANK[other] == bottom)
        assert allowed, f"{own} imports {other}, which is not below it"


def test_importing_the_server_loads_no_learned_engine() -> None:
    code = "import sys, orfeas.server; print([m for m in ('torch', 'diffusers', 'transformers') if m in sys.modules])"
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name != "settings.py"], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_the_environment_is_read_in_the_settings_alone(path: Path) -> None:
    names = {
        node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not names & {"environ", "environb", "getenv", "getenvb", "putenv"}
