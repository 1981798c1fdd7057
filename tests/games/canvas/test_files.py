"""The picture in a file: it returns unchanged, is never half written, and a damaged one is reported, not changed."""

import contextlib
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from games.canvas import __main__ as canvas
from games.canvas import files, rules
from games.canvas.files import FileTrouble, Keeper
from tests.games.canvas.drawings import pieces_of


@pytest.fixture
def pieces(rng: random.Random) -> list[bytes]:
    return pieces_of(rng, 50)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picture.json"


def test_a_picture_that_was_saved_is_loaded_as_it_was(path: Path, pieces: list[bytes]) -> None:
    files.save(path, pieces)
    assert files.load(path) == pieces


def test_strokes_of_several_artists_stay_apart_and_in_order(path: Path, rng: random.Random) -> None:
    mixed = [p for pair in zip(pieces_of(rng, 9, artist=3), pieces_of(rng, 9, artist=700), strict=False) for p in pair]
    files.save(path, mixed)
    loaded = files.load(path)
    assert [rules.line_of(piece) for piece in loaded] == [rules.line_of(piece) for piece in mixed]
    assert len(set(map(rules.stroke_of, loaded))) == len(set(map(rules.stroke_of, mixed)))


def test_no_file_is_an_empty_picture(path: Path) -> None:
    assert files.load(path) == []
    assert not path.exists()


def test_no_folder_is_said_at_the_beginning(tmp_path: Path) -> None:
    with pytest.raises(FileTrouble, match="no folder"):
        files.load(tmp_path / "nowhere" / "picture.json")


def test_wherever_a_file_was_cut_off_it_is_damaged_and_stays_as_it_is(path: Path, pieces: list[bytes]) -> None:
    files.save(path, pieces)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(FileTrouble, match=r"damaged.*The file was not changed"):
            files.load(path)
        assert path.read_bytes() == whole[:length]


def test_wherever_a_byte_is_another_it_is_damaged_or_the_same_picture(
    path: Path, pieces: list[bytes], rng: random.Random
) -> None:
    files.save(path, pieces)
    whole = path.read_bytes()
    for place in rng.sample(range(len(whole)), 300):
        path.write_bytes(whole[:place] + bytes([rng.randrange(256)]) + whole[place + 1 :])
        with contextlib.suppress(FileTrouble):
            assert files.load(path) == pieces


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": "pygase-canvas", "version": 2}', b"PNG"],
    ids=str,
)
def test_what_is_no_picture_is_said_to_be_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(FileTrouble, match="damaged, or no picture"):
        files.load(path)


@pytest.mark.parametrize(
    "row", [[0, 1, 1, "????"], [0, 99, 1, "AZABkA=="], [-1, 1, 1, "AZABkA=="], [0, 1, 1], None, [0, 1, 1, ""]]
)
def test_a_wrong_piece_under_a_right_checksum_is_damage_too(path: Path, row: Any) -> None:
    document = files.document_of([])
    document |= {"pieces": [row], "checksum": files.checksum([row])}
    path.write_text(json.dumps(document))
    with pytest.raises(FileTrouble, match="damaged"):
        files.load(path)


@pytest.mark.parametrize("function", ["replace", "fsync", "fdopen"])
def test_a_write_that_fails_leaves_the_old_picture_and_no_litter(
    path: Path, pieces: list[bytes], function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.save(path, pieces)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(FileTrouble, match="No space left"):
        files.save(path, pieces[:3])
    monkeypatch.undo()
    assert files.load(path) == pieces
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="links take a privilege there")
def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path, pieces: list[bytes]) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    files.save(real, pieces)
    real.chmod(0o600)
    link.symlink_to(real)
    files.save(link, pieces[:5])
    assert link.is_symlink()
    assert files.load(real) == pieces[:5]
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_keeper_saves_in_the_background_what_is_new(path: Path, pieces: list[bytes]) -> None:
    keeper = Keeper(path)
    assert keeper.load() == []
    assert keeper.save_soon(pieces)
    keeper.wait()
    assert files.load(path) == pieces
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert keeper.save_now(pieces)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before, "what is in the file already is not written again"


def test_a_keeper_that_cannot_save_says_so_and_goes_on(path: Path, pieces: list[bytes]) -> None:
    keeper = Keeper(path.parent / "gone" / "picture.json")
    assert not keeper.save_now(pieces)
    assert "could not be saved" in keeper.trouble
    (path.parent / "gone").mkdir()
    assert keeper.save_now(pieces)
    assert keeper.trouble == ""


def test_two_hosts_of_one_picture_do_not_overwrite_each_other(path: Path, pieces: list[bytes]) -> None:
    files.save(path, pieces[:1])
    ada, bob = Keeper(path), Keeper(path)
    assert ada.load() == bob.load() == pieces[:1]
    assert ada.save_now(pieces[:2])
    assert bob.save_now(pieces[:3])
    assert ada.save_now(pieces[:4])
    assert ada.trouble == ""
    assert bob.save_now(pieces[:5])
    assert bob.trouble == "Another program has saved a picture in picture.json. This one now goes to picture-2.json."
    assert (files.load(path), files.load(path.with_name("picture-2.json"))) == (pieces[:4], pieces[:5])


def test_a_file_that_was_taken_away_is_written_again(path: Path, pieces: list[bytes]) -> None:
    keeper = Keeper(path)
    keeper.load()
    keeper.save_now(pieces[:1])
    path.unlink()
    keeper.save_now(pieces)
    assert files.load(path) == pieces


def test_a_damaged_file_ends_the_program_with_a_sentence_before_anything_is_served(path: Path, capsys: Any) -> None:
    path.write_bytes(b"{")
    status = canvas.main(["host", "--headless", "--bind", "127.0.0.1", "--port", "1", "--file", str(path)])
    assert status == 1
    error = capsys.readouterr().err
    assert "damaged" in error
    assert str(path) in error
    assert "Traceback" not in error
    assert path.read_bytes() == b"{"
