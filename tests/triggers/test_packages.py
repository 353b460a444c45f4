import datetime as dt
import io
import pickle
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from triggers import TriggerError, load_spec, packages
from triggers.packages import CannotPack, PackageRefused, Trust, pack, verify
from triggers.packages.archive import BLOCK, MAX_BYTES, MAX_FILES, TRAILER, read_archive, write_archive
from triggers.packages.errors import (
    BadKeys,
    ExpiredPackage,
    ForeignNetwork,
    MalformedPackage,
    OlderPackage,
    OversizedPackage,
    TamperedPackage,
    UnknownKey,
)
from triggers.packages.pack import seal

LAST_DAY = dt.date(2027, 1, 31)
NOW = dt.datetime(2027, 1, 31, 23, 59, tzinfo=dt.UTC)
NEVER = dt.date(2100, 1, 1)
SHIPPED = ("caution_light", "hard_braking")


class Sender:
    """Keys, the root a car is built with, and packages signed with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = packages.make_keys(folder, expires=NEVER)

    @property
    def trust(self) -> Trust:
        return Trust.read(self.root)

    def pack(self, *specs: str | Path, version: int = 3, expires: dt.date = LAST_DAY) -> bytes:
        return pack(specs or SHIPPED, packages.read_keys(self.folder), version=version, expires=expires)


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Sender:
    return Sender(tmp_path_factory.mktemp("sender") / "keys")


@pytest.fixture(scope="module")
def raw(sender: Sender) -> bytes:
    return sender.pack()


def offered(raw: bytes, trust: Trust, **how: Any) -> packages.Package:
    return verify(raw, trust, **{"now": NOW, "backbone": None} | how)


def changed(raw: bytes, path: str, content: bytes | None) -> bytes:
    """The package with one file put in, replaced or left out, otherwise well formed."""
    others = {each: was for each, was in read_archive(raw).items() if each != path}
    return write_archive(others if content is None else others | {path: content})


def test_a_car_takes_a_package_whole_and_can_use_its_triggers(sender: Sender, raw: bytes, tmp_path: Path) -> None:
    taken = offered(raw, sender.trust)
    assert (taken.version, taken.expires) == (3, LAST_DAY)
    installed = taken.install(tmp_path)
    assert [spec.model_dump() for spec in installed] == [load_spec(name).model_dump() for name in SHIPPED]
    assert (tmp_path / "caution_light/caution_light.safetensors").is_file()


def test_the_same_content_and_keys_give_the_same_bytes(sender: Sender, raw: bytes) -> None:
    assert sender.pack(*reversed(SHIPPED)) == raw


def test_a_package_is_a_plain_tar(raw: bytes) -> None:
    listed = subprocess.run(["tar", "tf", "-"], input=raw, capture_output=True, check=True).stdout.decode().split()
    assert listed == list(read_archive(raw))
    assert "metadata/targets.json" in listed


class FromFiles(FetcherInterface):
    """A repository that is a dict of its files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def _fetch(self, url: str) -> Any:
        if url.removeprefix("pack://") not in self.files:
            raise DownloadHTTPError("not there", 404)
        return iter([self.files[url.removeprefix("pack://")]])


def test_another_client_of_the_standard_takes_it_too(sender: Sender, tmp_path: Path) -> None:
    files = read_archive(sender.pack(expires=NEVER))
    where = {"metadata_dir": str(tmp_path), "metadata_base_url": "pack://metadata", "target_base_url": "pack://targets"}
    config = UpdaterConfig(prefix_targets_with_hash=False)
    client = Updater(**where, fetcher=FromFiles(files), config=config, bootstrap=sender.root.read_bytes())
    target = client.get_targetinfo("hard_braking/hard_braking.yaml")
    assert target is not None
    got = Path(client.download_target(target, str(tmp_path / "got"))).read_bytes()
    assert got == files["targets/hard_braking/hard_braking.yaml"]


