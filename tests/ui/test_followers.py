from orfeas.ui.followers import Followers


def test_a_job_is_forsaken_when_the_last_of_its_sessions_leaves() -> None:
    followers = Followers()
    followers.add("job", "first")
    followers.add("job", "second")
    assert followers.leave("second") == ()
    assert followers.has("job")
    assert followers.leave("first") == ("job",)
    assert not followers.has("job")


def test_a_session_that_follows_nothing_leaves_nothing_behind() -> None:
    followers = Followers()
    followers.add("job", "first")
    assert followers.leave("other") == ()
    assert followers.has("job")


def test_a_job_that_has_ended_is_forgotten() -> None:
    followers = Followers()
    followers.add("ended", "first")
    followers.add("live", "first")
    followers.keep({"live"})
    assert followers.leave("first") == ("live",)
