"""Users, logins and keys."""

import pytest
from sqlalchemy import select, text

from isco_rag.errors import ConflictError, LoginError, NotFoundError, UsageError
from isco_rag.store import audit, clock, keys, users
from isco_rag.store.database import Store
from isco_rag.store.schema import keys as key_table
from isco_rag.store.schema import sessions
from isco_rag.store.schema import users as user_table

GOOD = "correct horse battery"


@pytest.fixture
def ann(store: Store) -> Store:
    with store.write() as db:
        users.add(db, "test", "ann", GOOD, "administrator")
    return store


def test_only_the_right_password_lets_in(ann: Store) -> None:
    with ann.read() as db:
        assert users.check_password(db, "ann", GOOD).role == "administrator"
        for name, password in (("ann", GOOD + "x"), ("ann", ""), ("bob", GOOD), ("", "")):
            with pytest.raises(LoginError, match="name or password is not right"):
                users.check_password(db, name, password)


def test_no_secret_is_kept(ann: Store) -> None:
    with ann.write() as db:
        token, _ = users.log_in(db, users.named(db, "ann"))
        secret, _ = keys.create(db, "test", "ann", "script", ("classify",))
    with ann.read() as db:
        for table, found in ((user_table, GOOD), (sessions, token), (key_table, secret)):
            assert found not in str(db.execute(select(table)).all())
        assert not any(found in str(list(audit.rows(db))) for found in (GOOD, token, secret))
        assert db.execute(select(user_table.c.password)).scalar_one().startswith("$argon2id$")


@pytest.mark.parametrize("password", ["short", "x" * 300, "my name is ann!", "aaaaaaaaaaaaaaa"])
def test_weak_passwords_are_refused(store: Store, password: str) -> None:
    with pytest.raises(UsageError, match="password"), store.write() as db:
        users.add(db, "test", "ann", password, "coder")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 81, "<b>"])
def test_odd_names_are_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="name"), store.write() as db:
        users.add(db, "test", name, GOOD, "coder")


def test_a_name_is_taken_once(ann: Store) -> None:
    with pytest.raises(ConflictError), ann.write() as db:
        users.add(db, "test", "ann", GOOD, "coder")


def test_logins_end_by_logging_out_disabling_and_a_new_password(ann: Store) -> None:
    def token() -> str:
        with ann.write() as db:
            return users.log_in(db, users.named(db, "ann"))[0]

    def stands(one: str) -> bool:
        with ann.read() as db:
            return users.session_of(db, one) is not None

    one, other = token(), token()
    assert stands(one)
    with ann.write() as db:
        users.log_out(db, one)
    assert not stands(one)
    assert stands(other)
    with ann.write() as db:
        users.set_password(db, "test", "ann", GOOD + " 2")
    assert not stands(other)
    another = token()
    with ann.write() as db:
        users.add(db, "test", "eve", GOOD, "administrator")
        users.change(db, "test", "ann", disabled=True)
    assert not stands(another)
    with ann.read() as db, pytest.raises(LoginError):
        users.check_password(db, "ann", GOOD + " 2")


def test_a_login_ends_by_itself(ann: Store) -> None:
    with ann.write() as db:
        token, _ = users.log_in(db, users.named(db, "ann"))
        db.execute(sessions.update().values(expires=clock.later(seconds=-1)))
        assert users.session_of(db, token) is None


def test_the_last_administrator_stays(ann: Store) -> None:
    for change in ({"role": "coder"}, {"disabled": True}):
        with pytest.raises(ConflictError, match="last administrator"), ann.write() as db:
            users.change(db, "test", "ann", **change)  # type: ignore[arg-type]
    with ann.write() as db:
        users.add(db, "test", "eve", GOOD, "administrator")
        assert users.change(db, "test", "ann", role="coder").role == "coder"


def test_a_key_is_known_until_it_is_revoked_expired_or_its_user_disabled(ann: Store) -> None:
    with ann.write() as db:
        users.add(db, "test", "bob", GOOD, "coder")
        secret, key = keys.create(db, "test", "bob", "script", ("jobs", "classify", "jobs"))
    with ann.read() as db:
        found = keys.check(db, secret)
        assert (found.scopes, found.user, found.role, found.used) == (("classify", "jobs"), "bob", "coder", "")
        assert keys.stale(found)
        with pytest.raises(LoginError, match="not known"):
            keys.check(db, secret[:-1])
    with ann.write() as db:
        keys.note_use(db, key)
        assert not keys.stale(keys.check(db, secret))
        users.change(db, "test", "bob", disabled=True)
        with pytest.raises(LoginError, match="revoked"):
            keys.check(db, secret)
        users.change(db, "test", "bob", disabled=False)
        db.execute(key_table.update().values(expires=clock.later(seconds=-1)))
        with pytest.raises(LoginError, match="expired"):
            keys.check(db, secret)
        keys.revoke(db, "test", key.id)
        with pytest.raises(LoginError, match="revoked"):
            keys.check(db, secret)


@pytest.mark.parametrize("wrong", [{"scopes": ("fly",)}, {"scopes": ()}, {"days": 0}, {"days": 10_000}, {"name": " "}, {"per_minute": 0}])
def test_keys_that_can_not_be_are_refused(ann: Store, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError), ann.write() as db:
        keys.create(db, "test", "ann", **{"name": "script", "scopes": ("classify",), **wrong})  # type: ignore[arg-type]
    with pytest.raises(NotFoundError), ann.write() as db:
        keys.create(db, "test", "nobody", "script", ("classify",))


def test_what_happens_to_people_is_in_the_trail(ann: Store) -> None:
    with ann.write() as db:
        users.change(db, "eve", "ann", role="administrator")
    with ann.read() as db:
        rows = audit.listed(db)
        assert [(row.who, row.action, row.subject) for row in rows] == [
            ("eve", "user.change", "user:ann"),
            ("test", "user.add", "user:ann"),
        ]
        assert db.execute(text("SELECT count(*) FROM users")).scalar_one() == 1
