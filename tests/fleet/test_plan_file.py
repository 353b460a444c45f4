import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from fleet.errors import BadPlan, PlanNotFound, PluginMissing
from fleet.plan_file import PLANS, load_plan, plan_names


def refusal(tmp_path: Path, text: str, overrides: Sequence[str] = ()) -> str:
    """What a user reads who wrote this plan."""
    path = tmp_path / "city.yaml"
    path.write_text(text)
    with pytest.raises(BadPlan) as refused:
        load_plan(str(path), overrides)
    return str(refused.value).replace(f"{tmp_path}/", "")


def test_an_unknown_plan_is_named_with_its_nearest() -> None:
    with pytest.raises(PlanNotFound, match="did you mean 'rainy_city'"):
        load_plan("rany_city")


def test_an_unknown_field_is_named_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    assert refusal(tmp_path, "world: rainy_city\ncasr: 5\n") == (
        "city.yaml:2: casr: unknown field; did you mean 'cars'?"
    )


def test_an_unknown_field_of_a_part_is_compared_with_that_part(tmp_path: Path) -> None:
    said = refusal(tmp_path, "world: rainy_city\nloadout:\n  trigger: [a]\n")
    assert said == "city.yaml:3: loadout.trigger: unknown field; did you mean 'triggers'?"


def test_a_wrong_type_says_what_was_expected_and_found(tmp_path: Path) -> None:
    said = refusal(tmp_path, "world: rainy_city\n\ncars: many\n")
    assert said.startswith("city.yaml:3: cars: expected a valid integer")
    assert said.endswith("got 'many'")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, "world: rainy_city\ncars: 0\nstart: noon\nduration: 1 minute\n")
    assert [line.split(":")[1] for line in said.splitlines()] == ["2", "3", "4"]


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, "cars: 5\n") == "city.yaml:1: world: this field is needed"


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n"])
def test_a_plan_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "expected a mapping" in refusal(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "city.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadPlan, match="not UTF-8"):
        load_plan(str(tmp_path / "city.yaml"))


def test_a_wrong_override_is_blamed_and_not_the_file(tmp_path: Path) -> None:
    said = refusal(tmp_path, "world: rainy_city\ncars: 5\n", ["cars=-1"])
    assert said.startswith("--set cars=-1: cars: expected")


@pytest.mark.parametrize("override", ["cars", "=5", "cars="])
def test_an_override_without_field_or_value_is_refused(tmp_path: Path, override: str) -> None:
    assert f"--set {override}" in refusal(tmp_path, "world: rainy_city\n", [override])


def test_names_are_checked_before_anything_starts(tmp_path: Path) -> None:
    text = "world: rany_city\nloadout:\n  production: hydranet-v9\n  triggers: [caution_lihgt]\nuplink: lta\n"
    said = refusal(tmp_path, text)
    assert "city.yaml:1: world: unknown world 'rany_city'; did you mean 'rainy_city'?" in said
    assert "city.yaml:3: loadout.production: unknown network 'hydranet-v9'; did you mean 'hydranet-v1'?" in said
    assert "city.yaml:4: loadout.triggers.0:" in said
    assert "did you mean 'caution_light'" in said
    assert "city.yaml:5: uplink: unknown uplink 'lta'; did you mean 'lte'?" in said


def test_a_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "city.yaml").write_text("world: rainy_city\nplugins: [no_such_fleet]\n")
    with pytest.raises(PluginMissing, match="no_such_fleet"):
        load_plan(str(tmp_path / "city.yaml"))


def test_overrides_reach_into_parts(tmp_path: Path) -> None:
    (tmp_path / "city.yaml").write_text("world: rainy_city\nuplink: lte\n")
    plan = load_plan(str(tmp_path / "city.yaml"), ["cars=5", "uplink.mbps=2.5", "loadout.triggers=[caution_light]"])
    assert (plan.cars, plan.uplink.model_extra) == (5, {"mbps": 2.5})
    assert plan.loadout.triggers == ("caution_light",)


def test_the_file_names_the_run_unless_the_plan_does(tmp_path: Path) -> None:
    (tmp_path / "my_city.yaml").write_text("world: rainy_city\n")
    assert load_plan(str(tmp_path / "my_city.yaml")).name == "my_city"
    assert load_plan(str(tmp_path / "my_city.yaml"), ["name=other"]).name == "other"


@pytest.mark.parametrize("name", sorted(path.stem for path in PLANS.glob("*.yaml")))
def test_a_resolved_plan_is_read_back_as_it_was(name: str, tmp_path: Path, drives: Path) -> None:
    plan = load_plan(name, [f"world.drives={drives}"] if name == "recorded" else [])
    (tmp_path / "plan.yaml").write_text(plan.to_yaml())
    assert load_plan(str(tmp_path / "plan.yaml")) == plan


def test_three_plans_ship() -> None:
    assert plan_names() == ["rainy_city", "recorded", "top_down"]


def test_every_plan_on_the_page_about_operating_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/operating.md").read_text()
    plans = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "world:" in text]
    assert len(plans) == 2
    for text in plans:
        (tmp_path / "city.yaml").write_text(text.replace("drive.up", "x"))
        load_plan(str(tmp_path / "city.yaml"))


def outbox(*partitions: str) -> str:
    return "world: rainy_city\noutbox:\n  partitions:\n" + "".join(f"    - {{{each}}}\n" for each in partitions)


@pytest.mark.parametrize(
    ("partitions", "said"),
    [
        (["name: a, wen: wifi"], "city.yaml:4: outbox.partitions.0.wen: unknown field; did you mean 'when'?"),
        (["name: a", "name: a"], "city.yaml:3: outbox.partitions: expected names that differ; 'a' stands twice"),
        (["name: a, when: wlan"], "city.yaml:4: outbox.partitions.0.when: expected 'any', 'wifi' or 'metered'"),
        (["name: a, when: metered"], "city.yaml:4: outbox.partitions.0: expected `when: metered` and `mb_per_day`"),
        (["name: a, mb_per_day: 5"], "city.yaml:4: outbox.partitions.0: expected `when: metered` and `mb_per_day`"),
        (["name: a, from_priority: 9"], "city.yaml:3: outbox.partitions: expected one partition with `from_"),
        (["name: a, ttl: 0s"], "city.yaml:4: outbox.partitions.0: expected a ttl above 0 s"),
        (["name: a, ttl: soon"], "city.yaml:4: outbox.partitions.0.ttl: expected a length of time"),
        (["name: A"], "city.yaml:4: outbox.partitions.0.name:"),
    ],
)  # fmt: skip
def test_a_partition_that_does_not_hold_is_named(tmp_path: Path, partitions: list[str], said: str) -> None:
    assert refusal(tmp_path, outbox(*partitions)).startswith(said)


def test_a_partition_that_no_outbox_has_is_named_with_its_nearest(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        'name: mine\nkind: expression\nparams: {fire_when: "true"}\nclip: {partition: evens}\n'
    )
    text = outbox("name: events, priority: 1", "name: bulk") + f"loadout: {{triggers: [{tmp_path}/mine.yaml]}}\n"
    said = refusal(tmp_path, text)
    assert "city.yaml:6: loadout.triggers.0:" in said
    assert "mine.yaml:4: clip.partition: the cars' outboxes have no partition 'evens'; did you mean 'events'?" in said
