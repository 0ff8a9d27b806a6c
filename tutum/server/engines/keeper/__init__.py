"""The keeper of the process engine's containers: what it is as a program, and how the service talks with it.

The program is this package, run by itself and without the rest, so that it starts fast and stays small: ``__main__`` is
the keeper, which forks a ``supervisor`` for each container. ``client`` is the service's side.
"""
