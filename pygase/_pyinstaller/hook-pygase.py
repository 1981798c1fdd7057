"""PyInstaller runs this file for a program that imports pygase, and packs the modules that it names."""

from pygase._pyinstaller import hidden_imports

hiddenimports = hidden_imports()
