"""Images are decoded once, by one process, and a cache is whole or not there."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from trainable.cache import CACHE_VARIABLE, ImageCache, open_cache
from trainable.framing import Box, CentralPart, FacePart, ImageSize, decode_image
from trainable.settings import UserError

AS_DRAWN = ImageSize(height=40, width=32)
PNG, JPEG = "red.png", "blue.jpg"
BUILD = """
import sys, time
from pathlib import Path
from trainable.cache import open_cache
from trainable.framing import ImageSize
root, images = Path(sys.argv[1]), sys.argv[2:]
while not (root / "go").exists():
    time.sleep(0.001)
open_cache(root, images, ImageSize(40, 32))
"""
"""Opens a cache as soon as the file `go` stands beside the images."""


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "face-orchestrator" / "images"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images of noise."""
    (tmp_path / "data").mkdir()
    for seed, name in enumerate((PNG, JPEG)):
        write_noise(tmp_path / "data" / name, seed)
    return tmp_path / "data"


def write_noise(file: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 32, 3), np.uint8)
    cv2.imwrite(str(file), pixels)


def read(root: Path, *images: str) -> ImageCache:
    return open_cache(root, images, AS_DRAWN)


def built(own_cache: Path) -> list[Path]:
    """What stands in the cache but for the lock files."""
    return [entry for entry in own_cache.iterdir() if entry.suffix != ".lock"]


def test_pixels_are_those_of_a_direct_decode(own_cache, root):
    cached = read(root, PNG, JPEG)
    png = cv2.cvtColor(cv2.imread(str(root / PNG)), cv2.COLOR_BGR2RGB)
    assert np.array_equal(cached.pixels[0], png)
    assert np.array_equal(cached.pixels[1], np.asarray(Image.open(root / JPEG)))


def test_images_are_resized_to_what_is_asked(own_cache, root):
    cached = open_cache(root, [PNG], ImageSize(height=20, width=64))
    expected = Image.open(root / PNG).resize((64, 20), Image.Resampling.BILINEAR)
    assert np.array_equal(cached.pixels[0], np.asarray(expected))


def test_pixels_cannot_be_written(own_cache, root):
    with pytest.raises(ValueError, match="read-only"):
        read(root, PNG).pixels[0] = 0


def test_part_of_an_image_is_cropped_and_belongs_to_that_image(own_cache, root):
    part = FacePart(Box(4, 8, 20, 28), margin=0)
    cached = open_cache(root, [PNG, JPEG], AS_DRAWN, {PNG: part})
    assert np.array_equal(cached.pixels[0], decode_image((root / PNG).read_bytes(), AS_DRAWN, part))
    assert np.array_equal(cached.pixels[1], decoded(root / JPEG))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {PNG: FacePart(Box(4, 8, 20, 28), 0.1)},
        {PNG: FacePart(Box(4, 8, 20, 29), 0)},
        {JPEG: FacePart(Box(4, 8, 20, 28), 0)},
        {PNG: CentralPart(0.5, 0.5)},
        {PNG: CentralPart(0.5, 0.5, at_bottom=True)},
    ],
)
def test_another_framing_is_another_cache(own_cache, root, changed):
    first = open_cache(root, [PNG, JPEG], AS_DRAWN, {PNG: FacePart(Box(4, 8, 20, 28), 0)})
    second = open_cache(root, [PNG, JPEG], AS_DRAWN, changed)
    assert len(built(own_cache)) == 2
    assert not np.array_equal(first.pixels, second.pixels)


