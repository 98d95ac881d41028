"""The configuration file and the flags: which goes over which, and what is refused before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reportgen.analyses.kernels.method import METHOD as KERNELS
from reportgen.analyses.saliency.method import METHOD as SALIENCY
from reportgen.cli.flags import slurm_options
from reportgen.config.options import BuildOptions
from reportgen.config.reading import CONFIG_FILE, load_options
from reportgen.errors import OptionError, UnknownNameError

SELECTION = 'it must be a whole number, "all", or a list in quotes such as "0,4,8-11".'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def read(config: Path, text: str, **flags: Any) -> BuildOptions:
    config.write_text(text, encoding="utf-8")
    return load_options(flags, config=config)


def refusal(config: Path, text: str, **flags: Any) -> str:
    with pytest.raises(OptionError) as caught:
        read(config, text, **flags)
    assert caught.value.exit_code in (OptionError.exit_code, UnknownNameError.exit_code)
    return str(caught.value)


def test_a_method_s_flag_goes_over_its_table_value_by_value(config: Path) -> None:
    text = '[weight_gradients]\nsimilar = "a"\ndissimilar = 4\n[kernels]\nsteps = 12\n'
    options = read(config, text, parameters={"weight_gradients": {"similar": "b"}})
    found = options.weight_gradient_parameters()
    assert (found.reference_class, found.similar, found.dissimilar) == (None, "b", 4)
    assert options.method_parameters()["kernels"].model_dump()["steps"] == 12


def test_a_flag_goes_over_the_file_and_the_file_over_the_default(config: Path) -> None:
    text = 'preset = "quick"\nseed = 7\nmodels = ["c3d"]\n[kernels]\nsteps = 12\n'
    options = read(config, text, seed=9, preset=None, clips=())
    assert (options.seed, options.preset, options.models, options.device) == (9, "quick", ("c3d",), "auto")
    found = options.method_parameters()
    assert found["kernels"] == KERNELS.preset("quick").model_copy(update={"steps": 12})
    assert found["saliency"] == SALIENCY.preset("quick")


def test_the_working_folder_s_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_options({}).seed == 0
    Path("reportgen.toml").write_text("seed = 5\n")
    assert load_options({}).seed == 5


def test_paths_and_lists_of_a_file_are_paths_and_tuples(config: Path) -> None:
    options = read(config, 'runs = "else"\ncontrasts = [["a", "b"]]\n', zoo=(Path("own"),))
    assert (options.runs, options.contrasts, options.zoo) == (Path("else"), (("a", "b"),), (Path("own"),))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sed = 1\n", "did you mean seed"),
        ("[kernls]\nsteps = 1\n", "did you mean kernels"),
        ("[kernels]\nstepz = 5\n", "parameter of [kernels] named 'stepz': did you mean steps?"),
        ("[kernels]\nseed = 5\n", "parameter of [kernels] named 'seed'"),
        ("[check]\nfaithful = [0.2, 0.1]\n", "parameter of [check] named 'faithful': did you mean faithful_maps?"),
        ("[clip_spec]\nfrmes = 8\n", "no field 'frmes' (did you mean frames?)"),
        ("[evidence]\nclips = 8\n", "parameter of [evidence] named 'clips'"),
        ("[saliency]\nmethods = ['grads']\n", "[saliency] methods[0] is 'grads': did you mean gradients?"),
        ("[pyramid]\nscoring = 'sum'\n", "[pyramid] scoring is 'sum': choose attribution or published."),
        ("choose = 'selectiv'\n", "The option choose is 'selectiv': did you mean selective?"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(config: Path, text: str, named: str) -> None:
    assert named in refusal(config, text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("seed = '5'\n", "The option seed is '5': it must be a whole number."),
        ("seed = true\n", "The option seed is true: it must be a whole number."),
        ("seed = 1979-05-27\n", "The option seed is '1979-05-27': it must be a whole number."),
        ("untrained = 'yes'\n", "The option untrained is 'yes': it must be true or false."),
        ("models = 'c3d'\n", "The option models is 'c3d': it must be a list."),
        ("saliency = 3\n", "it must be a table."),
        ("[kernels]\nsteps = 2.5\n", "[kernels] steps is 2.5: it must be a whole number."),
        ("[kernels]\ngrow = 1\n", "[kernels] grow is 1: it must be true or false."),
        ("[kernels]\njitter = 4\n", "[kernels] jitter is 4: it must be a list."),
        ("[faithfulness]\ncheck_boxes = [2, 3]\n", "[faithfulness] check_boxes[2] is [2, 3]: a value is missing"),
        ("[clip_spec]\nheight = 'tall'\n", "--clip-spec is not valid: height"),
    ],
)
def test_a_value_of_another_type_is_refused(config: Path, text: str, named: str) -> None:
    assert named in refusal(config, text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("seed = -1\n", "The option seed is -1: it must be at least 0."),
        (f"seed = {2**64}\n", "it must be at most"),
        ("[saliency]\nsteps = -3\n", "[saliency] steps is -3: it must be at least 1."),
        ("[saliency]\nmethods = []\n", "[saliency] methods is []: it must have at least 1 value."),
        ("[kernels]\nwork = nan\n", "[kernels] work is nan: it must be a finite number."),
        *(
            (f"[kernels]\ncount = {value}\n", f"[kernels] count is {value}: {SELECTION}")
            for value in ("nan", "inf", "1.5", "true", "[1, 2]")
        ),
        *((f"kernels = {value}\n", f"The option kernels is {value}: {SELECTION}") for value in ("nan", "-inf", "[3]")),
        ("[kernels]\ncount = 'x'\n", "[kernels] count is not valid: kernels 'x' is not a number, 'all', or a list"),
        ("[kernels]\nscale = ['a', 1.0]\n", "[kernels] scale[0] is 'a': it must be a number."),
        ("[kernels]\nscale = [nan, 1.0]\n", "[kernels] scale[0] is nan: it must be a finite number."),
        ("[check]\nfaithful_maps = ['a', 0.1]\n", "[check] faithful_maps[0] is 'a': it must be a number."),
        ("[kernels]\nlearning_rate = inf\n", "[kernels] learning_rate is inf: it must be a finite number."),
        ("[kernels]\nscale = [1.2, 0.8]\n", "give the smallest and the largest magnification."),
        ("[kernels]\ncount = 0\n", "0 kernels are none"),
        ("[pyramid]\nper_layer = 'best'\n", "'best' is neither 'all' nor the like of 'top5_in2'."),
        ("[pyramid.per_layer]\nconv1 = 0\n", "[pyramid] per_layer.conv1 is 0: it must be at least 1."),
        ("[check]\nfaithful_maps = [nan, 0.1]\n", "[check] faithful_maps[0] is nan: it must be a finite number."),
        ("[clip_spec]\nframes = 0\n", "--clip-spec is not valid: frames"),
        ("[clip_spec]\nmean = [nan]\n", "[clip_spec] mean[0] is nan: it must be a finite number."),
        ("[model_args]\nwidth = -inf\n", "[model_args] width is -inf: it must be a finite number."),
        ('site = "a\\u0000b"\n', "The option site is 'a\\x00b': it holds a NUL"),
        ('clips = ["x.gif", "a\\u0000b"]\n', "The option clips is 'a\\x00b': it holds a NUL"),
    ],
)
def test_a_value_out_of_range_is_refused(config: Path, text: str, named: str) -> None:
    assert named in refusal(config, text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[saliency]\nmethods = ['gradients']\nwindow = [2, 4, 4]\n", "only occlusion would read it"),
        ("[kernels]\nbasis = 'pixels'\npower = 2\n", 'only the basis "fft" has frequencies'),
        ("[pyramid]\ntop = 4\nmass = 0.5\n", "[pyramid] mass cannot be set so: top chooses the kernels."),
        ("[path]\nseeds = 0\nsteps = 9\n", "[path] steps cannot be set so: with seeds = 0"),
        ("[faithfulness]\nmethods = ['deeplift']\n", "[saliency] makes no map by deeplift"),
        ("[faithfulness]\nsamples = 3\n", "the maps are made with 16, set it in [saliency]"),
    ],
)
def test_values_that_contradict_each_other_are_refused(config: Path, text: str, named: str) -> None:
    assert named in refusal(config, text)


def test_every_bad_value_is_named_at_once(config: Path) -> None:
    text = "sed = 1\ndevice = 'gpu'\n[kernels]\nstepz = 5\nwork = -1\n[saliency]\nsteps = 0\n[check]\npathway = 1\n"
    said = refusal(config, text, preset="quik", frames="9:3", analyses=("kernls",))
    for word in ("seed", "gpu", "steps?", "[kernels] work", "[saliency] steps", "pathways", "quick", "9:3", "kernels?"):
        assert word in said
    assert said.count("There is no") == 5


def test_one_unknown_name_keeps_its_own_error() -> None:
    with pytest.raises(UnknownNameError, match="did you mean quick"):
        load_options({"preset": "quik"})


def test_a_file_that_is_no_toml_is_refused(config: Path) -> None:
    assert "not valid TOML" in refusal(config, "preset = \n")


def test_limits_of_the_audit_come_from_the_table_check(config: Path) -> None:
    limits = read(config, "[check]\nfaithful_maps = [0.2, 0.1]\n").check
    assert (limits.faithful_maps, limits.above_real) == ((0.2, 0.1), (0.9, 0.5))


def test_names_belong_to_the_models_that_they_are_given_with(config: Path) -> None:
    config.write_text('models = ["c3d", "i3d"]\nnames = ["before", "after"]\n')
    assert load_options({}, config=config).names == ("before", "after")
    assert load_options({"models": ("c3d",)}, config=config).names == ()
    assert load_options({"models": ("c3d",), "names": ("mine",)}, config=config).names == ("mine",)
    assert load_options({"names": ("x", "y")}, config=config).names == ("x", "y")


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("one",), "as many --name as --model"),
        (("one", "two", "three"), "as many --name as --model"),
        (("one", "one"), "share the folder"),
        (("my net", "my-net"), "share the folder"),
        (("Net", "net"), "share the folder"),
        (("", "b"), "letter or digit"),
        (("../", "b"), "letter or digit"),
        (("a\nb", "b"), "printable"),
        (("a" * 81, "b"), "at most 80"),
    ],
)
def test_names_that_cannot_tell_networks_apart_are_refused(names: tuple[str, ...], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        load_options({"models": ("c3d", "i3d"), "names": names})


@pytest.mark.parametrize(
    "text", ['models = ["net.py:make"]', 'models = ["exported.pt2"]', 'zoo = ["mine"]', 'models = ["i3d", "a.b:c"]']
)
def test_a_file_that_nobody_named_names_no_programs(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have come with a folder that somebody unpacked; who names it by --config trusts it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reportgen.toml").write_text(text)
    with pytest.raises(OptionError, match=r"names programs .*--config reportgen\.toml"):
        load_options({})
    assert load_options({}, config=Path("reportgen.toml"))
    given = {"models": ("i3d",), "zoo": (tmp_path,)}
    assert load_options(given).models == ("i3d",)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_limits_are_finite_numbers(number: str, tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    for line in (f"explained_variance = {number}", f"above_real = [{number}, 0.5]"):
        path.write_text(f"[check]\n{line}\n")
        with pytest.raises(OptionError, match=r"\[check\] .* must be a finite number"):
            load_options({}, config=path)


@pytest.fixture
def found_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file that nobody names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / CONFIG_FILE


def test_a_flag_of_slurm_leaves_the_files_other_values(found_file: Path) -> None:
    found_file.write_text('executor = "slurm"\n[slurm]\npartition = "gpu"\nminutes = 600\n')
    found = load_options({"slurm": {"minutes": 60}}).slurm
    assert (found.partition, found.minutes) == ("gpu", 60)


def test_what_jobs_ask_for_is_said_once(found_file: Path) -> None:
    found_file.write_text('executor = "slurm"\n[slurm]\nmemory = "8G"\n')
    with pytest.raises(OptionError, match="memory and mem-per-cpu say the same"):
        load_options({"slurm": {"extra": ("mem-per-cpu=1G",)}})
    with pytest.raises(OptionError, match="--slurm minutes is given twice"):
        slurm_options(["minutes=60", "minutes=600"])
    with pytest.raises(OptionError, match="minutes"):
        load_options({"slurm": slurm_options(["minutes=" + "9" * 5000])})
    given = load_options({"slurm": slurm_options(["minutes=60", "processors=2", "qos=low"])}).slurm
    assert (given.minutes, given.processors, given.extra) == (60, 2, ("qos=low",))


def test_a_flag_of_slurm_does_not_let_the_files_containers_in(found_file: Path) -> None:
    found_file.write_text('executor = "slurm"\n[slurm]\nextra = ["container-image=x"]\n')
    with pytest.raises(OptionError, match="may start containers"):
        load_options({"slurm": {"minutes": 60}})
    assert load_options({"slurm": {"extra": ("qos=low",)}}).slurm.extra == ("qos=low",)
    assert load_options({"slurm": {"minutes": 60}}, config=found_file).slurm.extra == ("container-image=x",)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("memory", "lots", "'lots' is not a size such as 16G"),
        ("partition", "a;b", "'a;b' is no name in SLURM"),
        ("minutes", 1, "it must be at least 5"),
        ("extra", ("comment=a\nb",), "is not NAME=VALUE without signs"),
        ("extra", ("comment=a\u2028b",), "is not NAME=VALUE without signs"),
        ("extra", ("wrap=id",), "is none of the further options of sbatch"),
        ("extra", ("gres=gpu:1", "gres=gpu:2"), "gres is given twice"),
    ],
)
def test_what_jobs_of_slurm_cannot_ask_for_is_told_in_words(field: str, value: object, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        load_options({"slurm": {field: value}}, no_file=True)
    assert said in str(caught.value)
