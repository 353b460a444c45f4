"""Which software rode along."""

from pathlib import Path

from markupsafe import Markup

from fleet.report.folder import Run
from fleet.report.markup import figure, nothing, table


def networks(run: Run) -> Markup:
    """Production, candidates and what looks from above, by name or folder, and the hashes of their backbones."""
    title = "Networks"
    loadout = run.plan.get("loadout", {})
    weights = run.manifest.get("weights", {})
    roles = {loadout.get("production"): "production"} | dict.fromkeys(loadout.get("shadows", ()), "shadow")
    above = loadout.get("top_down") or {}
    roles |= {above.get("production"): "looks from above"} | dict.fromkeys(
        above.get("shadows", ()), "looks from above, shadow"
    )
    roles.pop(None, None)
    if not roles:
        return nothing(title, "The plan names no network.")
    rows = [[Path(name).name, role, _hash(weights.get(Path(name).name))] for name, role in roles.items()]
    note = (
        "Production drives; a shadow sees the same frames and is given no way to act. What looks from above makes maps "
        "of production's features."
    )
    return figure(title, table(["network", "role", "backbone"], rows, words=3), note=note)


def triggers(run: Run) -> Markup:
    """The triggers that every car runs, and their versions."""
    title = "Triggers"
    versions = run.manifest.get("triggers", {})
    if not versions:
        return nothing(title, "No trigger rode along.")
    fires = dict(run.db.execute("SELECT trigger, count(*) FROM fires GROUP BY 1").fetchall())
    lines = [[name, version, fires.get(name, 0)] for name, version in versions.items()]
    return figure(title, table(["trigger", "version", "fires"], lines))


def _hash(digest: object) -> Markup:
    text = str(digest or "")
    return Markup("<code>{}</code>").format(text.removeprefix("sha256:")[:16]) if text else Markup("–")
