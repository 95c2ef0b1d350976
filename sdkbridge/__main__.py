"""
``python -m sdkbridge``.
"""

from sdkbridge.cli import main

if __name__ == "__main__":
    main(prog_name="sdkbridge")
