import os
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
from little_drives import plain_scenario, write_scenario

from scenarios.errors import CorruptDrive
from scenarios.recorded.pickles import numbers, read_plain_pickle
from scenarios.recorded.scenarionet import read_scenario


class _Runs:
    """Unpickling it calls a function with arguments."""

    def __init__(self, call: object, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple:
        return self.call, self.arguments


def _saved(folder: Path, value: object, protocol: int = 4) -> Path:
    file = folder / "a.pkl"
    file.write_bytes(pickle.dumps(value, protocol=protocol))
    return file


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_plain_values_and_arrays_survive_every_protocol(tmp_path: Path, protocol: int) -> None:
    value = {
        "a": [1, (2.5, "x"), None, True],
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "s": np.float32(0.5),
    }
    read = read_plain_pickle(
        _saved(tmp_path, value | {"i": np.array([[1], [2]], ">i4"), "b": np.array([True])}, protocol)
    )
    assert read["a"] == value["a"]
    assert np.array_equal(numbers(read["f"]), value["f"])
    assert read["s"] == 0.5
    assert numbers(read["i"]).tolist() == [[1], [2]]
    assert numbers(read["b"]).tolist() == [1]


def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for hostile in (
        _Runs(os.system, f"touch {trace}"),
        _Runs(eval, f"open({str(trace)!r}, 'w')"),
        _Runs(Path, "x"),
        _Runs(getattr, "", "join"),
    ):
        file = _saved(tmp_path, plain_scenario() | {"extra": hostile})
        with pytest.raises(CorruptDrive, match=r"a\.pkl.*hostile.*expected a ScenarioNet"):
            read_scenario(file)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name",
    [
        "numpy.load",
        "numpy.core.multiarray.fromfile",
        "numpy.testing.measure",
        "builtins.set",
        "builtins.getattr",
        "collections.OrderedDict",
    ],
)
def test_no_other_name_is_let_in_not_even_of_numpy(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    (tmp_path / "a.pkl").write_bytes(f"c{module}\n{attribute}\n.".encode())
    with pytest.raises(pickle.UnpicklingError, match="hostile"):
        read_plain_pickle(tmp_path / "a.pkl")


def test_a_dotted_name_does_not_reach_through_an_allowed_one(tmp_path: Path) -> None:
    text = b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93."
    (tmp_path / "a.pkl").write_bytes(text)
    with pytest.raises(pickle.UnpicklingError, match="hostile"):
        read_plain_pickle(tmp_path / "a.pkl")


def test_stand_ins_cannot_be_changed_by_a_pickle(tmp_path: Path) -> None:
    changed = b"cnumpy\ndtype\n(N(dS'numpy'\nNstb."  # BUILD with attributes to set on the class itself
    (tmp_path / "a.pkl").write_bytes(changed)
    with pytest.raises((TypeError, pickle.UnpicklingError)):
        read_plain_pickle(tmp_path / "a.pkl")
    assert numbers(read_plain_pickle(_saved(tmp_path, np.arange(3.0)))).tolist() == [0, 1, 2]


def test_arrays_of_objects_are_no_numbers(tmp_path: Path) -> None:
    file = _saved(tmp_path, np.array([{}, "x"], dtype=object))
    with pytest.raises((TypeError, ValueError)):
        numbers(read_plain_pickle(file))


def test_an_array_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    raw = pickle.dumps(np.arange(3.0), protocol=2)
    position = next(
        place for code, argument, place in pickletools.genops(raw) if code.name == "BININT1" and argument == 3
    )
    (tmp_path / "a.pkl").write_bytes(raw[:position] + b"J\xff\xff\xff\x7f" + raw[position + 2 :])
    with pytest.raises((ValueError, MemoryError)):
        numbers(read_plain_pickle(tmp_path / "a.pkl"))


def _refusal(file: Path, content: bytes) -> CorruptDrive | None:
    file.write_bytes(content)
    try:
        read_scenario(file)
    except CorruptDrive as error:
        return error
    return None


def test_every_truncation_is_refused_by_name(tmp_path: Path) -> None:
    good = write_scenario(tmp_path / "good.pkl").read_bytes()
    refusals = [_refusal(tmp_path / "bad.pkl", good[:length]) for length in range(0, len(good) - 1, 97)]
    assert {refusal and refusal.file for refusal in refusals} == {tmp_path / "bad.pkl"}


def test_a_flipped_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    good = write_scenario(tmp_path / "good.pkl").read_bytes()
    flipped = [good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :] for place in range(0, len(good), 61)]
    refusals = [_refusal(tmp_path / "bad.pkl", content) for content in flipped]  # any other error would end the test
    assert any(refusals)
