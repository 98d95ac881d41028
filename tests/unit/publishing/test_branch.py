"""A site on a branch of a remote: one commit of ours, nothing of anybody else's replaced, nothing here touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reportgen.commands import publish as command
from reportgen.commands.publish import publish
from reportgen.errors import OptionError, PublishError, RenderError
from reportgen.publishing import contents
from tests.unit.publishing.folders import add_commit, branch_files, git, make_repository, make_site


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository = make_repository(tmp_path / "here")
    make_site(repository / "site")
    monkeypatch.chdir(repository)
    return repository


@pytest.fixture
def there(here: Path) -> Path:
    return here.parent / "there.git"


def test_a_dry_run_pushes_nothing_and_says_what_it_would(here: Path, there: Path) -> None:
    plan = publish()
    assert git(there, "for-each-ref") == ""
    assert (plan.branch, plan.replaces, plan.files, plan.pushed, plan.changed) == ("gh-pages", None, 3, False, True)
    assert plan.size == sum(
        path.stat().st_size for path in (here / "site").rglob("*") if path.name[0] != "." and path.is_file()
    )
    assert plan.remote == str(there)


def test_the_branch_holds_the_site_as_one_commit_that_the_next_replaces(here: Path, there: Path) -> None:
    first = publish(push=True)
    assert git(there, "rev-parse", "gh-pages") == first.commit
    make_site(here / "site", words="two", more={"net/new.html": "new"})
    second = publish(push=True)
    assert second.replaces == first.commit
    assert git(there, "rev-list", "gh-pages") == second.commit
    files = branch_files(there)
    assert files.pop(".nojekyll") == ""
    assert "Nets & kernels" in files.pop(".reportgen-pages.json")
    assert files == {path: (here / "site" / path).read_text() for path in files}
    assert set(files) == {"index.html", "net/layer.html", "net/new.html", "assets/a.css"}


def test_what_is_there_already_is_not_pushed_again(here: Path, there: Path) -> None:
    first = publish(push=True)
    again = publish(push=True)
    assert not again.changed
    assert not again.pushed
    assert git(there, "rev-parse", "gh-pages") == first.commit


@pytest.mark.parametrize("state", ["clean", "dirty index", "locked index", "detached", "unborn", "worktree", "bare"])
def test_the_repository_is_as_it_was(here: Path, there: Path, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    match state:
        case "dirty index":
            (here / "staged.txt").write_text("staged")
            git(here, "add", "staged.txt")
            (here / "staged.txt").write_text("and edited")
            git(here, "rm", "--quiet", "--cached", "net.py")
        case "locked index":
            (here / ".git/index.lock").touch()
        case "detached":
            git(here, "checkout", "--quiet", "--detach")
        case "unborn":
            git(here, "checkout", "--quiet", "--orphan", "nothing")
        case "worktree":
            git(here, "worktree", "add", "--quiet", "../beside")
            monkeypatch.chdir(here.parent / "beside")
        case "bare":
            git(here.parent, "clone", "--quiet", "--bare", "here", "bare.git")
            git(here.parent / "bare.git", "remote", "set-url", "origin", str(there))
            monkeypatch.chdir(here.parent / "bare.git")
    # An environment as a hook has it must lead nowhere else.
    monkeypatch.setenv("GIT_INDEX_FILE", str(here / ".git/index"))
    monkeypatch.setenv("GIT_DIR", str(here / ".git"))
    before = _state(here.parent, except_for=there)
    done = publish(here / "site", push=True)
    assert _state(here.parent, except_for=there) == before
    assert git(there, "rev-parse", "gh-pages") == done.commit


def _state(folder: Path, except_for: Path) -> dict[str, str]:
    """Return the digest of every file, of the repositories' own too."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(except_for))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_nothing_of_a_hostile_repository_is_run(here: Path, there: Path) -> None:
    """Hooks, filters and programs that the settings of a folder name: whoever unpacked it did not choose them."""
    mark = here.parent / "ran"
    program = here.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    hooks = here / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("pre-push", "pre-commit", "post-commit", "reference-transaction", "post-index-change", "commit-msg"):
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    (here / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.askPass", "core.pager", "core.editor", "core.gitProxy"),
        *("filter.evil.clean", "filter.evil.smudge", "diff.evil.command", "gpg.program", "credential.helper"),
        *("remote.origin.uploadpack", "remote.origin.receivepack", "uploadpack.packObjectsHook"),
    ):
        git(here, "config", key, str(program))
    for key, value in (("core.hooksPath", str(hooks)), ("commit.gpgSign", "true"), ("core.autocrlf", "true")):
        git(here, "config", key, value)
    make_site(here / "site", more={"lines.txt": "a\r\nb\n"})
    publish(push=True)
    assert not mark.exists()
    assert git(there, "cat-file", "-s", "gh-pages:lines.txt") == "5"


