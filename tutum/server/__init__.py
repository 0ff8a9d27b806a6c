"""A service that speaks the Tutum HTTP API v1, for machines of your own.

It is the extra ``python-tutum[server]`` and needs Python 3.9 or newer; the library never imports it. Start it with
``python -m tutum.server serve`` or the script ``tutum-server``.
"""
