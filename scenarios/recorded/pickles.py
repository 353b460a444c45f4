"""Pickles from strangers: dictionaries, lists, numbers, texts and arrays of numbers come out, nothing else is built.

A pickle is a program. This reader gives it no function to call: the few names that numpy's arrays are written with are
stood in for by small classes of ours, which keep what they are told and check it; every other name is refused. Not even
numpy's own unpickling code sees the bytes.
"""

import pickle
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

_CODES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "O8", "O"})
"""Element types that an array may have; text arrays (U, S) are let through as lists are, by their letter."""


class _Inert:
    """Base of the stand-ins: a pickle may make them and cannot change them or their class."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError(f"state for something that has none: {type(self).__name__}")


class _ArrayType(_Inert):
    """Stands for the name numpy.ndarray, which is only ever passed on."""

    __slots__ = ()

    def __new__(cls) -> NoReturn:
        raise pickle.UnpicklingError("an array made by hand")


class _ElementType(_Inert):
    """Stands for numpy.dtype: a code out of a short list and a byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, align: object = False, copy: object = True) -> None:
        del align, copy
        text = code.decode("ascii") if isinstance(code, bytes) else code
        if not isinstance(text, str) or (text not in _CODES and text[:1] not in {"U", "S"}):
            raise pickle.UnpicklingError(f"array elements of type {code!r}")
        self.code = text
        self.order = "="

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in {"<", ">", "=", "|"}:
            raise pickle.UnpicklingError("an array element type that is none")
        self.order = state[1]

    def numpy(self) -> np.dtype[Any]:
        """The type, of numbers or text only."""
        if self.code.startswith("O"):
            raise pickle.UnpicklingError("an array of objects where numbers were expected")
        return np.dtype(self.code).newbyteorder("=" if self.order == "|" else self.order)  # type: ignore[arg-type]


class Array(_Inert):
    """An array as it was written; `numbers` makes it one."""

    __slots__ = ("_state",)

    def __init__(self, kind: object, shape: object, code: object) -> None:
        del shape, code
        if kind is not _ArrayType:
            raise pickle.UnpicklingError("a kind of array other than numpy's own")
        self._state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _ElementType):
            raise pickle.UnpicklingError("an array whose contents are no array's")
        self._state = state

    def unpacked(self) -> Any:
        """The array; a list where its elements are objects."""
        if not self._state:
            raise pickle.UnpicklingError("an array without contents")
        _, shape, kind, columns_first, raw = self._state
        if isinstance(raw, list):
            return raw
        if not isinstance(raw, bytes) or not all(isinstance(side, int) and side >= 0 for side in shape):
            raise pickle.UnpicklingError("an array whose contents are no array's")
        return np.frombuffer(raw, kind.numpy()).reshape(shape, order="F" if columns_first else "C")


class _Buffered(Array):
    """An array as pickle protocol 5 writes it: bytes, type, shape, order in one call."""

    __slots__ = ()

    def __init__(self, raw: object, kind: object, shape: object, order: object = "C") -> None:
        if not isinstance(raw, bytes | bytearray) or not isinstance(kind, _ElementType):
            raise pickle.UnpicklingError("an array whose contents are no array's")
        self._state = (1, shape, kind, order == "F", bytes(raw))


class _Scalar(_Inert):
    """Stands for a numpy number, which comes out as Python's."""

    __slots__ = ()

    def __new__(cls, kind: object, raw: object) -> Any:
        if not isinstance(kind, _ElementType) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("a number that is none")
        return np.frombuffer(raw, kind.numpy())[0].item()


class _Encoded(_Inert):
    """Stands for _codecs.encode, by which old protocols write bytes."""

    __slots__ = ()

    def __new__(cls, text: object, encoding: object) -> Any:
        if not isinstance(text, str) or encoding != "latin1":
            raise pickle.UnpicklingError("bytes that are none")
        return text.encode("latin1")


_NAMES: dict[str, Any] = {
    "numpy.ndarray": _ArrayType,
    "numpy.dtype": _ElementType,
    "_codecs.encode": _Encoded,
}
for _core in ("numpy.core", "numpy._core"):
    _NAMES |= {
        f"{_core}.multiarray._reconstruct": Array,
        f"{_core}.multiarray.scalar": _Scalar,
        f"{_core}.numeric._frombuffer": _Buffered,
    }


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _NAMES[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(
                f"asks for {module}.{name}, which a recorded drive has no use for: it may be hostile"
            ) from None

    def persistent_load(self, pid: Any, /) -> NoReturn:
        raise pickle.UnpicklingError(f"refers to something outside the file: {pid!r}")


def read_plain_pickle(file: Path) -> Any:
    """What a pickle holds, arrays as `Array`; UnpicklingError where it is not plain, others where it is broken."""
    with file.open("rb") as stream:
        return _Reader(stream).load()


def numbers(value: object) -> NDArray[np.float64]:
    """An `Array`, a number or nested lists of numbers as float64; ValueError or TypeError for anything else."""
    plain = value.unpacked() if isinstance(value, Array) else value
    if isinstance(plain, list | tuple):
        plain = [numbers(item) if isinstance(item, Array) else item for item in plain]
    made = np.asarray(plain)
    if made.dtype.kind not in "biuf":
        raise ValueError("text or objects where numbers were expected")
    return made.astype(np.float64)
