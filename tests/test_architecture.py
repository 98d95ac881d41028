"""Who may import whom, read from the source: an upper room imports lower ones, never the other way round."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.children import run, run_python
from tests.reachable import Source

PACKAGE = Path(__file__).resolve().parent.parent / "reportgen"
ROOT = PACKAGE.parent

#: Rooms from the lowest to the highest; those of one row may import each other.
LEVELS: tuple[tuple[str, ...], ...] = (
    (
        *("bidi", "errors", "given", "isolated", "progress", "resources", "sources", "stopping", "streams", "version"),
        *("gzipped", "uncollected", "wording"),
    ),
    ("result", "progress_bars"),
    ("records", "pictures", "layers", "scanning"),
    ("zoo", "networks", "clips", "motion_colour"),
    ("analyses", "media", "anonymous"),
    ("reading",),
    ("audit",),
    ("epochs",),
    (
        *("config", "outputs", "pages", "summary", "site", "site_files", "site_mkdocs", "site_publishing"),
        *("site_intermediates", "site_memory", "site_reuse", "site_styles", "site_trim"),
    ),
    ("exports", "proof", "publishing"),
    ("showing",),
    ("runner",),
    ("commands",),
    ("cli", "__main__"),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

#: The rooms within `networks`, from the lowest to the highest.
WITHIN_NETWORKS = {"core": 0, "trace": 1, "speed": 1, "kernels": 2}

TORCH_FREE = (
    "bidi",
    "errors",
    "given",
    "progress",
    "resources",
    "sources",
    "isolated",
    "stopping",
    "streams",
    "uncollected",
    "wording",
    "config",
    "records",
    "layers",
    "pictures",
    "clips",
    "media",
    "motion_colour",
    "reading",
    "audit",
    "outputs",
    "pages",
    "summary",
    "site",
    "site_files",
    "site_intermediates",
    "site_memory",
    "site_mkdocs",
    "site_publishing",
    "site_reuse",
    "site_styles",
    "site_trim",
    "exports",
    "proof",
    "publishing",
    "commands",
    "cli",
)


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


def room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(path)))


@cache
def imports(path: Path, *, at_import: bool = False) -> tuple[str, ...]:
    """Return the modules that a file imports; with `at_import` only those that importing it brings in."""
    found: list[str] = []
    for node in _top_level(parsed(path)) if at_import else nodes(path):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return tuple(found)


def _top_level(tree: ast.Module) -> Iterator[ast.AST]:
    for node in tree.body:
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield node


def test_imports_go_down() -> None:
    above = []
    for path in modules():
        own = room(path)
        if own == "__init__":
            continue
        assert own in LEVEL, f"{own} is in no row of LEVELS: say where it belongs"
        others = {name.split(".")[1] for name in imports(path) if name.startswith("reportgen.")}
        above += [f"{module_name(path)} imports {other}" for other in others if LEVEL[other] > LEVEL[own]]
    assert not above


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_imported(path: Path, names: set[str]) -> set[str]:
    """Return the modules out of `names` that a file imports, anywhere in it and also for type checking alone."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & names or {node.module}
    return found & names - {module_name(path)}


