"""Draw the pictures of the pages beside this folder: each is what its page's own programs save, in PNG of few colours.

python docs/images/draw.py
"""

import os
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
PICTURES = {"getting-started.md": ["plateau.png", "length.png", "simulation.png"]}


def draw(page, names):
    """Run a page's programs up to the last of its pictures, in a folder of their own, and keep these."""
    import matplotlib as mpl
    from PIL import Image

    mpl.use("agg")
    text = (HERE.parent / page).read_text(encoding="utf-8")
    scope = {}
    os.chdir(HERE)
    with mpl.rc_context({"savefig.dpi": 120}):
        for program in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
            exec(compile(program, page, "exec"), scope)
            if names[-1] in program:
                break
    for name in names:
        Image.open(HERE / name).convert("RGB").quantize(64).save(HERE / name, optimize=True)


if __name__ == "__main__":
    for page, names in PICTURES.items():
        draw(page, names)
