"""Models: which bundles were made here, what the gate said of them, and which one is the champion.

The last row of `champions` is the truth for every process. Rows are only added, under the lock of the audit trail's head, so that all
see them in one order; a rollback is a new row that names the bundle before.
"""

import msgspec
from sqlalchemy import Connection, Row, func, select

from isco_rag.errors import ConflictError, InputError, NotFoundError
from isco_rag.store import audit, clock
from isco_rag.store.records import Champion, ChampionKind, Judged, Registered
from isco_rag.store.schema import champions, corrections, models, verdicts

LONGEST_REASON = 2000


def register(db: Connection, who: str, found: Registered) -> Registered:
    """The bundle, known from now on; doing it again changes nothing. ConflictError where another has its name."""
    audit.lock_head(db)
    row = db.execute(select(models).where(models.c.name == found.name)).first()
    if row is not None:
        if row.hash != found.hash:
            raise ConflictError(f"there is another model named {found.name}; give the new one a name of its own")
        return _registered(row)
    found = msgspec.structs.replace(found, by=who)
    db.execute(models.insert().values(**msgspec.structs.asdict(found)))
    audit.append(db, who, "model.register", f"model:{found.name}", after=found, model=found.parent)
    return found


def listed(db: Connection) -> list[Registered]:
    """The newest first."""
    return [_registered(row) for row in db.execute(select(models).order_by(models.c.created.desc(), models.c.name.desc()))]


def one(db: Connection, name: str) -> Registered:
    """The model of a name; NotFoundError where there is none."""
    row = db.execute(select(models).where(models.c.name == name)).first()
    if row is None:
        raise NotFoundError(f"there is no model {name}; see them with: isco-rag models list")
    return _registered(row)


def champion(db: Connection) -> Champion | None:
    """The bundle that is to answer; none where nothing was ever promoted: then it is the one that the service was started with."""
    row = db.execute(select(champions).order_by(champions.c.id.desc()).limit(1)).first()
    return None if row is None else _champion(row)


def history(db: Connection) -> list[Champion]:
    """Every champion, the first first."""
    return [_champion(row) for row in db.execute(select(champions).order_by(champions.c.id))]


def add_verdict(
    db: Connection, who: str, champion: tuple[str, str], challenger: tuple[str, str], words: tuple[str, ...], detail: object, *, passed: bool
) -> Judged:  # fmt: skip
    """The verdict, kept whatever it says; the two are (name, hash)."""
    audit.lock_head(db)
    values = {
        "at": clock.now(), "by": who, "champion": champion[0], "champion_hash": champion[1], "challenger": challenger[0],
        "challenger_hash": challenger[1], "passed": passed, "words": msgspec.json.encode(words).decode(),
        "detail": msgspec.json.encode(detail).decode(),
    }  # fmt: skip
    number = db.execute(verdicts.insert().values(**values).returning(verdicts.c.id)).scalar_one()
    said = "passed" if passed else "refused"
    audit.append(db, who, "model.verdict", f"model:{challenger[0]}", before=champion[0], after=said, model=champion[0], reason=words[0])
    return verdict(db, number)


def verdict(db: Connection, number: int) -> Judged:
    """The verdict of a number; NotFoundError where there is none."""
    row = db.execute(select(verdicts).where(verdicts.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no verdict {number}; see them with: isco-rag models verdicts")
    return _judged(row)


def judged(db: Connection, challenger: str = "", limit: int = 100) -> list[Judged]:
    """Verdicts, the newest first; those about one challenger if named."""
    query = select(verdicts).order_by(verdicts.c.id.desc()).limit(limit)
    return [_judged(row) for row in db.execute(query.where(verdicts.c.challenger == challenger) if challenger else query)]


def promote(db: Connection, who: str, number: int, base: tuple[str, str], *, forced: str = "") -> Champion:
    """The challenger of a verdict as the champion; `base` (name, hash) is what answers where nothing was ever promoted.

    ConflictError where the verdict refuses it and no reason to force it is `forced`, or where it was made against another champion.
    """
    audit.lock_head(db)
    found, now = verdict(db, number), champion(db)
    standing = (now.name, now.hash) if now else base
    if standing == (found.challenger, found.challenger_hash) and now is not None:
        return now
    if forced and not forced.strip():
        raise InputError("a forced promotion needs a reason; say why")
    if not found.passed and not forced:
        raise ConflictError(f"the gate refused {found.challenger}: {found.words[0]}; improve it, or force it with a reason")
    if (found.champion, found.champion_hash) != standing:
        raise ConflictError(f"verdict {number} compares with {found.champion}, and {standing[0]} is the champion now; judge it anew")
    one(db, found.challenger)
    if now is None:
        _add(db, who, *base, "base", "", None)
    kind: ChampionKind = "promoted" if found.passed else "forced"
    added = _add(
        db, who, found.challenger, found.challenger_hash, kind, forced.strip()[:LONGEST_REASON] if kind == "forced" else "", number
    )
    audit.append(
        db, who, "model.promote" if kind == "promoted" else "model.promote_forced", f"model:{added.name}", before=standing[0],
        after=added.name, model=standing[0], reason=added.reason,
    )  # fmt: skip
    return added


def rollback(db: Connection, who: str, reason: str = "") -> Champion:
    """The champion before the present one, champion again; ConflictError where nothing came before."""
    audit.lock_head(db)
    line = standing_line(history(db))
    if len(line) < 2:
        raise ConflictError("nothing was promoted that could be rolled back; see: isco-rag models list")
    leaving, before = line[-1], line[-2]
    added = _add(db, who, before.name, before.hash, "rollback", reason[:LONGEST_REASON], before.verdict)
    audit.append(
        db, who, "model.rollback", f"model:{before.name}", before=leaving.name, after=before.name, model=leaving.name, reason=reason
    )
    return added


def standing_line(rows: list[Champion]) -> list[Champion]:
    """The champions from the base to the present one, without what was rolled back."""
    line: list[Champion] = []
    for row in rows:
        if row.kind == "rollback":
            line.pop()
        else:
            line.append(row)
    return line


def forced(db: Connection) -> dict[str, Champion]:
    """The models that were ever forced past the gate, by name, with the row that says by whom and why."""
    return {row.name: row for row in history(db) if row.kind == "forced"}


def new_corrections(db: Connection, after: int) -> int:
    """How many active corrections came after number `after`."""
    query = select(func.count()).select_from(corrections).where(corrections.c.id > after, corrections.c.state == "active")
    return int(db.execute(query).scalar_one())


def _add(db: Connection, who: str, name: str, hashed: str, kind: ChampionKind, reason: str, number: int | None) -> Champion:
    last = db.execute(select(func.max(champions.c.id))).scalar() or 0
    found = Champion(last + 1, clock.now(), who, name, hashed, kind, reason, number)
    values = {"verdict_id" if key == "verdict" else key: value for key, value in msgspec.structs.asdict(found).items()}
    db.execute(champions.insert().values(**values))
    return found


def _registered(row: Row[tuple[object, ...]]) -> Registered:
    return Registered(**row._mapping)


def _champion(row: Row[tuple[object, ...]]) -> Champion:
    return Champion(row.id, row.at, row.by, row.name, row.hash, row.kind, row.reason, row.verdict_id)


def _judged(row: Row[tuple[object, ...]]) -> Judged:
    return Judged(
        row.id, row.at, row.by, row.champion, row.champion_hash, row.challenger, row.challenger_hash, row.passed,
        tuple(msgspec.json.decode(row.words)),
    )  # fmt: skip