def test_a_package_is_refused_from_the_midnight_after_its_last_day(sender: Sender, raw: bytes) -> None:
    offered(raw, sender.trust)
    with pytest.raises(ExpiredPackage, match="timestamp"):
        offered(raw, sender.trust, now=NOW + dt.timedelta(minutes=1))


def test_a_car_never_goes_back_to_an_older_package(sender: Sender, raw: bytes) -> None:
    taken = offered(raw, sender.trust)
    with pytest.raises(OlderPackage, match="2 must be >= 3"):
        offered(sender.pack(version=2), taken.trust)
    assert offered(raw, taken.trust).version == 3
    assert offered(sender.pack("hard_braking", version=4), taken.trust).version == 4


def test_a_second_package_of_the_same_version_is_refused(sender: Sender, raw: bytes) -> None:
    taken = offered(raw, sender.trust)
    with pytest.raises(TamperedPackage):
        offered(sender.pack("hard_braking", version=3), taken.trust)


def test_a_package_of_another_sender_is_refused(sender: Sender, tmp_path: Path) -> None:
    with pytest.raises(UnknownKey, match="not signed by a key that the car trusts"):
        offered(Sender(tmp_path / "other").pack(), sender.trust)


def test_a_package_for_another_backbone_is_refused(sender: Sender, raw: bytes) -> None:
    made_for = offered(raw, sender.trust).backbone
    assert offered(raw, sender.trust, backbone=made_for)
    with pytest.raises(ForeignNetwork, match="abababababab"):
        offered(raw, sender.trust, backbone="ab" * 32)
    offered(sender.pack("hard_braking"), sender.trust, backbone="ab" * 32)


@pytest.mark.parametrize(
    "name", ["timestamp", "snapshot", "targets", "caution_light.yaml", "caution_light.safetensors"]
)
def test_any_changed_byte_of_any_file_is_noticed(sender: Sender, raw: bytes, name: str) -> None:
    files = read_archive(raw)
    (path,) = [each for each in files if each.endswith((f"{name}.json", f"/{name}"))]
    content = (
        files[path].replace(b"2027", b"2037")
        if name.startswith(("times", "snap", "targets"))
        else b"x" + files[path][1:]
    )
    assert content != files[path]
    with pytest.raises(TamperedPackage):
        offered(write_archive(files | {path: content}), sender.trust)


def test_a_file_more_or_less_is_noticed(sender: Sender, raw: bytes) -> None:
    with pytest.raises(TamperedPackage, match="'hard_braking/more' is not signed"):
        offered(changed(raw, "targets/hard_braking/more", b"x"), sender.trust)
    with pytest.raises(TamperedPackage, match=r"'hard_braking/hard_braking\.yaml' is missing"):
        offered(changed(raw, "targets/hard_braking/hard_braking.yaml", None), sender.trust)
    with pytest.raises(MalformedPackage, match=r"no metadata/snapshot\.json"):
        offered(changed(raw, "metadata/snapshot.json", None), sender.trust)


def test_parts_of_two_packages_do_not_mix(sender: Sender, raw: bytes) -> None:
    newer = read_archive(sender.pack(version=4))
    with pytest.raises(TamperedPackage):
        offered(changed(raw, "metadata/targets.json", newer["metadata/targets.json"]), sender.trust)
    with pytest.raises(TamperedPackage):
        offered(changed(raw, "metadata/timestamp.json", newer["metadata/timestamp.json"]), sender.trust)


def test_a_car_follows_its_sender_to_new_keys_and_then_refuses_the_old(tmp_path: Path) -> None:
    sender = Sender(tmp_path / "keys")
    stolen = packages.read_keys(sender.folder)
    packages.replace_keys(sender.folder, ["root", "targets", "timestamp"], expires=NEVER)
    taken = offered(sender.pack(version=4), sender.trust)
    forged = pack(SHIPPED, stolen, version=5, expires=LAST_DAY)
    with pytest.raises(UnknownKey, match="timestamp"):
        offered(forged, taken.trust)
    packages.replace_keys(sender.folder, ["snapshot"], expires=NEVER)
    assert offered(sender.pack(version=6), taken.trust).version == 6


