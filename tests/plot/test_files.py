"""Pictures in files: text stays text, equal pictures are equal files, nothing is left half-written."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import pytest

import learndyn as ld


def test_pdf_embeds_truetype_fonts(theory, tmp_path):
    path = ld.plot.save(ld.plot.learning_curve(theory), tmp_path / "curve.pdf")
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content  # TrueType, as type 42
    assert b"/Type3" not in content


def test_svg_text_is_text(theory, tmp_path):
    content = ld.plot.save(ld.plot.learning_curve(theory), tmp_path / "curve.svg").read_text()
    assert "<text" in content
    assert "theory" in content


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_the_same_picture_is_the_same_file(theory, tmp_path, ending):
    files = [ld.plot.save(ld.plot.overview(theory), tmp_path / f"{name}.{ending}") for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "curve.png"
    path.write_bytes(b"old")

    class Broken:
        def savefig(self, *args, **options):
            raise OSError("disk full")

    with pytest.raises(ld.InputError, match="disk full"):
        ld.plot.save(Broken(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [("curve.pgn", "Did you mean 'png'"), ("curve", "must end in"), ("nowhere/curve.png", "does not exist")],
)
def test_bad_paths_are_refused(theory, tmp_path, name, message):
    with pytest.raises(ld.InputError, match=message):
        ld.plot.save(ld.plot.learning_curve(theory), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_paper_restores_the_users_settings():
    before = matplotlib.rcParams.copy()
    with ld.plot.paper(font_size=11):
        assert matplotlib.rcParams["font.size"] == 11
        assert matplotlib.rcParams["figure.figsize"][0] == ld.plot.COLUMN
        assert matplotlib.rcParams["text.usetex"] is False
    assert matplotlib.rcParams == before


def test_learndyn_alone_loads_no_matplotlib():
    program = "import sys, learndyn; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
