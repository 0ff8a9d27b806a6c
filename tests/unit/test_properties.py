"""What must hold for any input at all."""
from __future__ import unicode_literals

import copy
import json

import six
from hypothesis import given, settings
from hypothesis import strategies as st
from six.moves.urllib.parse import parse_qsl, unquote

import tutum
from rawservice import reply
from tutum.api import config, replies, urls, values

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"

JSON = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text(max_size=3)),
                    lambda inner: st.one_of(st.lists(inner, max_size=3),
                                            st.dictionaries(st.text(max_size=2), inner,
                                                            max_size=3)),
                    max_leaves=6)

NAMES = st.sampled_from(["name", "roles", "container_ports", "size"])


def canonical(value):
    """Return a value's JSON, by which two values are the same or not."""
    return json.dumps(value, sort_keys=True)


def test_any_file_gives_both_or_nothing(tmpdir):
    path = tmpdir.join("account")

    @settings(max_examples=100, deadline=None)
    @given(st.one_of(
        st.binary(max_size=100),
        st.builds(lambda data: b"[auth]\nuser = " + data, st.binary(max_size=100)),
        st.builds(lambda text: ("[auth]\nuser=a\napikey=" + text).encode("utf-8"),
                  st.text(st.characters(blacklist_categories=["Cs"]), max_size=50))))
    def check(data):
        path.write_binary(data)
        user, apikey = config.from_file(str(path))
        assert (user is None) == (apikey is None)
        if user is not None:
            assert type(user) is type(apikey) is str and user and apikey
    check()


def test_any_value_in_quotes_is_read_as_it_stands(tmpdir):
    path = tmpdir.join("account")
    text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\"'"),
                   min_size=1, max_size=30)

    @settings(max_examples=100, deadline=None)
    @given(text, text, st.sampled_from("\"'"))
    def check(user, apikey, quote):
        line = "{0} = {2}{1}{2}\n"
        path.write_binary(("[auth]\n" + line.format("user", user, quote)
                           + line.format("apikey", apikey, quote)).encode("utf-8"))
        assert config.from_file(str(path)) == (six.ensure_str(user), six.ensure_str(apikey))
    check()


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=30), st.sampled_from([".", "..", "a/..", "%2e", "?", "#", "\\"])),
       st.sampled_from([str(""), str("/")]))
def test_any_key_stays_in_its_place(pk, safe):
    try:
        quoted = urls.quote_pk(pk, safe)
    except tutum.TutumApiError:
        assert {"", ".", ".."} & set(pk.split("/")) or "/" in pk and not safe
        return
    assert not set(quoted) & set("?#\\ \r\n") and (safe or "/" not in quoted)
    assert not {"", ".", ".."} & set(quoted.split("/"))
    assert pk == (unquote(str(quoted)).decode("utf-8") if six.PY2 else
                  unquote(quoted, errors="surrogatepass"))


FILTERS = st.dictionaries(
    st.from_regex(r"[a-z]{1,5}(__[a-z]{1,5})?", fullmatch=True),
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10),
              st.lists(st.text(max_size=5), max_size=3)), max_size=4)


@settings(max_examples=100, deadline=None)
@given(FILTERS)
def test_any_filter_arrives_as_it_was_given(params):
    expected = []
    for name in sorted(params):
        value = params[name]
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            expected.append((name, six.text_type(item)))
    query = urls.query(params)
    found = (parse_qsl(query, True) if six.PY2 else
             parse_qsl(query, True, errors="surrogatepass"))
    assert [(six.ensure_text(name), six.ensure_text(value)) for name, value in found] == expected


@settings(max_examples=100, deadline=None)
@given(JSON, JSON)
def test_values_are_the_same_when_their_json_is(one, other):
    assert values.same(one, other) == (canonical(one) == canonical(other))
    assert canonical(values.copied(one)) == canonical(one)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=50), st.builds(json.dumps, JSON)), st.integers(100, 999))
def test_any_error_has_a_text(body, status):
    error = replies.error("GET", "http://x/", status, body)
    assert ("Status %d (GET http://x/). Response: " % status) in six.ensure_text(str(error))
    assert error.body == body and str("\n") not in str(error)
    six.ensure_text(str(error)).encode("utf-8")


STEPS = st.lists(st.one_of(
    st.tuples(st.just("set"), NAMES, JSON), st.tuples(st.just("edit"), NAMES, JSON),
    st.tuples(st.sampled_from(["read", "save", "fail", "refresh", "reload"]), NAMES, JSON)),
    max_size=12)


class Model(object):
    """Say in the simplest way what an object's changes are."""

    def __init__(self, state):
        self.state = state
        self.local = copy.deepcopy(state)

    @property
    def changes(self):
        return dict((name, value) for name, value in self.local.items()
                    if canonical(value) != canonical(self.state.get(name)))

    def save(self):
        self.state.update(copy.deepcopy(self.changes))

    def reload(self):
        self.local = copy.deepcopy(self.state)


def edit(value, new):
    """Change a list or a dict in place; whether it is one, is returned."""
    if isinstance(value, list):
        value.append(new)
    elif isinstance(value, dict):
        value["new"] = new
    return isinstance(value, (list, dict))


def take(app, model, step, name, value):
    """Take a step with the object and its model alike."""
    if step == "set":
        setattr(app, name, copy.deepcopy(value))
        model.local[name] = value
    elif step == "edit" and name in model.local:
        edit(getattr(app, name), value)
        edit(model.local[name], copy.deepcopy(value))
    elif step == "save":
        app.save()
        model.save()
        model.reload()
    elif step == "refresh":
        assert app.refresh() is not bool(model.changes)
        if not model.changes:
            model.reload()
    elif step == "reload":
        app.refresh(force=True)
        model.reload()


def test_changes_are_those_of_a_simple_model(raw):
    @settings(max_examples=60, deadline=None)
    @given(st.dictionaries(NAMES, JSON), STEPS)
    def check(state, steps):
        model = Model(dict(state, uuid=UUID))

        def serve(request):
            if request.method == "PATCH":
                sent.append(request.json)
                return reply(202, dict(model.state, **request.json))
            return reply(200, model.state)
        sent = []
        raw.answer(serve)
        app = tutum.Application.fetch(UUID)
        for step, name, value in steps:
            expected = model.changes
            del sent[:]
            if step == "fail":
                raw.answer(reply(500))
                try:
                    app.save()
                except tutum.TutumServerError:
                    pass
                raw.answer(serve)
            else:
                take(app, model, step, name, value)
            if step == "save":
                assert [canonical(body) for body in sent] == (
                    [canonical(expected)] if expected else [])
            assert app.is_dirty == bool(model.changes)
            for attribute in model.local:
                assert canonical(getattr(app, attribute)) == canonical(model.local[attribute])
    check()
