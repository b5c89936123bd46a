"""Which bundle is the champion, and how another becomes it. The database decides; folders of the state's `models` hold the bundles.

What can fail comes first: a bundle is read whole and kept where it can be gone back to, then one transaction makes it the champion. A process
that is killed before has changed nothing, one that is killed after has done it, and doing it again changes nothing more.
"""

from pathlib import Path

from isco_rag.bundle import read_manifest
from isco_rag.errors import AccessError, BundleError, ConflictError, UsageError
from isco_rag.learn.gate import Compared, Decision, lines
from isco_rag.learn.places import FOLDER, Place, find, keep, manifest_of, place_of
from isco_rag.store import models, users
from isco_rag.store.database import Store
from isco_rag.store.records import Champion, Judged, Registered
from isco_rag.wiring import default_bundle

UNJUDGED = "was promoted without a comparison"


def champion_of(store: Store, base: Path) -> Place:
    """The bundle that is to answer; BundleError where it is not on this machine."""
    with store.read() as db:
        row = models.champion(db)
    return place_of(base) if row is None else find(store.folder, base, row.name, row.hash)


def answering(store: Store, chosen: Path | None = None) -> Path:
    """The folder of the bundle that a command works with: the one that was chosen, else the champion."""
    return chosen or champion_of(store, default_bundle()).folder


def beginning(store: Store, base: Path, champion: Place) -> Place:
    """The bundle that a retraining begins at: the champion's nearest forebear that learned no correction, if it is here and whole; else the champion.

    Every retraining reads all corrections. One that began at the last challenger would be moved by the first of them again and again.
    """
    found = champion
    while (manifest := manifest_of(found.folder)).corrections:
        try:
            found = find(store.folder, base, manifest.parent, manifest.parent_hash)
        except (BundleError, UsageError):
            return champion
    return found


def register(store: Store, who: str, name: str) -> Registered:
    """The bundle in the models folder, known to the database."""
    place = place_of(store.folder / FOLDER / name)
    m = manifest_of(place.folder)
    found = Registered(
        place.name, place.hash, m.parent, m.parent_hash, m.until, m.corrections, m.inputs.get(corrections_key(m.inputs), ""), m.created, who
    )
    with store.write() as db:
        return models.register(db, who, found)


def corrections_key(inputs: dict[str, str]) -> str:
    """Under which of a bundle's inputs the corrections stand; empty where it learned none."""
    return next((name for name in inputs if name.endswith("/corrections.csv")), "")


def keep_verdict(store: Store, who: str, champion: Place, challenger: Place, decision: Decision, found: Compared | None) -> Judged:
    """The verdict in the database, and beside the challenger's folder as a text file."""
    with store.write() as db:
        kept = models.add_verdict(
            db, who, (champion.name, champion.hash), (challenger.name, challenger.hash), decision.words, found, passed=decision.passed
        )
    text = "\n".join([f"Verdict {kept.id}, {kept.at}, asked by {who}", "", *lines(decision)]) + "\n"
    (store.folder / FOLDER).mkdir(exist_ok=True)
    path = store.folder / FOLDER / f"{challenger.name}.verdict-{kept.id}.txt"
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return kept


def promote(store: Store, who: str, base: Path, verdict: int, forced: str = "", *, may_force: bool = False) -> Champion:
    """The challenger of a verdict, champion from now on; refused by the gate, only with a reason to force it and by an administrator.

    `may_force` says that the caller has made sure of the administrator; else `who` must name one.
    """
    with store.read() as db:
        judged, before = models.verdict(db, verdict), models.champion(db)
    if forced and not judged.passed and not may_force:
        check_administrator(store, who)
    challenger = find(store.folder, base, judged.challenger, judged.challenger_hash)
    read_manifest(challenger.folder)
    standing = champion_of(store, base)
    if before is None:
        keep(store.folder, standing)
    with store.write() as db:
        return models.promote(db, who, verdict, (standing.name, standing.hash), forced=forced)


def promote_unjudged(store: Store, who: str, base: Path, name: str, reason: str, *, may_force: bool = False) -> Champion:
    """A challenger forced without a comparison; its verdict says so."""
    if not may_force:
        check_administrator(store, who)
    champion, challenger = champion_of(store, base), find(store.folder, base, name)
    decision = Decision(False, (f"{name} {UNJUDGED}: nothing is known of how it compares with {champion.name}.",))
    return promote(store, who, base, keep_verdict(store, who, champion, challenger, decision, None).id, reason, may_force=True)


def last_verdict(store: Store, base: Path, name: str) -> Judged | None:
    """The newest verdict on a challenger against the present champion, both as they are now; none where it was not judged since."""
    standing, challenger = champion_of(store, base), find(store.folder, base, name)
    with store.read() as db:
        for found in models.judged(db, name):
            if (found.champion_hash, found.challenger_hash) == (standing.hash, challenger.hash):
                return found
    return None


def newest_verdict(store: Store, name: str) -> Judged | None:
    """The newest verdict on a challenger, against whichever champion; none where it was never judged."""
    with store.read() as db:
        return next(iter(models.judged(db, name, 1)), None)


def rollback(store: Store, who: str, base: Path, reason: str = "") -> Champion:
    """The champion before the present one, if its bundle is still whole."""
    with store.read() as db:
        line = models.standing_line(models.history(db))
    if len(line) > 1:
        read_manifest(find(store.folder, base, line[-2].name, line[-2].hash).folder)
    with store.write() as db:
        now = models.standing_line(models.history(db))
        if line and now[-1] != line[-1]:
            raise ConflictError("another became the champion meanwhile; see: isco-rag models list")
        return models.rollback(db, who, reason)


def check_administrator(store: Store, who: str) -> None:
    """AccessError unless `who` is an enabled administrator; where there are no users, whoever runs the machine is."""
    with store.read() as db:
        people = users.listed(db)
    if people and not any(u.name == who and u.role == "administrator" and not u.disabled for u in people):
        raise AccessError(f"'{who}' is no administrator here, and only one may force a model past the gate; name one with --by")
