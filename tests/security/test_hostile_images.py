"""An image file from anyone takes neither all memory nor a third decoder, and is named."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.data.files import image_size
from analysis.sheets import face, readable_face
from orchestrator.photo_sheet import read_photo
from trainable.config import DataConfig
from trainable.dataset import load_data, unreadable_images
from trainable.framing import ImageSize, decode_image
from trainable.image_files import DAMAGED, DataFolder, read_image
from trainable.settings import UserError
from trainable.table import read_table

IMAGE = "train/images/000000_male_Asian_19/mask1.jpg"
SIZE = ImageSize(32, 32)
PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 32, 3), dtype=np.uint8))
ORIENTATION, MAKER, EXPOSURE = 0x0112, 0x010F, 0x829A
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PSD = b"8BPS\x00\x01" + bytes(6) + struct.pack(">HIIHH", 3, 40, 32, 8, 3) + bytes(12)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 40\n%%EndComments\nshowpage\n"


def encoded(kind: str, image: Image.Image = PHOTO, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def with_chunk(name: bytes, content: bytes) -> bytes:
    """Return a PNG with one more chunk before its pixels."""
    start, rest = encoded("PNG").split(b"\x00\x00\x00\rIHDR", 1)
    header = b"\x00\x00\x00\rIHDR" + rest[:17]
    return start + header + chunk(name, content) + rest[17:]


def with_size(content: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose header tells of another size."""
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", height, width) + content[place + 4 :]


def png_of(width: int, height: int) -> bytes:
    """Return a black PNG of one bit a pixel, small however large it is."""
    rows, squeeze = (bytes(1 + (width + 7) // 8),) * height, zlib.compressobj(9)
    pixels = b"".join([*map(squeeze.compress, rows), squeeze.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BOMB = zlib.compress(bytes(100_000_000), 9)
HOSTILE = {
    "png of huge size": (png_of(20_000, 20_000), "pixels"),
    "png of twice a camera's size": (png_of(12_000, 9_000), "12000 x 9000 pixels are more than"),
    "jpeg of huge size": (with_size(encoded("JPEG"), 65_000, 65_000), "pixels"),
    "bomb in zTXt": (with_chunk(b"zTXt", b"Comment\x00\x00" + BOMB), "too large"),
    "bomb in iTXt": (with_chunk(b"iTXt", b"Comment\x00\x01\x00\x00\x00" + BOMB), "too large"),
    "bomb in iCCP": (with_chunk(b"iCCP", b"profile\x00\x00" + BOMB), "too large"),
    "truncated png": (encoded("PNG")[:-900], "truncated"),
    "truncated jpeg": (encoded("JPEG")[:-300], "truncated"),
    "beginning of a jpeg": (encoded("JPEG")[:20], "it is no JPEG or PNG"),
    "tiff": (encoded("TIFF"), "it is no JPEG or PNG"),
    "gif": (encoded("GIF"), "it is no JPEG or PNG"),
    "bmp": (encoded("BMP"), "it is no JPEG or PNG"),
    "webp": (encoded("WEBP"), "it is no JPEG or PNG"),
    "svg": (SVG, "it is no JPEG or PNG"),
    "psd": (PSD, "it is no JPEG or PNG"),
    "eps, for which Ghostscript would be called": (EPS, "it is no JPEG or PNG"),
    "pickle": (b"cos\nsystem\n(S'touch hacked'\ntR.", "it is no JPEG or PNG"),
}


@pytest.mark.filterwarnings("ignore:Image size")
def test_hostile_images_stop_the_trial_and_are_named(own_faces):
    (own_faces / IMAGE).write_bytes(HOSTILE["bomb in zTXt"][0])
    with pytest.raises(UserError, match=rf"1 image.*{IMAGE} \(Decompressed data too large"):
        load_data(DataConfig(root=str(own_faces)))


@pytest.mark.filterwarnings("ignore:Image size")
def test_hostile_images_are_left_out_and_listed_if_asked(own_faces):
    images = read_table(own_faces).images["image"][: len(HOSTILE)].tolist()
    for image, (content, _) in zip(images, HOSTILE.values(), strict=True):
        (own_faces / image).write_bytes(content)
    data = load_data(DataConfig(root=str(own_faces), skip_unreadable=True))
    found = dict(unreadable_images(data))
    assert list(found) == images == data.skipped
    for image, (name, (_, reason)) in zip(images, HOSTILE.items(), strict=True):
        assert reason in found[image], name


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize("name", HOSTILE)
def test_page_leaves_a_hostile_image_out(tmp_path, name):
    (tmp_path / "a.jpg").write_bytes(HOSTILE[name][0])
    assert readable_face(DataFolder(tmp_path), "a.jpg") is None
    with pytest.raises(DAMAGED):
        read_photo(HOSTILE[name][0])


def test_page_reads_an_image_s_size_with_the_same_two_decoders(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded("TIFF"))
    with pytest.raises(ValueError, match="no JPEG or PNG"):
        image_size(tmp_path / "a.jpg")


def test_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no room
    with pytest.raises(ValueError, match="1000000 MB are more than any camera's"):
        read_image(tmp_path / "a.jpg")


def exif_of(*entries: tuple[int, int, int, int]) -> bytes:
    """Return EXIF of such tags, kinds, counts and values, whatever the standard says of them."""
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"Exif\x00\x00II*\x00" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)


def odd_exif(tag: int, kind: int, count: int, value: int) -> bytes:
    """Return EXIF that turns an image and has one more tag, of a kind that the tag never has."""
    return exif_of((ORIENTATION, 3, 1, 6), (tag, kind, count, value))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("odd", [(3, 1, 0), (3, 1, 9), (3, 1, 65535), (2, 2, 0x36), (10, 1, 8)])
def test_unknown_orientation_leaves_an_image_as_it_is(kind, odd):
    found = decode_image(encoded(kind, exif=exif_of((ORIENTATION, *odd))), SIZE)
    assert np.array_equal(found, decode_image(encoded(kind), SIZE))


@pytest.mark.parametrize(
    "odd",
    [
        odd_exif(EXPOSURE, 2, 4, 0x61626300),  # text where a fraction belongs
        odd_exif(MAKER, 5, 1, 8),  # a fraction where text belongs
        odd_exif(MAKER, 3, 2, 0x00010002),  # numbers where text belongs
        odd_exif(EXPOSURE, 12, 1, 8),  # a float where a fraction belongs
        odd_exif(MAKER, 2, 2**31, 8),  # text that ends after the file
        odd_exif(MAKER, 77, 1, 8),  # a kind that does not exist
    ],
)
@pytest.mark.filterwarnings("ignore:Tag data larger")
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_image_with_odd_exif_is_decoded_upright(tmp_path: Path, odd, kind):
    content = encoded(kind, exif=odd)
    found = decode_image(content, SIZE)
    plain = PHOTO if kind == "PNG" else Image.open(io.BytesIO(encoded(kind)))
    turned = plain.transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(found, np.asarray(turned.resize((32, 32), Image.Resampling.BILINEAR)))
    (tmp_path / "a.jpg").write_bytes(content)
    assert face(tmp_path / "a.jpg").shape == (128, 96, 3)


def test_every_orientation_is_undone():
    for value in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = value
        content = encoded("PNG", exif=exif)
        undone = PHOTO if value == 1 else PHOTO.transpose(TURNS[value])
        whole = decode_image(content, ImageSize(undone.height, undone.width))
        assert np.array_equal(whole, np.asarray(undone))