def test_the_account_s_hooks_and_line_ends_change_nothing(
    here: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = here.parent / "hooks"
    hooks.mkdir()
    for hook in ("pre-push", "reference-transaction", "post-index-change"):
        # The remote lies on this machine, too, and runs its own.
        (hooks / hook).write_text(f'#!/bin/sh\ncase "$PWD" in {there}) ;; *) touch {here.parent / "ran"};; esac\n')
        (hooks / hook).chmod(0o755)
    settings = here.parent / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    make_site(here / "site", more={"lines.txt": "a\r\nb\r\n"})
    publish(push=True)
    assert not (here.parent / "ran").exists()
    assert git(there, "cat-file", "-s", "gh-pages:lines.txt") == "6"


@pytest.mark.parametrize("url", ["ext::sh -c 'touch ran'", "--upload-pack=touch ran", "ssh://-oProxyCommand=touch/x"])
def test_an_address_that_runs_a_program_is_refused(here: Path, url: str) -> None:
    git(here, "config", "remote.origin.url", url)
    with pytest.raises((OptionError, PublishError)):
        publish(push=True)
    assert not (here / "ran").exists()


@pytest.mark.parametrize("amend", [False, True])
def test_a_branch_that_somebody_else_changed_is_refused(here: Path, there: Path, amend: bool) -> None:
    publish(push=True)
    theirs = add_commit(there, {"mine.txt": "mine"}, "Add mine", amend=amend)
    with pytest.raises(PublishError, match="did not publish"):
        publish(push=True)
    assert git(there, "rev-parse", "gh-pages") == theirs


def test_a_branch_of_somebody_else_is_refused_and_named(here: Path, there: Path) -> None:
    git(here, "push", "--quiet", "origin", "main")
    with pytest.raises(PublishError, match="Begin"):
        publish(branch="main", push=True, replace=True)
    assert git(there, "log", "--format=%s", "main") == "Begin"


def test_a_domain_that_github_committed_is_kept(here: Path, there: Path) -> None:
    publish(push=True)
    add_commit(there, {"CNAME": "report.example.org\n"}, "Create CNAME")
    make_site(here / "site", words="two")
    done = publish(push=True)
    assert (done.domain, done.address) == ("report.example.org", "https://report.example.org/")
    assert branch_files(there)["CNAME"] == "report.example.org"
    assert git(there, "rev-list", "--count", "gh-pages") == "1"


def test_a_domain_beside_the_site_is_published_and_other_files_are_not(here: Path, there: Path) -> None:
    (here / "site/CNAME").write_text("nets.example.org\n")
    (here / "site/notes.txt").write_text("private")
    done = publish(push=True)
    assert done.left_out == ("notes.txt",)
    files = branch_files(there)
    assert files["CNAME"] == "nets.example.org"
    assert "notes.txt" not in files


def test_a_branch_that_changes_meanwhile_is_left_as_it_is(
    here: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(push=True)
    make_site(here / "site", words="two")
    commit = command.commit

    def late(*words: object) -> str:
        add_commit(there, {"mine.txt": "mine"}, "Add mine")
        return commit(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "commit", late)
    with pytest.raises(PublishError, match="changed by somebody else meanwhile"):
        publish(push=True)
    assert git(there, "log", "-1", "--format=%s", "gh-pages") == "Add mine"


def test_a_new_branch_that_appears_meanwhile_is_left_as_it_is(
    here: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = command.commit

    def late(*words: object) -> str:
        git(here, "push", "--quiet", "origin", "main:gh-pages")
        return commit(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "commit", late)
    with pytest.raises(PublishError, match="meanwhile"):
        publish(push=True)
    assert git(there, "log", "--format=%s", "gh-pages") == "Begin"


def test_a_remote_that_refuses_says_why(here: Path, there: Path) -> None:
    hook = there / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'only robots may push' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PublishError, match=r"pre-receive hook declined.*only robots"):
        publish(push=True)


def test_bad_requests_are_refused(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="origin"):
        publish(remote="upstream")
    with pytest.raises(OptionError, match="`branch="):
        publish(branch="a..b")
    with pytest.raises(OptionError, match="`name`"):
        publish(latest=True)
    with pytest.raises(RenderError, match="no site"):
        publish(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    git(here, "config", "remote.origin.url", str(tmp_path / "gone.git"))
    with pytest.raises(PublishError, match="does not answer"):
        publish()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PublishError, match="no git repository"):
        publish(here / "site")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PublishError, match="no git here"):
        publish(here / "site")


def test_an_address_needs_no_repository(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.parent)
    publish(here / "site", remote=str(there), push=True)
    assert "index.html" in branch_files(there)


def test_a_folder_that_is_no_finished_site_of_ours_is_refused(here: Path) -> None:
    other = here / "other"
    other.mkdir()
    (other / "index.html").write_text("mine")
    with pytest.raises(RenderError, match="not a site that reportgen wrote"):
        publish(other)
    (here / "site/net/layer.html").write_text("edited by hand")
    with pytest.raises(RenderError, match="does not hold what reportgen wrote"):
        publish()


def test_limits_are_kept_and_the_largest_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_site(here / "site", more={"big.bin": "x" * 900, "huge.bin": "x" * 2000})
    monkeypatch.setattr(contents, "FILE_LIMIT", 1000)
    with pytest.raises(PublishError, match=r"huge\.bin") as told:
        publish()
    assert "big.bin" not in str(told.value)
    monkeypatch.setattr(contents, "FILE_LIMIT", 10_000)
    monkeypatch.setattr(contents, "SITE_LIMIT", 3000)
    with pytest.raises(PublishError, match=r"huge\.bin.*big\.bin"):
        publish()


def test_the_limits_are_those_of_github_pages() -> None:
    assert (contents.SITE_LIMIT, contents.FILE_LIMIT) == (10**9, 10**8)
