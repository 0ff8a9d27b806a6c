"""Credentials and errors, as the real service gives them."""
import pytest

import tutum


def test_a_password_gives_the_key(real):
    tutum.auth.logout()
    tutum.auth.authenticate(real.user, real.password)
    assert (tutum.user, tutum.apikey) == (real.user, real.apikey)
    assert tutum.auth.get_auth(real.user, real.password) == (real.user, real.apikey)
    assert tutum.auth.get_apikey(real.user, real.password) == real.apikey
    assert tutum.Application.list() == []


def test_the_file_that_the_service_writes_holds_the_account(real):
    assert tutum.auth.load_from_file(real.config_file) == (real.user, real.apikey)


def test_a_wrong_password_is_refused(real):
    tutum.auth.logout()
    with pytest.raises(tutum.TutumAuthError) as caught:
        tutum.auth.authenticate(real.user, "wrong")
    assert caught.value.status_code == 401
    assert not tutum.auth.is_authenticated()


def test_a_wrong_key_is_refused(real):
    tutum.apikey = "wrong"
    with pytest.raises(tutum.TutumAuthError) as caught:
        tutum.Application.list()
    assert caught.value.status_code == 401


def test_an_unknown_object_is_not_found(real):
    with pytest.raises(tutum.TutumNotFoundError):
        tutum.Application.fetch("00000000-0000-4000-8000-000000000000")


def test_a_refused_value_says_what_the_service_says(real):
    app = tutum.Application.create(image="tutum/hello-world", target_num_containers=-1)
    with pytest.raises(tutum.TutumBadRequestError) as caught:
        app.save()
    assert "target_num_containers" in str(caught.value)
    assert app.is_dirty and app.pk is None


def test_an_action_out_of_turn_says_which_state_forbids_it(real):
    app = tutum.Application.create(image="tutum/hello-world")
    app.save()
    with pytest.raises(tutum.TutumBadRequestError) as caught:
        app.start()
    assert "Starting" in str(caught.value)


def test_no_service_there_names_both_remedies(real):
    tutum.base_url = "http://127.0.0.1:1/api/v1/"
    with pytest.raises(tutum.TutumConnectionError) as caught:
        tutum.Application.list()
    assert "tutum.server" in str(caught.value) and "TUTUM_BASE_URL" in str(caught.value)


@pytest.mark.parametrize("pk", ["../auth", "x/logs", "..", ".", "%2e%2e", "?limit=1", "#",
                                u"\u00e9", "a b", "\x00", "..%2fauth"])
def test_a_strange_key_reaches_nothing(real, pk):
    with pytest.raises(tutum.TutumApiError):
        tutum.Application.fetch(pk)
