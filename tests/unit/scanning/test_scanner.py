"""A word is found in whatever it is packed into, and what only looks like it is not."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from reportgen.errors import ForbiddenWordError, RenderError
from reportgen.media.video import mp4_bytes
from reportgen.outputs.latex.text import tex
from reportgen.scanning.machine import forbidden_words, machine_words
from reportgen.scanning.scanner import check_report, scan
from reportgen.scanning.words import ForbiddenWord, ForbiddenWords

NAME = "Mustermann"
WORDS = ForbiddenWords(
    [
        ForbiddenWord(NAME, "the user's name"),
        ForbiddenWord("root", "the user's name", common=True),
        ForbiddenWord("vm", "the host"),
    ]
)
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def found(content: bytes, tmp_path: Path, name: str = "file", words: ForbiddenWords = WORDS) -> list[str]:
    path = tmp_path / "it"
    path.write_bytes(content)
    return [hit.word.text for hit in scan(path, words, name)]


def zipped(name: str, content: bytes, comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        archive.writestr(name, content)
    return file.getvalue()


def tarred(owner: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.uname = owner
        archive.addfile(entry)
    return file.getvalue()


def picture(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def png_text(key: str, text: str, **options: object) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(key, text, zip=True) if options.pop("international", False) else info.add_text(key, text, **options)
    return picture("PNG", pnginfo=info)


def exif(text: str) -> bytes:
    found = Image.Exif()
    found[0x013B] = text
    return found.tobytes()


def array(values: object) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, names=np.array(values))
    return file.getvalue()


def pdf(body: bytes, stream: bytes = b"") -> bytes:
    return written_pdf(zlib.compress(stream)).replace(b"\n", b"\n" + body + b"\n", 1)


def spliced(told: bytes) -> bytes:
    """An archive with bytes behind its files and before its list."""
    whole = zipped("a", b"content")
    at = whole.rindex(b"PK\x01\x02")
    end = whole.rindex(b"PK\x05\x06")
    moved = struct.pack("<I", at + len(told))
    return whole[:at] + told + whole[at : end + 16] + moved + whole[end + 20 :]


def written_pdf(stream: bytes) -> bytes:
    return b"%PDF-1.7\n<< /Length 1 >>\nstream\n" + stream + b"\nendstream\ntrailer << /Root 1 0 R >>\n%%EOF"


CASES: dict[str, Callable[[], bytes]] = {
    "plain text": f"by {NAME}, 2026".encode,
    "upper case": lambda: NAME.upper().encode(),
    "percent signs": lambda: "".join(f"%{byte:02X}" for byte in NAME.encode()).encode(),
    "percent signs twice": lambda: "".join(f"%25{byte:02X}" for byte in NAME.encode()).encode(),
    "escapes of JSON": lambda: b'{"a": "%b"}' % "".join(f"\\u{ord(sign):04x}" for sign in NAME).encode(),
    "escapes of JavaScript": lambda: "".join(f"\\x{ord(sign):02x}" for sign in NAME).encode(),
    "references of HTML": lambda: "".join(f"&#{ord(sign)};" for sign in NAME).encode(),
    "UTF-16 with a mark": lambda: f"by {NAME}".encode("utf-16"),
    "UTF-16 without one": lambda: f"written by {NAME} himself".encode("utf-16-be"),
    "a data address": lambda: b'<img src="data:text/plain;base64,' + base64.b64encode(NAME.encode()) + b'">',
    "a long run of base64": lambda: b'x="' + base64.b64encode(zipped("a", NAME.encode())) + b'"',
    "base64 behind other signs": lambda: b"v1/" + base64.urlsafe_b64encode(f"..{NAME}".encode()),
    "gzip": lambda: gzip.compress(NAME.encode()),
    "the name in gzip": lambda: b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + NAME.encode() + b"\0" + zlib.compress(b"")[2:-4],
    "zlib": lambda: zlib.compress(NAME.encode()),
    "the second member of gzip": lambda: gzip.compress(b"a") + gzip.compress(NAME.encode()),
    "behind gzip": lambda: gzip.compress(b"a") + NAME.encode(),
    "the second stream of bzip2": lambda: bz2.compress(b"a") + bz2.compress(NAME.encode()),
    "the second stream of xz": lambda: lzma.compress(b"a") + lzma.compress(NAME.encode()),
    "hexadecimal digits": lambda: b"x = 0x" + NAME.encode().hex().encode() + b";",
    "many hexadecimal digits": lambda: (b"as " * 70 + NAME.encode()).hex().encode(),
    "breaks of LaTeX": lambda: tex(f"{NAME}/{'a' * 40}{NAME}").encode(),
    "a word that may be broken": f"{NAME[:4]}<wbr>{NAME[4:7]}\u00ad{NAME[7:]}".encode,
    "bzip2": lambda: bz2.compress(NAME.encode()),
    "xz": lambda: lzma.compress(NAME.encode()),
    "tar": lambda: tarred(NAME),
    "zip in zip in gzip": lambda: gzip.compress(zipped("a.zip", zipped("b.txt", NAME.encode()))),
    "a name in a zip": lambda: zipped(f"home/{NAME}/a.txt", b""),
    "the comment of a zip": lambda: zipped("a", b"", NAME.encode()),
    "PNG tEXt": lambda: png_text("Author", NAME),
    "PNG zTXt": lambda: png_text("Author", NAME, zip=True),
    "PNG iTXt": lambda: png_text("Author", NAME, international=True),
    "PNG eXIf": lambda: picture("PNG", exif=exif(NAME)),
    "PNG iCCP": lambda: picture("PNG", icc_profile=b"profile of " + NAME.encode()),
    "behind a PNG": lambda: picture("PNG") + NAME.encode(),
    "WebP EXIF": lambda: picture("WEBP", exif=exif(NAME)),
    "WebP XMP": lambda: picture("WEBP", xmp=f"<x:xmpmeta>{NAME}</x:xmpmeta>".encode()),
    "AVIF EXIF": lambda: picture("AVIF", exif=exif(NAME)),
    "AVIF XMP": lambda: picture("AVIF", xmp=f"<x:xmpmeta>{NAME}</x:xmpmeta>".encode()),
    "JPEG EXIF": lambda: picture("JPEG", exif=exif(NAME)),
    "JPEG comment": lambda: picture("JPEG", comment=NAME.encode()),
    "GIF comment": lambda: picture("GIF", comment=NAME.encode()),
    "behind a GIF": lambda: picture("GIF") + NAME.encode(),
    "a box of MP4": lambda: (
        mp4_bytes(np.zeros((2, 16, 16, 3), np.uint8)) + struct.pack(">I4s", 18, b"udta") + NAME.encode()
    ),
    "NPZ": lambda: array([NAME, "b"]),
    "kerned letters of PDF": lambda: pdf(b"", f"BT [({NAME[:3]}) -20 ({NAME[3:]})] TJ ET".encode()),
    "ASCII85 in PDF": lambda: written_pdf(base64.a85encode(zlib.compress(NAME.encode())) + b"~>"),
    "a string of PDF": lambda: pdf(f"1 0 obj << /Author ({NAME}) >> endobj".encode()),
    "octal signs of PDF": lambda: pdf(b"<< /Author (" + "".join(f"\\{ord(s):03o}" for s in NAME).encode() + b") >>"),
    "UTF-16 in PDF": lambda: pdf(b"<< /Author (\xfe\xff" + NAME.encode("utf-16-be") + b") >>"),
    "hexadecimal signs of PDF": lambda: pdf(b"<< /A <FEFF" + NAME.encode("utf-16-be").hex().encode() + b"> >>"),
    "an object stream of PDF": lambda: pdf(b"", f"1 0 << /Author ({NAME}) >>".encode()),
    "metadata of PDF": lambda: pdf(b"", f"<x:xmpmeta>{NAME}</x:xmpmeta>".encode()),
}


def test_a_short_name_is_found_between_the_files_of_a_zip(tmp_path: Path) -> None:
    assert found(spliced(b" Chen "), tmp_path, words=ForbiddenWords(forbidden_words(["Chen"]))) == ["Chen"]
    assert not found(spliced(b" kitchen "), tmp_path, words=ForbiddenWords(forbidden_words(["Chen"])))


@pytest.mark.parametrize(
    "start",
    [b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\1\0", b"\x04\x22\x4d\x18", b"\x89HDF\r\n\x1a\n"],
)
def test_what_is_packed_in_a_way_that_is_not_known_is_refused(start: bytes, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="not unpacked here"):
        found(start + b"\x8f" * 40, tmp_path)
    with pytest.raises(RenderError, match="not unpacked here"):
        found(zipped("a", start + b"\x8f" * 40), tmp_path)
    with pytest.raises(RenderError, match="/Encrypt"):
        found(pdf(b"<< /Encrypt 3 0 R >>"), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        tex("from José Müller"),
        r"author = {Jos{\'e} M{\"u}ller}",
        r"Jos\303\251 M\303\274ller",
        r"b'Jos\xc3\xa9 M\xc3\xbcller'",
        "<tspan>José</tspan>\n        <tspan x='3'>Müller</tspan>",
        "by José\n                Müller",
        "José <b class='x'>Müller</b>",
    ],
)
def test_a_name_is_found_as_tex_bytes_and_lines_spell_it(text: str, tmp_path: Path) -> None:
    assert found(text.encode(), tmp_path, words=ForbiddenWords(forbidden_words(["José Müller"]))) == ["José Müller"]


@pytest.mark.parametrize("name", ["Łukasz Sørensen", "Strauß", "Иванова", "Æsir"])
def test_a_name_of_any_letters_is_found_in_latex(name: str, tmp_path: Path) -> None:
    assert found(tex(name).encode(), tmp_path, words=ForbiddenWords(forbidden_words([name]))) == [name]


@pytest.mark.parametrize("kind", CASES)
def test_a_word_is_found(kind: str, tmp_path: Path) -> None:
    assert NAME in found(CASES[kind](), tmp_path)


def test_a_page_of_a_pdf_is_read_by_its_fonts_tables(tmp_path: Path) -> None:
    codes = {sign: number for number, sign in enumerate(sorted(set(NAME)), start=3)}
    table = "".join(f"<{code:04x}> <{ord(sign):04x}>\n" for sign, code in codes.items())
    shown = " -20 ".join(f"<{codes[sign]:04x}>" for sign in NAME)
    font = zlib.compress(f"2 beginbfchar\n{table}endbfchar".encode())
    page = f"BT /F1 9 Tf [{shown}] TJ ET".encode()
    content = pdf(b"4 0 obj <<>>\nstream\n" + font + b"\nendstream", page)
    assert found(content, tmp_path) == [NAME]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "JPEG", "GIF"])
def test_a_plain_picture_holds_no_name(kind: str, tmp_path: Path) -> None:
    assert not found(picture(kind), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "the root of all, :root { } html>root",
        "assets/root/x.js root-digest.txt",
        "a vm runs; x.vm(3)",
        "Mustermen",
    ],
)
def test_common_and_short_words_are_none_in_prose_and_style_sheets(text: str, tmp_path: Path) -> None:
    assert not found(text.encode(), tmp_path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("open /root/x.py", "root"),
        ("file:///root/x.py", "root"),
        ("C:\\\\Users\\\\root\\\\x.py", "root"),
        ("root@somewhere", "root"),
        ("jane@vm", "vm"),
        ("http://vm:8000/", "vm"),
        ("../vm/x.mp4", "vm"),
        ("%2Froot%2Fx", "root"),
        ('{"path": "\\/root\\/x"}', "root"),
    ],
)
def test_common_and_short_words_are_found_in_paths_and_addresses(text: str, word: str, tmp_path: Path) -> None:
    assert found(text.encode(), tmp_path) == [word]


def test_common_and_short_words_are_found_in_metadata(tmp_path: Path) -> None:
    assert found(png_text("Author", "root"), tmp_path) == ["root"]
    assert found(picture("WEBP", exif=exif("vm")), tmp_path) == ["vm"]
    assert found(picture("AVIF", exif=exif("vm")), tmp_path) == ["vm"], "EXIF lies among the pixels there"
    assert found(zipped("x/root/a.txt", b""), tmp_path) == ["root"]
    assert found(zipped("x/root-digest.txt", b""), tmp_path) == []


@pytest.mark.parametrize(
    "spelled", ["José Müller", "JOSE MULLER", "jose.muller", "Jose_Mu\u0308ller", "jose%20m%C3%BCller"]
)
def test_case_accents_and_what_parts_a_name_do_not_hide_it(spelled: str, tmp_path: Path) -> None:
    words = ForbiddenWords(forbidden_words(["José Müller"]))
    assert found(spelled.encode(), tmp_path, words=words) == ["José Müller"]


def test_a_name_of_other_letters_is_found_in_utf_16(tmp_path: Path) -> None:
    words = ForbiddenWords(forbidden_words(["Иванова"]))
    assert found(b"\0\1\2" + "ИВАНОВА".encode("utf-16-le"), tmp_path, words=words)


def test_a_short_word_is_no_part_of_a_longer_one(tmp_path: Path) -> None:
    words = ForbiddenWords(forbidden_words(["Chen"]))
    assert not found(b"kitchen", tmp_path, words=words)
    assert found(b"Chen_lab", tmp_path, words=words) == ["Chen"]


def test_names_of_files_are_looked_through(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"{NAME}.txt").write_text("")
    assert [hit.sentence for hit in scan(tmp_path / "a", WORDS, "a")] == [
        f"the name of {NAME}.txt holds 'mustermann', the user's name"
    ]
    assert found(b"", tmp_path, name=f"report-{NAME}.zip") == [NAME]


def test_the_sentence_says_file_and_word(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zipped("report/a.png", png_text("Author", NAME)))
    with pytest.raises(ForbiddenWordError, match=r"x\.zip \(report/a\.png, its chunk tEXt\) holds 'mustermann'"):
        check_report(path, WORDS, "x.zip")


def test_what_cannot_be_looked_through_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="damaged"):
        found(zipped("a", NAME.encode())[:-30], tmp_path)
    with pytest.raises(RenderError, match="damaged"):
        found(zipped("a", NAME.encode()).replace(zlib.compress(NAME.encode())[2:-4], b"\0" * 12), tmp_path)
    deep = NAME.encode()
    for _ in range(12):
        deep = gzip.compress(deep)
    with pytest.raises(RenderError, match="packed into one another"):
        found(deep, tmp_path)


def test_random_bytes_hold_no_words(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(1 << 20)
    assert not found(content, tmp_path)
    assert not found(json.dumps(base64.b64encode(content).decode()).encode(), tmp_path)


def test_the_machine_is_known_by_its_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("USER", "wendelgard")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "w.gard@phys.example.edu")
    monkeypatch.setenv("TZ", "Europe/Zurich")
    monkeypatch.setattr("socket.gethostname", lambda: "gpu17.phys.example.edu")
    (tmp_path / "some-project").mkdir()
    monkeypatch.chdir(tmp_path / "some-project")
    monkeypatch.setenv("HOME", "/home/wendelgard")
    known = {word.text: word for word in machine_words()}
    expected = {"wendelgard", "w.gard@phys.example.edu", "Europe/Zurich", "gpu17.phys.example.edu", "gpu17"}
    assert expected | {"phys.example.edu", "example.edu", "/home/wendelgard", str(Path.cwd())} <= known.keys()
    assert not known["wendelgard"].common


@pytest.mark.slow
@pytest.mark.parametrize(
    "user", ["runner", "kernel", *(pytest.param(one, marks=pytest.mark.long) for one in ("root", "video", "report"))]
)
def test_names_that_every_report_holds_are_common(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", user)
    assert next(word for word in machine_words() if word.text == user).common


def test_remotes_of_git_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in ("objects", "refs"):
        (tmp_path / ".git" / name).mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "config").write_text(
        '[remote "origin"]\n\turl = git@forge.example.edu:wgard-lab/blind-paper.git\n[user]\n\tname = Wendel Gard\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    known = {word.text: word for word in machine_words()}
    assert {"forge.example.edu/wgard-lab/blind-paper", "wgard-lab", "blind-paper", "Wendel Gard"} <= known.keys()
    assert known["Gard"].narrow


def test_names_of_reportgens_own_files_tell_of_nobody(tmp_path: Path) -> None:
    words = ForbiddenWords([ForbiddenWord("main", "a remote of Git", common=True)])
    assert found(zipped("report/assets/js/weights/main.js", b"x"), tmp_path, words=words) == []
    assert found(b"\\input{parts} % main.tex", tmp_path, "main.tex", words=words) == []
    assert found(b"from /srv/main/clips", tmp_path, words=words) == ["main"]
    tells = ForbiddenWords([ForbiddenWord("tulip", "the host's name", common=True)])
    assert found(zipped("report/tulip.js", b"x"), tmp_path, words=tells) == ["tulip"]
