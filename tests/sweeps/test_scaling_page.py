"""The programs of docs/scaling.md run as they stand there."""

import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"


def test_the_programs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    space = {}
    for block in blocks:
        exec(block, space)
    sweep, cloud = space["sweep"], space["cloud"]
    assert dict(sweep.eps_g.sizes) == {"learning_rate": 3, "start.X": 3, "K": 2, "activation": 2, "alpha": 51}
    assert set(np.unique(sweep.status)) <= {0, 1}
    assert cloud.eps_g.shape == (10_000, 51)
    assert (cloud.status == 0).all()