def test_second_open_decodes_nothing(own_cache, root):
    before = read(root, PNG, JPEG)
    times = (root / PNG).stat()
    (root / PNG).write_bytes(bytes(times.st_size))
    os.utime(root / PNG, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = read(root, PNG, JPEG)
    assert after.unreadable == {}
    assert np.array_equal(after.pixels, before.pixels)


def test_changed_file_is_decoded_anew(own_cache, root):
    before = read(root, PNG, JPEG)
    write_noise(root / PNG, seed=7)
    after = read(root, PNG, JPEG)
    assert not np.array_equal(after.pixels[0], before.pixels[0])
    assert np.array_equal(after.pixels[1], before.pixels[1])


@pytest.mark.parametrize("images", [(JPEG, PNG), (PNG,)])
def test_other_images_or_another_order_are_another_cache(own_cache, root, images):
    read(root, PNG, JPEG)
    assert np.array_equal(read(root, *images).pixels[0], decoded(root / images[0]))
    assert len(built(own_cache)) == 2


def decoded(file: Path) -> np.ndarray:
    return decode_image(file.read_bytes(), AS_DRAWN)


def test_digests_are_equal_for_equal_bytes_alone(own_cache, root):
    (root / "copy.png").write_bytes((root / PNG).read_bytes())
    first, second, copy = read(root, PNG, JPEG, "copy.png").digests
    assert first == copy
    assert first != second


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"not an image", "it is no JPEG or PNG"),
        ("first half", "truncated"),
    ],
)
def test_unreadable_image_is_black_and_told_with_its_reason(own_cache, root, content, reason):
    if content == "first half":
        content = (root / JPEG).read_bytes()
        content = content[: len(content) // 2]
    (root / JPEG).write_bytes(content)
    cached = read(root, PNG, JPEG)
    assert list(cached.unreadable) == [1]
    assert reason in cached.unreadable[1]
    assert not cached.pixels[1].any()


def test_image_that_the_system_cannot_read_is_told_with_its_reason(own_cache, root):
    (root / "folder.png").mkdir()
    assert read(root, PNG, "folder.png").unreadable == {1: "Is a directory"}


def test_link_to_nowhere_is_told_and_is_read_once_it_leads_somewhere(own_cache, root):
    (root / "link.png").symlink_to(root / "later.png")
    assert read(root, PNG, "link.png").unreadable == {1: "No such file or directory"}
    (root / "later.png").write_bytes((root / PNG).read_bytes())
    assert read(root, PNG, "link.png").unreadable == {}


def test_threads_that_ask_at_once_build_one_cache(own_cache, faces_root):
    images = sorted(str(file.relative_to(faces_root)) for file in faces_root.rglob("*.jpg"))
    barrier = threading.Barrier(4)

    def ask(_: int) -> ImageCache:
        barrier.wait()
        return read(faces_root, *images)

    with ThreadPoolExecutor(4) as pool:
        caches = list(pool.map(ask, range(4)))
    assert all(np.array_equal(cache.pixels, caches[0].pixels) for cache in caches)
    assert len(built(own_cache)) == 1


def test_processes_that_ask_at_once_build_one_cache(own_cache, root):
    images = [PNG, JPEG] * 500
    processes = [start_build(root, images) for _ in range(2)]
    (root / "go").touch()
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert len(built(own_cache)) == 1


def test_killed_build_leaves_no_cache_and_the_next_one_succeeds(own_cache, root):
    images = [PNG] * 5000  # some seconds of work
    process = start_build(root, images)
    (root / "go").touch()
    wait_until(lambda: own_cache.exists() and built(own_cache))
    process.kill()
    process.wait()
    assert [entry.name[0] for entry in built(own_cache)] == ["."]
    whole = read(root, *images)
    assert whole.unreadable == {}
    assert built(own_cache) == [whole.folder]


def test_system_that_cannot_set_room_aside_builds_the_same_cache(own_cache, root, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    assert np.array_equal(read(root, PNG).pixels[0], decoded(root / PNG))


def test_full_disk_says_where_decoded_images_go(own_cache, root, disk_full_after):
    told = rf"cannot keep .* in {own_cache}.*{CACHE_VARIABLE}"
    with disk_full_after(1000), pytest.raises(UserError, match=told):
        read(root, PNG, JPEG)
    assert built(own_cache) == []


def start_build(root: Path, images: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", BUILD, str(root), *images])


def wait_until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