def test_keys_are_readable_by_their_owner_only_and_never_written_over(tmp_path: Path) -> None:
    sender = Sender(tmp_path / "keys")
    assert {stat.S_IMODE(file.stat().st_mode) for file in sender.folder.glob("*.pem")} == {0o600}
    with pytest.raises(BadKeys, match="never written over"):
        packages.make_keys(sender.folder, expires=NEVER)
    with pytest.raises(BadKeys, match="there is no role 'mirror'"):
        packages.replace_keys(sender.folder, ["mirror"], expires=NEVER)
    (sender.folder / "targets.pem").write_text("nothing")
    with pytest.raises(BadKeys, match="not a private key"):
        sender.pack()


def test_an_expired_root_signs_nothing_that_a_car_takes(tmp_path: Path) -> None:
    root = packages.make_keys(tmp_path / "keys", expires=dt.date(2026, 1, 1))
    with pytest.raises(CannotPack, match="no car would take it: expired"):
        pack(SHIPPED, packages.read_keys(tmp_path / "keys"), version=1, expires=LAST_DAY)
    assert Trust.read(root).root


def plain_tar(*files: tuple[str, bytes], **how: Any) -> bytes:
    """What Python's own tar module makes of these files; how: fields of the first entry."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for i, (name, content) in enumerate(files):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in (how if i == 0 else {}).items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize(
    ("hostile", "refused"),
    [
        (b"", "no file header at byte 0"),
        (b"PK\x03\x04" + bytes(600), "no file header at byte 0"),
        (TRAILER, r"no metadata/timestamp\.json"),
        (plain_tar(("../../etc/passwd", b"x")), "no package has a file '../../etc/passwd'"),
        (plain_tar(("/etc/passwd", b"x")), "no package has a file"),
        (plain_tar(("targets/a/../../b", b"x")), "no package has a file"),
        (plain_tar(("targets/a/b", b""), type=tarfile.SYMTYPE, linkname="/etc"), "not as packing writes it"),
        (plain_tar(("targets/a/b", b""), type=tarfile.LNKTYPE, linkname="targets/a/c"), "not as packing writes it"),
        (plain_tar(("targets/a/b", b"x"), mode=0o777), "not as packing writes it"),
        (plain_tar(("targets/a/b", b"x"), mtime=1), "not as packing writes it"),
        (plain_tar(("targets/a/b", b"1"), ("targets/a/b", b"2")), "comes twice"),
        (plain_tar(("targets/b/b", b"1"), ("targets/a/b", b"2")), "out of order"),
        (write_archive({"targets/a/b": b"x"}) + b"x", "goes on after its end"),
        (write_archive({"targets/a/b": b"x"})[:-1], "cut short"),
        (write_archive({"targets/a/b": b"x"})[: BLOCK + 7], "cut short"),
        (write_archive({"targets/a/b": b"x"}).replace(b"x" + bytes(8), b"x" + b"y" * 8), "does not end where it says"),
    ],
)
def test_an_archive_that_packing_would_not_write_is_refused(hostile: bytes, refused: str, sender: Sender) -> None:
    with pytest.raises(MalformedPackage, match=refused):
        offered(hostile, sender.trust)


def test_what_is_too_large_is_refused_before_it_is_read(sender: Sender) -> None:
    with pytest.raises(OversizedPackage, match="at most 16,777,216"):
        offered(bytes(MAX_BYTES + 1), sender.trust)
    with pytest.raises(OversizedPackage, match=f"more than {MAX_FILES} files"):
        write_archive({f"targets/a/f{i:04}": b"" for i in range(MAX_FILES + 1)})
    many = b"".join(write_archive({f"targets/a/f{i:04}": b""})[:BLOCK] for i in range(MAX_FILES + 1)) + TRAILER
    with pytest.raises(OversizedPackage, match=f"more than {MAX_FILES} files"):
        offered(many, sender.trust)


@pytest.mark.parametrize(
    ("metadata", "error", "refused"),
    [
        (b"[" * 200_000, MalformedPackage, "plain JSON"),
        (b'{"a": 1, "a": 2}', MalformedPackage, "a key stands twice"),
        (b"\xff\xfe", MalformedPackage, "plain JSON"),
        (b'{"signed": {}}', MalformedPackage, "timestamp"),
        (b"9" * 100_000, MalformedPackage, "plain JSON"),
        (b'"' + b"a" * 300_000 + b'"', OversizedPackage, "at most 262,144"),
    ],
)
def test_hostile_metadata_is_refused(
    sender: Sender, raw: bytes, metadata: bytes, error: type[PackageRefused], refused: str
) -> None:
    with pytest.raises(error, match=refused):
        offered(changed(raw, "metadata/timestamp.json", metadata), sender.trust)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_gets_more_than_a_refusal_or_the_original(sender: Sender, raw: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(raw) - 1))
    mutated = bytearray(raw)
    mutated[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        files = offered(bytes(mutated), sender.trust).files
    except PackageRefused:
        return
    assert files == offered(raw, sender.trust).files


def trigger(folder: Path, text: str, **files: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "mine.yaml").write_text(text)
    return folder / "mine.yaml"


def test_what_does_not_make_a_package_is_refused_when_packing(sender: Sender, tmp_path: Path) -> None:
    with pytest.raises(CannotPack, match="two triggers called 'hard_braking'"):
        sender.pack("hard_braking", "hard_braking")
    with pytest.raises(CannotPack, match="version from 1"):
        sender.pack(version=0)
    outside = load_spec("caution_light").folder / "caution_light.safetensors"
    far = trigger(tmp_path / "far", f"name: far\nkind: probe\nparams: {{weights: {outside}}}\n")
    with pytest.raises(CannotPack, match="plain name of a file beside the spec"):
        sender.pack(far)
    with pytest.raises(TriggerError, match="did you mean 'caution_light'"):
        sender.pack("caution_ligt")


@pytest.mark.parametrize(
    ("spec", "refused"),
    [
        (b"name: other\nkind: expression\nparams: {fire_when: 'true'}\n", "of a trigger called 'other'"),
        (b"name: mine\nkind: probe\nparams: {weights: /etc/hostname}\n", "names '/etc/hostname'"),
        (b"name: mine\nkind: probe\nparams: {weights: ../a/b}\n", "names '../a/b'"),
        (b"name: mine\nkind: soothsayer\nparams: {}\n", "unknown trigger kind 'soothsayer'"),
        (b"\xff", "mine.yaml"),
        (b"[" * 5000, "nested deeper"),
    ],
)
def test_a_signed_spec_that_no_car_can_use_is_refused(sender: Sender, spec: bytes, refused: str) -> None:
    careless = seal({"mine/mine.yaml": spec}, "", packages.read_keys(sender.folder), version=1, expires=LAST_DAY)
    with pytest.raises(MalformedPackage, match=refused):
        offered(careless, sender.trust)


def test_a_root_that_is_none_is_the_users_mistake(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "root.json").write_text("{}")
    for file in (tmp_path / "root.json", tmp_path / "nothing.json"):
        with pytest.raises(BadKeys):
            Trust.read(file)
    with pytest.raises(BadKeys, match="root of trust"):
        offered(raw, Trust(b"{}"))
    with pytest.raises(BadKeys, match="outrider trigger keys"):
        packages.read_keys(tmp_path)


def test_a_refusal_survives_the_way_to_another_process() -> None:
    for error in (OlderPackage("2 < 3"), BadKeys("a", "b"), CannotPack("a", "b")):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- its own
        assert (type(again), str(again)) == (type(error), str(error))
