"""Run the Python examples of a page, or of a module's docstrings, in one session from top to bottom.

    tutum-server run -- python tests/docs/runexamples.py docs/quickstart.rst

Sessions (``>>>``) must print what the page shows. Blocks of code must not raise; what they set in ``tutum`` holds
for the block alone, as user and key on a page are not those of the service.
"""
import doctest
import importlib
import re
import sys
from pathlib import Path
from textwrap import dedent

import tutum

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

#: A block of code: of the directive, or any literal block that begins as a module does.
BLOCK = re.compile(r"(?:^|\n)( *)(?:\.\. code-block:: python\n\n|[^\n.][^\n]*::\n\n(?= +(?:import|from) ))"
                   r"((?:\1 +[^\n]*\n|\n)+)")


def parts(text):
    """Return the blocks of code and the sessions of a page: line, code or list of doctest's examples."""
    found, sessions = [], text
    for match in BLOCK.finditer(text):
        code = match.group(2)
        if not code.lstrip().startswith(">>>"):
            found.append((text.count("\n", 0, match.start(2)), dedent(code)))
            sessions = sessions[:match.start(2)] + re.sub(r"[^\n]", " ", code) + sessions[match.end(2):]
    examples = doctest.DocTestParser().get_examples(sessions)
    return sorted(found + [(example.lineno, example) for example in examples], key=lambda part: part[0])


def run_page(path):
    """Run the examples of a page; return how many there were, and how many failed."""
    names, runner = {"__name__": "__main__"}, doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    for line, part in parts(path.read_text(encoding="utf-8")):
        if isinstance(part, str):
            settings = dict(vars(tutum))
            exec(compile("\n" * line + part, str(path), "exec"), names)
            vars(tutum).update(settings)
            runner.tries += 1
        else:
            session = doctest.DocTest([part], {}, path.name, str(path), 0, None)
            session.globs = names
            runner.run(session, clear_globs=False)
    return runner.tries, runner.failures


def run_module(name):
    """Run the examples of a module's docstrings; return how many there were, and how many failed."""
    results = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    return results.attempted, results.failed


def main():
    """Run the pages and modules that the command line names; fail if one example does."""
    failures = 0
    for name in sys.argv[1:]:
        tried, failed = run_page(Path(name)) if name.endswith(".rst") else run_module(name)
        print(f"{name}: {tried} examples, {failed} failed")
        failures += failed
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
