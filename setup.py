import io
import os
import re

from setuptools import find_packages, setup

HERE = os.path.dirname(os.path.abspath(__file__))


def read(*names):
    with io.open(os.path.join(HERE, *names), encoding="utf-8") as source:
        return source.read()


def version():
    # Read, not imported: what the module imports need not be installed where it is built.
    face = read("tutum", "__init__.py")
    return re.search(r"^__version__ = ['\"]([^'\"]+)['\"]", face, re.MULTILINE).group(1)


# Its own Python is newer than the library's: elsewhere the extra is empty and its script says so.
SERVER = ["Flask>=3.0.0", "waitress>=3.0.0", "click>=8.1.3", "SQLAlchemy>=2.0.37", "docker>=7.1.0"]

setup(
    name="python-tutum",
    version=version(),
    description="Python library for the Tutum API, and a service that speaks it",
    long_description=read("README.rst"),
    long_description_content_type="text/x-rst",
    license="Apache-2.0",
    keywords="tutum containers api client",
    packages=find_packages(include=["tutum", "tutum.*"]),
    package_data={"": ["py.typed", "*.pyi"]},
    zip_safe=False,
    python_requires=">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, !=3.5.*",
    install_requires=["requests>=2.25.0", "six>=1.16.0"],
    extras_require={"server": [name + "; python_version >= '3.9'" for name in SERVER]},
    entry_points={"console_scripts": ["tutum-server = tutum.server.__main__:main"]},
    options={"bdist_wheel": {"python_tag": "py2.py3"}},
    classifiers=[
        "Intended Audience :: Developers",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 2.7",
    ] + ["Programming Language :: Python :: 3.%d" % minor for minor in range(6, 14)],
)
