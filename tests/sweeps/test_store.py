"""Stores of sweeps: what goes in comes out, labelled, for every reader; other sweeps and other folders are refused."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from learndyn.errors import InputError
from learndyn.sweeps.store import arrays as store_arrays
from learndyn.sweeps.store import lock as store_lock
from learndyn.sweeps.store import open_store, open_sweep
from store_cases import CHUNK, arrays_of, chunk_files, expected, filled, plan_of, whole, write_all

# ---- What goes in comes out


@pytest.fixture(params=["folder", "memory"])
def location(request, tmp_path, monkeypatch):
    """A place for a store: on disk, and by fsspec."""
    if request.param == "folder":
        return tmp_path / "sweep.zarr"
    monkeypatch.setattr(store_lock, "SETTLE_SECONDS", 0.0)
    return f"memory:/{tmp_path}/sweep.zarr"


@pytest.mark.parametrize("chunk", [CHUNK, (2, 3), (7, 3)])
def test_a_full_store_is_the_labelled_dataset(location, chunk):
    with open_store(location, plan_of(chunk)) as store:
        assert store.finished() == set()
        write_all(store)
        assert store.finished() == store.finished(verify=False) == set(range(len(store.plan)))
        store.seal({"status": "ok", "message": "All is there."})
        found = store.dataset()
    wanted = expected(plan_of(chunk)).assign_attrs(status="ok", message="All is there.")
    xr.testing.assert_identical(found.load(), wanted)
    for name, values in whole(plan_of()).items():
        assert found[name].dtype.kind == ("T" if name == "message" else values.dtype.kind)
    xr.testing.assert_identical(open_sweep(location).load(), wanted)
    assert found.sel(activation="relu", learning_rate=0.1).status.item() == 0


def test_any_reader_sees_the_same_without_options(tmp_path):
    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        write_all(store)
        store.seal({"status": "ok"})
        before = xr.open_zarr(tmp_path / "sweep.zarr", chunks=None)
    xr.testing.assert_identical(before.load(), store.dataset().load())
    xr.testing.assert_identical(xr.open_zarr(tmp_path / "sweep.zarr").load(), before)
    # One that does not know of consolidated metadata finds the arrays by their names, and says what is beside them.
    with pytest.warns(UserWarning, match="Object at .learndyn is not recognized"):
        listed = xr.open_zarr(tmp_path / "sweep.zarr", consolidated=False)
    xr.testing.assert_identical(listed.load(), before)


def test_a_dataset_is_opened_without_reading_its_values(tmp_path):
    plan = filled(tmp_path / "sweep.zarr")
    found = open_sweep(tmp_path / "sweep.zarr")
    for file in (tmp_path / "sweep.zarr" / "eps_g").glob("c.[12].*"):
        file.unlink()
    assert np.isnan(found.eps_g.isel(learning_rate=3)).all()
    np.testing.assert_array_equal(found.eps_g[0, 1], whole(plan)["eps_g"][0, 1])


def test_what_is_not_there_is_missing_not_zero(tmp_path):
    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        write_all(store, [0, 4])
        found = store.dataset().load()
    there = np.zeros(plan_of().shape, dtype=bool)
    for number in (0, 4):
        there[plan_of().block(number)] = True
    assert (found.status.values[~there] == -1).all()
    assert (found.status.values[there] >= 0).all()
    assert np.isnan(found.eps_g.values[~there]).all()
    assert found.message.values[~there].tolist() == [""] * int((~there).sum())
    opened = open_sweep(tmp_path / "sweep.zarr")
    assert opened.attrs["status"] == "interrupted"
    assert opened.attrs["message"].startswith("2 of 9 chunks are there. Give the same")


def test_a_store_that_was_filled_but_not_sealed_is_whole(tmp_path):
    filled(tmp_path / "sweep.zarr")
    assert open_sweep(tmp_path / "sweep.zarr").attrs["status"] == "ok"
    assert open_sweep(tmp_path / "sweep.zarr").attrs["message"] == "All 9 chunks are there."


def test_two_runs_write_the_same_bytes(tmp_path):
    """Whatever the order of the chunks, and whatever lay there before."""
    filled(tmp_path / "a.zarr")
    with open_store(tmp_path / "b.zarr", plan_of()) as store:
        write_all(store, [8, 3, 5, 1, 0, 2, 4, 7, 6, 3])
    assert chunk_files(tmp_path / "a.zarr") == chunk_files(tmp_path / "b.zarr")
    assert len(chunk_files(tmp_path / "a.zarr")) == 5 * 9 + 5 + 2 * 5 + 1  # blocks, their arrays, labels, root


def test_threads_write_the_same_bytes_too(tmp_path):
    """Arrays of megabytes, which are compressed in many pieces, from this thread and from several others at once."""
    plan = plan_of((3, 1), rows=20_000)
    for name, threads in (("a.zarr", 1), ("b.zarr", 4)):
        with open_store(tmp_path / name, plan) as store, ThreadPoolExecutor(threads) as pool:
            if threads == 1:
                write_all(store, range(4))
            else:
                list(pool.map(lambda number, store=store: write_all(store, [number]), range(4)))
            assert store.finished() == set(range(4))
    assert chunk_files(tmp_path / "a.zarr") == chunk_files(tmp_path / "b.zarr")


def test_blocks_that_are_too_large_are_cut_in_their_own_dims(tmp_path, monkeypatch):
    monkeypatch.setattr(store_arrays, "LARGEST", 8 * 3 * 4)
    plan = plan_of()
    assert [store_arrays.own_blocks(plan, each) for each in plan.variables] == [(3,), (2, 2), (), (), ()]
    filled(tmp_path / "sweep.zarr")
    keys = [key for key in store_arrays.keys_of(plan)(4) if key.startswith("Q/")]
    assert keys == ["Q/c.1.1.0.0", "Q/c.1.1.1.0", "Q/c.1.1.2.0"]
    assert all((tmp_path / "sweep.zarr" / key).is_file() for key in keys)
    with open_store(tmp_path / "sweep.zarr", plan) as store:
        assert store.finished() == set(range(9))
        np.testing.assert_array_equal(store.dataset().Q, whole(plan)["Q"])


# ---- Writers and records


def test_a_writer_travels_and_its_record_tells_the_chunk(location):
    with open_store(location, plan_of()) as store:
        writer = pickle.loads(pickle.dumps(store.writer))
        record = writer.write(store.plan, 6, arrays_of(store.plan, 6), {"seconds": 1.5, 3: "x"})
        assert store.finished() == {6}
        summary = store.summary()
    assert (record.number, record.digest, record.seconds) == (6, plan_of().chunk_digest(6), 1.5)
    assert len(record.files) == 5
    assert record.info["3"] == "x"
    assert set(record.info) >= {"versions", "cpu", "host"}
    assert record.counts == {"0": 1}  # the last rate, alone in its block
    assert (summary.chunks, summary.finished, summary.seconds) == (9, 1, 1.5)
    assert summary.counts == {"missing": 20, "ok": 1}


def test_a_summary_tells_counts_and_the_first_failures(tmp_path):
    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        write_all(store)
        summary = store.summary()
        assert store.counts() == {"ok": 17, "diverged": 4}
    assert [place for place, _, _ in summary.failures] == [(1, 1), (3, 0), (4, 2), (6, 1)]  # by chunks
    assert {(word, message) for _, word, message in summary.failures} == {
        ("diverged", "Q wächst ohne Grenze: η zu groß")
    }


def test_arrays_of_another_shape_are_not_written(tmp_path):
    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        arrays = arrays_of(store.plan, 0)
        with pytest.raises(ValueError, match=r"Array Q of chunk 0 must have shape \(3, 1, 5, 2\), but it is"):
            store.writer.write(store.plan, 0, arrays | {"Q": arrays["eps_g"]}, {})
        with pytest.raises(ValueError, match="but it is missing"):
            store.writer.write(store.plan, 0, {"eps_g": arrays["eps_g"]}, {})
        assert store.finished() == set()


# ---- Going on, and other stores


def test_the_chunks_of_the_store_stay(tmp_path):
    with open_store(tmp_path / "sweep.zarr", plan_of((3, 1))) as store:
        write_all(store, [1, 2])
    with open_store(tmp_path / "sweep.zarr", plan_of((7, 3)), resume=True) as store:
        assert store.plan.chunk == (3, 1)
        assert store.finished() == {1, 2}
        write_all(store, set(range(9)) - {1, 2})
        xr.testing.assert_identical(store.dataset().load(), expected(plan_of()))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"identity": {"until": 2.0}}, "`until` (1.0 there, 2.0 here)"),
        ({"identity": {"scenario": {"label_noise": 0.1}}}, "`scenario.label_noise` (0.0 there, 0.1 here)"),
        ({"rates": 6}, '`over.learning_rate` ("7: 0.1 ... 3.0'),
        ({"activations": ("erf", "relu", "tanh")}, '`over.activation` ("erf, relu, softplus'),
    ],
)
def test_another_plan_is_refused(location, other, told):
    filled(location)
    with pytest.raises(InputError, match="belongs to another sweep") as refusal:
        open_store(location, plan_of(**other))
    assert told in str(refusal.value)
    with open_store(location, plan_of()) as store:
        assert store.finished() == set(range(9))


def test_other_variables_are_refused(tmp_path):
    filled(tmp_path / "sweep.zarr")
    fewer = replace(plan_of(), variables=plan_of().variables[1:])
    with pytest.raises(InputError, match=r"`variables.eps_g` \(.* there, \"absent\" here\)"):
        open_store(tmp_path / "sweep.zarr", fewer)


def test_a_place_that_is_no_sweep_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("One")
    (tmp_path / "file").write_text("two")
    xr.Dataset({"x": ("y", [1.0])}).to_zarr(tmp_path / "other.zarr", zarr_format=3, consolidated=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name, told in {
        "thesis": "cannot be used: it is no sweep, but holds chapter.tex. Choose another name.",
        "file": "it is no folder. Choose another name.",
        "other.zarr": "it is no sweep, but holds x, zarr.json.",
        "not/there.zarr": "does not exist. Make it first, or choose another.",
        "file/x.zarr": "is no folder. Make it first, or choose another.",
    }.items():
        with pytest.raises(InputError) as refusal:
            open_store(tmp_path / name, plan_of())
        assert told in str(refusal.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    for name in ("thesis", "other.zarr", "nothing"):
        with pytest.raises(InputError, match="cannot be opened: there is no"):
            open_sweep(tmp_path / name)


def test_resuming_needs_a_store(location):
    with pytest.raises(InputError, match=r"Argument `resume` needs a store to go on from, but there is none at .*"):
        open_store(location, plan_of(), resume=True)
    filled(location)
    open_store(location, plan_of(), resume=True).close()


@pytest.mark.parametrize("bad", [None, 3, "", b"x"])
def test_what_is_no_location_is_refused(bad):
    with pytest.raises(InputError, match="Argument `store` must be a path or a URL"):
        open_store(bad, plan_of())


def test_urls_that_cannot_be_reached_are_refused(tmp_path):
    with pytest.raises(InputError, match="Store nowhere://x cannot be reached: ValueError: Protocol not"):
        open_store("nowhere://x", plan_of())
    with pytest.raises(InputError, match="Argument `storage_options` must be a dict"):
        open_store(tmp_path / "x.zarr", plan_of(), storage_options=3)


def test_a_url_of_a_local_file_is_its_path(tmp_path):
    filled(f"file://{tmp_path}/sweep.zarr")
    assert open_sweep(tmp_path / "sweep.zarr").attrs["status"] == "ok"


def test_an_empty_folder_becomes_a_store_and_a_half_made_one_is_made_anew(tmp_path):
    (tmp_path / "sweep.zarr").mkdir()
    filled(tmp_path / "sweep.zarr")
    whole_store = chunk_files(tmp_path / "sweep.zarr")
    with open_store(tmp_path / "half.zarr", plan_of(activations=("erf",), chunk=(1, 1))):
        pass
    (tmp_path / "half.zarr" / ".learndyn" / "plan.json").unlink()  # killed just before
    (tmp_path / "half.zarr" / "eps_g" / "zarr.json").write_text("")
    filled(tmp_path / "half.zarr")
    assert chunk_files(tmp_path / "half.zarr") == whole_store


def test_a_store_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with monkeypatch.context() as patch:
            patch.setattr("learndyn.sweeps.store.making._checksum", full)  # all arrays are there by now
            with pytest.raises(InputError, match=r"cannot be made or opened: No space left on device\. Choose another"):
                open_store(tmp_path / name, plan_of())
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_long_attributes_print_in_short(tmp_path):
    plan = plan_of()
    plan.attrs["scenario"] = json.dumps(["x" * 40_000])
    with open_store(tmp_path / "sweep.zarr", plan) as store:
        found = store.dataset()
    assert found.attrs["scenario"] == plan.attrs["scenario"]
    assert len(str(found.attrs["scenario"])) < 100
