from pathlib import Path

import numpy as np
import pytest

from fleet.errors import ForeignCheckpoint
from fleet.simulation.checkpoint import pack, unpack

ARRAYS = {"a/b": np.arange(3), "names": np.array(["x", "yy"]), "none": np.zeros(0, np.str_)}


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "c.npz").write_bytes(pack(ARRAYS, {"clips": [[1, 0.5, "t"]], "granted": {"c": True}}))
    arrays, facts = unpack(tmp_path / "c.npz")
    assert {name: values.tolist() for name, values in arrays.items()} == {n: v.tolist() for n, v in ARRAYS.items()}
    assert facts == {"clips": [[1, 0.5, "t"]], "granted": {"c": True}}


def test_objects_cannot_be_packed() -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        pack({"evil": np.array([print])}, {})


@pytest.mark.parametrize("part", [0.0, 0.2, 0.9])
def test_a_checkpoint_cut_short_is_an_error_that_names_it(tmp_path: Path, part: float) -> None:
    whole = pack(ARRAYS, {})
    (tmp_path / "c.npz").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ForeignCheckpoint, match=r"c\.npz.*damaged"):
        unpack(tmp_path / "c.npz")


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    whole = bytearray(pack(ARRAYS, {}))
    whole[whole.index(b"NUMPY") + 130] ^= 1
    (tmp_path / "c.npz").write_bytes(whole)
    with pytest.raises(ForeignCheckpoint, match="damaged"):
        unpack(tmp_path / "c.npz")
