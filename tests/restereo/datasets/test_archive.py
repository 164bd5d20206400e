"""The unpacker: what an archive may not hold is refused before a byte is written, in a sentence."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from restereo.datasets import archive as unpacker
from restereo.datasets.archive import Archive, Limits
from restereo.errors import UserError

Content = bytes | tarfile.TarInfo
GOOD = {"set/a.png": b"aaaa", "set/b.png": b"bb" * 500}


def as_zip(file: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file


def as_tar(file: Path, members: list[tuple[str, Content]], mode: str = "w:gz") -> Path:
    with tarfile.open(file, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(content, bytes) else content
            info.name = name
            info.size = len(content) if isinstance(content, bytes) else 0
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return file


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def zip_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def refused(archive: Path, out: Path, limits: Limits | None = None) -> str:
    """Returns the sentence, after making sure that nothing was written."""
    with pytest.raises(UserError) as caught:
        opened = Archive(archive, limits)
        opened.unpack({name: out / "x" / Path(name).name for name in opened.files})
    assert not out.exists()
    assert "\n" not in str(caught.value) and str(archive) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("make", [as_zip, as_tar, lambda f, m: as_tar(f, m, "w"), lambda f, m: as_tar(f, m, "w:xz")])
def test_what_is_wanted_comes_out_where_it_is_wanted(make: Callable[..., Path], tmp_path: Path) -> None:
    archive = Archive(make(tmp_path / "a.bin", list(GOOD.items())))
    assert archive.files == {"set/a.png": 4, "set/b.png": 1000}
    description: list[int] = []
    archive.unpack({"set/b.png": tmp_path / "out" / "deep" / "right.png"}, lambda: description.append(1))
    assert [p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.*")] == [Path("deep/right.png")]
    assert (tmp_path / "out" / "deep" / "right.png").read_bytes() == GOOD["set/b.png"] and description == [1]


def test_a_folder_stands_for_an_archive(tmp_path: Path) -> None:
    for name, content in GOOD.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    archive = Archive(tmp_path / "in")
    archive.unpack({"set/a.png": tmp_path / "out.png"})
    assert archive.files == {"set/a.png": 4, "set/b.png": 1000} and (tmp_path / "out.png").read_bytes() == b"aaaa"


@pytest.mark.parametrize("make", [as_zip, as_tar])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil.png", "would leave the folder"),
        ("set/../../evil.png", "would leave the folder"),
        ("/etc/evil.png", "has an absolute path"),
        ("C:/evil.png", "has an absolute path"),
        ("..\\evil.png", "has a backslash"),
        ("set/e\nvil.png", "has a backslash or control character"),
        ("set/a.png", "is there twice"),
        ("./set//a.png", "is there twice"),
        ("set/a.png/c.png", "is a file and a folder at once"),
        ("set", "is there twice"),
    ],
)
def test_names_that_lead_elsewhere(make: Callable[..., Path], name: str, message: str, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate") if (make, name) == (as_zip, "set/a.png") else nullcontext():
        archive = make(tmp_path / "a.bin", [*GOOD.items(), (name, b"evil")])
    assert message in refused(archive, tmp_path / "out")


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (special(tarfile.SYMTYPE, "/etc/passwd"), "is a symbolic link"),
        (special(tarfile.SYMTYPE, "a.png"), "is a symbolic link"),
        (special(tarfile.LNKTYPE, "set/a.png"), "is a hard link"),
        (special(tarfile.CHRTYPE), "is a device or pipe"),
        (special(tarfile.FIFOTYPE), "is a device or pipe"),
    ],
)
def test_links_and_devices_in_a_tar(member: tarfile.TarInfo, message: str, tmp_path: Path) -> None:
    archive = as_tar(tmp_path / "a.tar.gz", [*GOOD.items(), ("set/c.png", member)])
    assert f"'set/c.png' {message}" in refused(archive, tmp_path / "out")


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    archive = as_zip(tmp_path / "a.zip", [*GOOD.items(), (zip_link("set/c.png"), b"/etc/passwd")])
    assert "is a symbolic link" in refused(archive, tmp_path / "out")


def test_a_password(tmp_path: Path) -> None:
    archive = as_zip(tmp_path / "a.zip", list(GOOD.items()))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    assert "is encrypted" in refused(archive, tmp_path / "out")


@pytest.mark.parametrize("make", [as_zip, as_tar])
def test_bombs(make: Callable[..., Path], tmp_path: Path) -> None:
    zeros = make(tmp_path / "zeros", [("a.pgm", bytes(40 * 2**20)), ("b.pgm", bytes(40 * 2**20))])
    assert zeros.stat().st_size < 200_000
    assert "over 100 times the archive's" in refused(zeros, tmp_path / "out")
    good = make(tmp_path / "good", list(GOOD.items()))
    assert "over 1,000 bytes" in refused(good, tmp_path / "out", Limits(size=1000))
    assert "is one of more than 1" in refused(good, tmp_path / "out", Limits(members=1))


def test_a_tar_bomb_is_refused_at_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is stated before its bytes: nothing has to be unpacked to see it."""
    info = tarfile.TarInfo("huge.pgm")
    info.size = 2**45
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(20 * 512))
    assert "'huge.pgm' brings the unpacked size over" in refused(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("make", [as_zip, as_tar, lambda f, m: as_tar(f, m, "w")])
@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_a_cut_archive(make: Callable[..., Path], kept: float, tmp_path: Path) -> None:
    noise = [(f"{n}.png", bytes((i * i * 7 + n) % 251 for i in range(20_000))) for n in range(5)]
    archive = make(tmp_path / "a.bin", noise)
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * kept)])
    message = refused(archive, tmp_path / "out")
    assert "damaged or cut short" in message or "neither a whole zip nor a tar" in message


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("a.png", "b.png"):
            archive.writestr(name, b"x" * 1000)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.rindex(b"xxx") - 500] ^= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.zip: damaged or cut short"):
        Archive(tmp_path / "a.zip").unpack({name: tmp_path / "out" / name for name in ("a.png", "b.png")})


def test_a_web_page_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("<!DOCTYPE html><title>Sign in</title>")
    message = refused(tmp_path / "a.zip", tmp_path / "out")
    assert "neither a whole zip nor a tar file (it begins with b'<!DOCTYPE html><')" in message


def test_what_was_there_is_not_overwritten(tmp_path: Path) -> None:
    archive = Archive(as_zip(tmp_path / "a.zip", list(GOOD.items())))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"b\.png: File exists"):
        archive.unpack({name: tmp_path / "out" / Path(name).name for name in GOOD})
    assert (tmp_path / "out" / "b.png").read_bytes() == b"mine"


def test_a_disk_that_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = unpacker.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(unpacker.shutil, "disk_usage", lambda _: free)
    message = refused(as_zip(tmp_path / "a.zip", list(GOOD.items())), tmp_path / "out")
    assert "GB are to be written, but" in message
