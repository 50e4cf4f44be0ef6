"""Images are decoded once, by one process, and a cache is whole or not there."""

import io
import os
import resource
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

from trainable.cache import CACHE_VARIABLE, ImageCache, ImageSize, decode_image, open_cache
from trainable.config import UserError

AS_DRAWN = ImageSize(height=40, width=32)
PNG, JPEG = "red.png", "blue.jpg"
BUILD = """
import sys, time
from pathlib import Path
from trainable.cache import ImageSize, open_cache
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
        (b"not an image", "cannot identify image file"),
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
    assert "directory" in read(root, PNG, "folder.png").unreadable[1]


def test_photograph_is_turned_upright():
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    lying = np.zeros((32, 40, 3), np.uint8)
    lying[:, :20] = 255
    Image.fromarray(lying).save(buffer, "png", exif=exif)
    upright = decode_image(buffer.getvalue(), AS_DRAWN)
    assert (upright[:20] == 255).all()
    assert (upright[20:] == 0).all()


def test_transparent_and_grey_images_become_rgb():
    for mode in ("L", "P", "RGBA", "1"):
        buffer = io.BytesIO()
        Image.new(mode, (32, 40), 1).save(buffer, "png")
        assert decode_image(buffer.getvalue(), AS_DRAWN).shape == (40, 32, 3)


@pytest.mark.filterwarnings("ignore:Image size")
def test_image_larger_than_any_camera_makes_is_refused_unread():
    buffer = io.BytesIO()
    Image.new("1", (20_000, 6_000)).save(buffer, "png")
    with pytest.raises(ValueError, match="20000 x 6000 pixels"):
        decode_image(buffer.getvalue(), AS_DRAWN)


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
    os.mkfifo(root / "slow.png")  # reading it waits until somebody writes
    process = start_build(root, [PNG, "slow.png"])
    (root / "go").touch()
    wait_until(lambda: own_cache.exists() and built(own_cache))
    process.kill()
    process.wait()
    assert all(entry.name.startswith(".") for entry in built(own_cache))
    with ThreadPoolExecutor(1) as pool:
        pool.submit((root / "slow.png").write_bytes, (root / PNG).read_bytes())
        assert read(root, PNG, "slow.png").unreadable == {}


def test_full_disk_says_where_decoded_images_go(own_cache, root):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UserError, match=rf"cannot keep .* in {own_cache}.*{CACHE_VARIABLE}"):
            read(root, PNG, JPEG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert built(own_cache) == []


def start_build(root: Path, images: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", BUILD, str(root), *images])


def wait_until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
