"""IDX files for tests, written byte by byte as the format's description says."""

import gzip
import struct
from pathlib import Path

import numpy as np

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(numbers, kind="u1"):
    """A header and numbers, big-endian."""
    numbers = np.asarray(numbers)
    header = struct.pack(">4B", 0, 0, CODES[kind], numbers.ndim)
    return header + struct.pack(f">{numbers.ndim}I", *numbers.shape) + numbers.astype(f">{kind}").tobytes()


def write_idx(path, numbers, kind="u1", packed=False):
    content = idx_bytes(numbers, kind)
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    return str(path)


def write_digits(folder: Path) -> dict[str, str]:
    """scikit-learn's digits, 8 x 8 pixels of 0 to 16, as four files; the keys of the dataset."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))
    images, labels = digits.images[order], digits.target[order]
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "images": write_idx(folder / "train-images-idx3-ubyte.gz", images[:1437], packed=True),
        "labels": write_idx(folder / "train-labels-idx1-ubyte.gz", labels[:1437], packed=True),
        "test_images": write_idx(folder / "t10k-images-idx3-ubyte", images[1437:]),
        "test_labels": write_idx(folder / "t10k-labels-idx1-ubyte", labels[1437:]),
    }
