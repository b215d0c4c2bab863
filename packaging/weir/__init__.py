# SPDX-License-Identifier: Apache-2.0
"""Weir builds a Delta Lake from a folder of SQL views. This package holds the program; `weir` and `python -m weir` start it."""

import os

__version__ = "@VERSION@"

_HERE = os.path.dirname(os.path.abspath(__file__))


def program():
    """The path of the program, for those who start it themselves."""
    return os.path.join(_HERE, "bin", "weir")


def share():
    """The folder with the example, its demo (demo.sh) and the licences."""
    return os.path.join(_HERE, "share", "weir")
