"""Every public name is exported and documented, and the layers look down."""
import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys

import pytest

import tutum
import tutum.api

HERE = os.path.dirname(tutum.__file__)

#: From the bottom to the top: a module may import those before it alone.
LAYERS = ["texts", "exceptions", "config", "timeouts", "signals", "bounded", "slot", "body",
          "retry", "urls", "values", "replies", "credentials", "messages", "wirelog", "http",
          "auth", "listing", "base", "deployed", "application", "container", "image"]

#: What cannot fail, or fails only as Python's own functions do.
NEVER_RAISES = ("close", "is_authenticated", "load_from_file", "logout", "get_all_attributes", "pk",
                "is_dirty")

MODULES = [importlib.import_module("tutum.api." + name)
           for _, name, _ in pkgutil.iter_modules(tutum.api.__path__)]


def public_functions():
    """Yield name and function of all that a script can call."""
    for module in MODULES:
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield module.__name__ + "." + name, value
            elif inspect.isclass(value):
                for member, function in vars(value).items():
                    function = getattr(function, "fget", getattr(function, "__func__", function))
                    if inspect.isfunction(function) and not member.startswith("_"):
                        yield "%s.%s" % (name, member), function


def imports(path):
    """Yield the names of the modules that a file imports."""
    with open(path) as source:
        for node in ast.walk(ast.parse(source.read())):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node.module + "." + alias.name


def test_the_face_exports_what_it_has():
    for name in tutum.__all__:
        assert hasattr(tutum, name)
    shown = set(name for name in vars(tutum) if not name.startswith("_"))
    modules = {"absolute_import", "api", "config", "logging"}
    assert shown - modules - {"server"} == set(tutum.__all__)


def test_the_face_exports_every_error():
    from tutum.api import exceptions
    assert set(exceptions.__all__) <= set(tutum.__all__)
    assert set(exceptions.__all__) == set(
        name for name, value in vars(exceptions).items()
        if inspect.isclass(value) and issubclass(value, Exception))


def test_every_setting_is_described():
    with open(os.path.join(HERE, "__init__.py")) as source:
        text = source.read()
    for name in ("user, apikey", "base_url", "timeout", "retries", "max_reply_size", "user_agent",
                 "logger"):
        assert re.search(r"^#: .+\n(#: .+\n)*%s = " % name, text, re.MULTILINE), name


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_module_and_class_says_what_it_is(module):
    assert module.__doc__
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        assert not inspect.isclass(value) or value.__doc__, name


@pytest.mark.parametrize("name, function", sorted(public_functions()))
def test_every_function_says_what_it_takes_gives_and_raises(name, function):
    text = function.__doc__
    assert text and re.match(r"[A-Z][a-z]+ .*[^.]\.$", text.split("\n\n")[0].replace("\n", " "))
    code = function.__code__
    taken = code.co_argcount + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    for parameter in code.co_varnames[:taken]:
        if parameter not in ("self", "cls", "attributes"):
            assert re.search(r":param( \w+)? %s:" % parameter, text), parameter
    assert ":returns:" in text
    assert ":raises " in text or name.split(".")[-1] in NEVER_RAISES


@pytest.mark.parametrize("name", ["application", "container", "image"])
def test_every_typed_attribute_is_described(name):
    with open(os.path.join(HERE, "api", name + ".pyi")) as source:
        stub, = [node for node in ast.parse(source.read()).body if isinstance(node, ast.ClassDef)]
    cls = getattr(tutum, stub.name)
    text = cls.__doc__ + cls.create.__doc__
    typed = [node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)]
    assert typed and [name for name in typed if not re.search(r"\b%s\b" % name, text)] == []


def test_the_layers_look_down():
    found = sorted(module.__name__.split(".")[-1] for module in MODULES)
    assert found == sorted(LAYERS)
    for height, name in enumerate(LAYERS):
        for imported in imports(os.path.join(HERE, "api", name + ".py")):
            below = re.match(r"tutum\.api\.(\w+)", imported)
            assert not below or below.group(1) in LAYERS[:height], (name, imported)
            assert not imported.startswith("tutum.server")
            assert not imported.startswith("requests") or name == "http", name


def test_import_is_quiet_and_light():
    script = ("import sys, logging, tutum; print(sorted(name for name in sys.modules "
              "if name.startswith(('tutum.server', 'flask', 'sqlalchemy')))); "
              "print(logging.root.handlers)")
    shown = subprocess.check_output([sys.executable, "-W", "error", "-c", script],
                                    stderr=subprocess.STDOUT, universal_newlines=True)
    assert shown.split() == ["[]", "[]"]