def test_no_file_imports_itself_by_a_circle() -> None:
    names = {module_name(path) for path in modules()}
    waiting = {module_name(path): files_imported(path, names) for path in modules()}
    while ready := {name for name, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    assert not waiting, f"these import each other, or what does: {sorted(waiting)}"


def test_imports_within_networks_go_down() -> None:
    for path in sorted((PACKAGE / "networks").rglob("*.py")):
        own = path.relative_to(PACKAGE / "networks").parts[0]
        for name in imports(path):
            if name.startswith("reportgen.networks."):
                other = name.split(".")[2]
                assert other == own or WITHIN_NETWORKS[other] < WITHIN_NETWORKS[own], f"{path} imports {name}"


@pytest.mark.parametrize("name", TORCH_FREE)
def test_rooms_that_need_no_torch_do_not_import_it(name: str) -> None:
    for path in modules():
        if room(path) == name:
            assert not [module for module in imports(path) if module.split(".")[0] in ("torch", "captum")], path


def test_methods_build_on_each_other_without_a_circle_and_share_what_knows_none_of_them() -> None:
    folder = PACKAGE / "analyses"
    packages = [path.name for path in sorted(folder.iterdir()) if path.is_dir() and path.name != "__pycache__"]
    reads: dict[str, set[str]] = {
        package: {
            name.split(".")[2]
            for path in (folder / package).rglob("*.py")
            for name in imports(path)
            if name.startswith("reportgen.analyses.") and name.split(".")[2] in packages
        }
        - {package}
        for package in packages
    }
    assert not reads["common"], "what methods share knows no method"
    TopologicalSorter(reads).prepare()  # raises CycleError


def test_analyses_write_and_show_nothing() -> None:
    forbidden = ("click", "jinja2", "reportgen.records.store", "reportgen.media", "rich")
    for path in modules():
        if room(path) == "analyses":
            assert not [module for module in imports(path) if module.startswith(forbidden)], path


def test_architectures_know_torch_and_the_card_only() -> None:
    for path in (ROOT / "modelzoo").rglob("*.py"):
        for module in imports(path):
            known = module.split(".")[0] in ("torch", *sys.stdlib_module_names)
            assert known or module in ("numpy", "reportgen.records.card", "reportgen.errors"), f"{path}: {module}"


def test_every_error_has_its_own_exit_code() -> None:
    from reportgen import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    codes = [kind.exit_code for kind in kinds]
    assert len(codes) == len(set(codes))
    assert not set(codes) & {0, 1, 2, 130}


@pytest.mark.parametrize("command", ["--help", "build --help", "render --help"])
def test_help_does_not_import_torch(command: str) -> None:
    script = (
        "import sys; from reportgen.cli import cli\n"
        f"try: cli.main({command.split()!r}, standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'pydantic' in sys.modules)"
    )
    assert run_python(script).returncode == 0


def test_rendering_does_not_import_torch() -> None:
    assert run_python("import sys, reportgen.commands.render; sys.exit('torch' in sys.modules)").returncode == 0


def test_listing_does_not_import_pages() -> None:
    assert run_python("import sys, reportgen.cli.tables; sys.exit('reportgen.pages' in sys.modules)").returncode == 0


def test_every_public_name_can_be_loaded() -> None:
    import reportgen

    for name in reportgen.__all__:
        assert getattr(reportgen, name) is not None


def test_every_command_is_a_documented_call_in_a_file_of_its_own() -> None:
    import reportgen
    from reportgen.cli import cli

    calls = {"models": "list_models", "layers": "list_layers", "methods": "list_methods"}
    for command in cli.commands:
        call = getattr(reportgen, calls.get(command, command))
        assert call.__doc__, f"`reportgen {command}` is no call from Python"
        assert call.__module__ == f"reportgen.commands.{command}"


#: Calls that decode what a file holds, and the only modules that may make them: each says what it lets in.
OPENERS = {
    ("PIL", "Image.open"): {"pictures.py"},
    ("imageio", "imageio"): {"pictures.py"},
    ("av", "av.open"): {"clips/opening.py", "media/video.py"},
}


@pytest.mark.parametrize(("library", "call"), OPENERS, ids=str)
def test_pictures_and_videos_are_opened_in_one_place(library: str, call: str) -> None:
    for path in modules():
        opens = any(_is(node, call) for node in nodes(path))
        allowed = path.relative_to(PACKAGE).as_posix() in OPENERS[library, call]
        assert not opens or allowed, f"{path} opens files by {call}: use {sorted(OPENERS[library, call])}"
        assert not list(_renamed(path, library)), f"{path} imports {library} so that {call} cannot be looked for"


def _is(node: ast.AST, dotted: str) -> bool:
    """Return whether a node reads `name`, or `name.attribute`."""
    *above, last = dotted.split(".")
    if isinstance(node, ast.Attribute):
        return node.attr == last and ast.unparse(node.value) == ".".join(above)
    return isinstance(node, ast.Name) and node.id == last and not above


def _renamed(path: Path, library: str) -> Iterator[str]:
    """Yield what of a library is imported so that calls of its `open` no longer read `Image.open` or `av.open`."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.asname and alias.name.split(".")[0] == library)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == library:
            yield from (alias.name for alias in node.names if alias.asname or alias.name == "open")


def test_tests_start_processes_through_one_helper_that_ends_them() -> None:
    starts = ("subprocess", "multiprocessing", "pty", "concurrent.futures.process")
    for path in (ROOT / "tests").rglob("*.py"):
        if path != ROOT / "tests" / "children.py":
            assert not [module for module in imports(path) if module.startswith(starts)], path


#: What every room of a kind declares under one name, for others look for it there.
DECLARED = {
    "METHOD": "analyses/*/method.py",  # read by `analyses/registry.py`
    "pages": "pages/*.py",  # read by `pages/registry.py`
}


#: What a method of a lower room loads by its name when it is called, and where that happens.
LOADED_WHEN_CALLED = {
    ("reportgen.zoo.live", "live_network"): "networks/core/network.py",
    ("reportgen.analyses.pyramid.export", "pyramid_document"): "analyses/pyramid/class_pyramid.py",
    ("reportgen.epochs.checking", "audit"): "audit/__init__.py",
    ("reportgen.progress_bars", "python_progress"): "progress.py",
    ("reportgen.showing.html", "html_of"): "result.py",
    ("reportgen.showing.saving", "save_result"): "result.py",
    ("reportgen.showing.tables", "frame_of"): "result.py",
}


def public_names(path: Path) -> Iterator[str]:
    """Yield what a file defines for others; a click command bears the name of the call that it makes."""
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            decorators = [ast.unparse(each) for each in node.decorator_list]
            names = [] if any(each.startswith("click.command(") for each in decorators) else [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_no_two_definitions_share_a_public_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        relative = path.relative_to(PACKAGE)
        for name in public_names(path):
            if name not in DECLARED or not relative.match(DECLARED[name]):
                places.setdefault(name, []).append(relative.as_posix())
    twins = {name: found for name, found in places.items() if len(found) > 1}
    assert not twins, f"one word, one meaning: rename one of each of {twins}"


#: Calls whose words a user reads, whether on the command line or from Python.
SAYING = re.compile(r"\w*(Error|Fault)|note|say_once|unknown_name|worded")


def test_what_is_said_names_options_by_mentions_alone() -> None:
    found = []
    for path in (path for path in modules() if room(path) != "cli"):
        for node in nodes(path):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if not SAYING.fullmatch(name):
                continue
            asked = {id(one) for call in _calls(node, "option") for one in ast.walk(call)}
            for text in ast.walk(node):
                words = text.value if isinstance(text, ast.Constant) and id(text) not in asked else None
                if isinstance(words, str) and re.search(r"(?<![\w-])--[a-z]", words) and "`git" not in words:
                    found.append(f"{path.relative_to(ROOT)}:{text.lineno}: {words}")
    assert not found, "say flags by `reportgen.wording.option`, so that Python calls name keyword arguments: " + str(
        found
    )


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def test_everything_can_be_reached_from_a_command_or_a_public_call() -> None:
    import reportgen

    source = Source({module_name(path): parsed(path) for path in modules()})
    for (module, name), caller in LOADED_WHEN_CALLED.items():
        text = (PACKAGE / caller).read_text(encoding="utf-8")
        assert f'"{module}"' in text
        assert f".{name}(" in text
    roots = [*LOADED_WHEN_CALLED, *((module, name) for name, module in reportgen._PUBLIC.items())]
    # What is looked for under its name in every room of a kind, or by Python itself.
    looked_for = {*DECLARED, "__all__", "__getattr__", "__dir__"}
    roots += [place for place in source.definitions if place[1] in looked_for]
    unreached = sorted(".".join(place) for place in source.unreached(roots))
    assert not unreached, f"only tests use these: delete them, or let users reach them: {unreached}"


def test_the_seed_reaches_an_analysis_by_its_subject_alone() -> None:
    from reportgen.analyses.registry import methods

    assert not [name for name, method in methods().items() if "seed" in method.parameters.model_fields]
    for path in (PACKAGE / "analyses").glob("*/analysis.py"):
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and node.attr == "seed":
                assert ast.unparse(node.value) in ("subject", "self"), f"{path}: {ast.unparse(node)}"


def test_no_file_of_the_tree_leads_out_of_it() -> None:
    """A link may lead to a folder of the machine that it was made on."""
    listed = run(["git", "ls-files", "--stage"], cwd=ROOT)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    assert not [line.partition("\t")[2] for line in listed.stdout.splitlines() if line.startswith("120000")]
