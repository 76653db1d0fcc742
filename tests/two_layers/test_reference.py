"""The flow of the two-layer family against right-hand sides and trajectories of another algorithm."""

import json
from pathlib import Path

import numpy as np
import pytest

import learndyn as ld

ENTRIES = {
    e["id"]: e for e in json.loads((Path(__file__).parents[1] / "data" / "two_layers.json").read_text())["entries"]
}
RIGHT_HAND_SIDES = [name for name, e in ENTRIES.items() if "right-hand side" in e["quantity"]]
SOLVER = 1e-7  # rtol 1e-8 over some hundred steps, on overlaps up to 9


def case(inputs):
    """The scenario and start of a right-hand side; output weights and biases learn with rate 1."""
    student = inputs.get("act_student", inputs.get("act"))
    teacher = inputs.get("act_teacher", inputs.get("act"))
    biased = any(inputs.get("phi", [])) or any(inputs.get("theta", []))
    keep = inputs.get("keep_prob", 1.0)
    scenario = ld.StudentTeacher(
        ld.Student(inputs["K"], student),
        ld.Teacher(
            inputs["M"], teacher, T=inputs["T"], output_weights=inputs["v"], biases=inputs["phi"] if biased else None
        ),
        inputs["eta"],
        label_noise=np.sqrt(inputs.get("noise_var", inputs.get("output_noise_var", 0.0))),
        dropout_keep=keep,
        output_learning_rate=1.0,
        bias_learning_rate=1.0 if biased else None,
    )
    w = np.array(inputs["w"]) / (keep if inputs.get("dropout_rescaling") else 1.0)
    return scenario, ld.Start(inputs["Q"], inputs["R"], w=w, theta=inputs["theta"] if biased else None)


@pytest.mark.parametrize("name", RIGHT_HAND_SIDES)
def test_right_hand_side(name):
    entry = ENTRIES[name]
    inputs, outputs, tolerance = entry["inputs"], entry["outputs"], entry["tolerance"]
    scenario, start = case(inputs)
    drift = ld.drift(scenario, start)
    np.testing.assert_allclose(drift.R, outputs["dR"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(drift.Q, outputs["dQ"], rtol=0, atol=tolerance)
    rescaled = inputs["keep_prob"] if inputs.get("dropout_rescaling") else 1.0
    dw = np.array(outputs.get("dw", outputs.get("dw_over_eta_w")))
    np.testing.assert_allclose(drift.w * (rescaled if "dw" in outputs else 1.0), dw, rtol=0, atol=tolerance)
    if "dtheta" in outputs and "theta" in drift:
        np.testing.assert_allclose(drift.theta, outputs["dtheta"], rtol=0, atol=tolerance)
    if not inputs.get("dropout_rescaling"):
        rows = scenario.rows(scenario.initial_state(start))
        keep, w = scenario.dropout_keep, np.array(inputs["w"])
        # The vectors average over masks, eps_g is that of the network with p w: they differ by the masks' variance.
        squares = (
            [
                ld.activation(a).I2(np.full((2, 2), q))
                for a, q in zip(inputs["act_student"], np.diag(inputs["Q"]), strict=True)
            ]
            if keep < 1
            else 0.0
        )
        masks = 0.5 * keep * (1.0 - keep) * float(np.sum(w**2 * squares))
        assert rows["eps_g"] + masks == pytest.approx(outputs["eps_g"], abs=tolerance)


@pytest.mark.parametrize("name", ["extensions-048", "extensions-049"])
def test_output_weights_fixed_and_learned(name):
    inputs, outputs = ENTRIES[name]["inputs"], ENTRIES[name]["outputs"]
    scenario = ld.StudentTeacher(
        ld.Student(2, "relu"),
        ld.Teacher(2, "relu", output_weights=inputs["v"]),
        inputs["eta"],
        output_learning_rate=inputs["eta_w"] or None,
    )
    run = ld.solve(scenario, ld.Start(inputs["Q0"], inputs["R0"], w=inputs["w0"]), until=50, save_at=inputs["alpha"])
    for name in ("R", "Q", "w", "eps_g"):
        np.testing.assert_allclose(run[name], outputs[name], rtol=0, atol=ENTRIES["extensions-048"]["tolerance"])


def test_lengths_make_up_for_fixed_output_weights():
    # Q_ii -> v_n^2: the ReLU student is homogeneous, so that a rule with v > 0 can be learned with w = 1.
    inputs, outputs = ENTRIES["extensions-051"]["inputs"], ENTRIES["extensions-051"]["outputs"]
    scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu", output_weights=inputs["v"]), 0.1)
    run = ld.solve(scenario, ld.Start(inputs["Q0"], inputs["R0"]), until=3200, save_at=inputs["alpha"])
    np.testing.assert_allclose(run.eps_g, outputs["eps_g"], rtol=0, atol=SOLVER)
    np.testing.assert_allclose(run.R[-1], outputs["R_end"], rtol=0, atol=SOLVER)
    np.testing.assert_allclose(run.Q[-1], outputs["Q_end"], rtol=0, atol=SOLVER)


def test_fast_output_weights_are_least_squares():
    inputs, outputs = ENTRIES["extensions-052"]["inputs"], ENTRIES["extensions-052"]["outputs"]
    scenario = ld.StudentTeacher(
        ld.Student(2, "relu"),
        ld.Teacher(2, "relu", T=inputs["T"], output_weights=inputs["v"]),
        0.1,
        output_learning_rate=0.1,
        output_time_scale="fast",
    )
    run = ld.solve(scenario, ld.Start(inputs["Q"], inputs["R"]), until=1e-3, save_at=[0])
    np.testing.assert_allclose(run.w[0], outputs["w_star"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["extensions-053", "extensions-054", "extensions-055"])
def test_stationary_state_with_drift_and_decay(name):
    inputs, outputs = ENTRIES[name]["inputs"], ENTRIES[name]["outputs"]
    drift = ld.RandomWalk(inputs["drift"]) if inputs["drift"] else None
    decay = inputs["decay"] / inputs["eta"]  # the vectors give eta lambda
    scenario = ld.StudentTeacher(
        ld.Student(1, "relu"), ld.Teacher(1, "relu"), inputs["eta"], teacher_drift=drift, weight_decay=decay
    )
    run = ld.solve(scenario, ld.Start(0.25, 0.0), until=600, save_at=[600])
    for name in ("R", "Q", "eps_g"):
        assert run[name].item() == pytest.approx(outputs[name], abs=SOLVER)


def test_tree():
    inputs, outputs = ENTRIES["extensions-057"]["inputs"], ENTRIES["extensions-057"]["outputs"]
    scenario = ld.StudentTeacher(
        ld.Student(3, "relu"), ld.Teacher(3, "relu", T=np.diag(inputs["T"])), inputs["eta"], connectivity="tree"
    )
    start = ld.Start(np.diag(inputs["Q"]), np.diag(inputs["R"]))
    drift = ld.drift(scenario, start)
    np.testing.assert_allclose(np.diag(drift.R), outputs["dR"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.diag(drift.Q), outputs["dQ"], rtol=0, atol=1e-9)
    assert scenario.rows(scenario.initial_state(start))["eps_g"] == pytest.approx(outputs["eps_g"], abs=1e-9)
