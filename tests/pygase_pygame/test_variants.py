"""Which pygame is installed."""

from __future__ import annotations

import importlib.util
import warnings

import pytest

from pygase_pygame import variants


def test_one_of_the_variants_is_installed_here_and_that_is_well():
    assert len(variants.installed_variants()) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        variants.check_variants()


def test_both_installed_is_warned_of_with_the_way_to_mend_it(monkeypatch):
    monkeypatch.setattr(variants, "distribution", lambda name: name)
    with pytest.warns(RuntimeWarning, match=r"both installed.*pip uninstall pygame pygame-ce"):
        variants.check_variants()


def test_none_installed_is_an_import_error_with_the_way_to_mend_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"neither is installed.*pip install") as caught:
        variants.check_variants()
    assert caught.value.name == "pygame"
