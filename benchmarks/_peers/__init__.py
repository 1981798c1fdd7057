"""One workload on many networking libraries, for ``benchmarks/peers.py``.

``serve_*.py`` and ``play_*.py`` are programs of their own. Each is started by its path, with the Python of the
environment that has the library. So they import their neighbours by bare names, and PyGaSe only where it is measured.
"""
