"""Cases that only the long run takes, `make thorough`: in each a shorter case of the same test, or another test of the
same statement, is in the quick run, or the verification run (docs/verification.md) holds it at full size.

By file, the patterns of names; a pattern that matches nothing ends the run.
"""

THOROUGH = {
    "docs/test_readme.py": ["test_its_programs_run[[]2]"],
    "activations/test_conformance.py": [
        "*conform[[]x / (1 + abs(x))]",
        "*conform[[]tanh(x)^2 * x]",
        "*conform[[]leaky_relu(-0.3)]",
        "*conform[[]gelu]",
        "*conform[[]silu]",
        "*conform[[]softplus]",
        "*conform[[]logistic]",
        "*conform[[]sine]",
        "*conform[[]leaky_relu]",
        "*conform[[]maximum(x, 0.2*",
        "*conform[[](x^2 - 1) / 2]",
        "*conform[[]tanh]",
        "*conform[[]polynomial*",
    ],
    "activations/test_filling.py": [
        "*missing[[]relu]",
        "*missing[[]leaky_relu*",
    ],
    "analysis/test_agreement.py": [
        "*theory[[]erf perceptron]",
        "*theory[[]linear perceptron]",
        "*theory[[]relu K=2, M=1]",
        "*one_over_n[[]relu perceptron]",
        "*one_over_n[[]erf perceptron]",
        "*one_over_n[[]linear perceptron]",
        "*one_over_n[[]relu K=2, M=1]",
        "*theory[[]erf K=2, M=2]",
        "*one_over_n[[]erf K=2, M=2]",
        "test_standard_deviations*[[]relu perceptron]",
        "test_the_shift_of_the_linear*",
    ],
    "analysis/test_critical.py": [
        "test_perceptrons[[]tanh]",
    ],
    "analysis/test_fluctuations.py": [
        "test_the_exact_process_has_these_fluctuations[[]erf-2-1-*",
        "test_averages_agree*",
        "test_the_exact_process_has_these_fluctuations[[]relu-2-1-*",
        "test_the_exact_process_has_these_fluctuations[[]erf-1-1-*",
        "test_smooth_units_may_coincide*",
    ],
    "analysis/test_optimal_schedule.py": [
        "test_two_numbers_of_other_controls*",
        "test_many_points_of_the_relu*",
    ],
    "analysis/test_phase_diagram_refined.py": [
        "test_averages_without_a_closed_form",
    ],
    "analysis/test_reaching.py": [
        "test_quadratures_grow*",
    ],
    "averages/test_closed_forms_fours.py": [
        "test_derivatives[[]names1-True]",
    ],
    "averages/test_closed_forms_pairs.py": [
        "test_derivatives_are_finite_on_the_closed_set",
        "test_jax_agrees*",
    ],
    "averages/test_quadrature.py": [
        "test_squares_against_nested*gelu-softplus]",
    ],
    "averages/test_quadrature_kinks.py": [
        "test_four_relu_units*",
        "test_up_to_three_relu*[[]2-[23]]",
    ],
    "averages/test_sampled.py": [
        "*relu-5-3-*",
    ],
    "datasets/test_mnist.py": [
        "test_equation_15[[]gabor]",
        "test_all_of_figures_5_and_7*",
    ],
    "datasets/test_real_data_page.py": [
        "test_the_program",
    ],
    "docs/test_extending.py": [
        "test_the_bump_conforms",
        "*any_scenario[[]alike]",
    ],
    "docs/test_pages.py": [
        "test_the_whole_page[[]getting-started*",
        "test_the_whole_page[[]which-engine*",
        "test_the_whole_page[[]which-learning-rate*",
    ],
    "engines/test_chain_law.py": [
        "*law_of_weight_vectors[[]* K=2 M=1 N=[12]*",
        "*law_of_weight_vectors[[]* K=1 M=2 N=[12]*",
        "*law_of_weight_vectors[[]* K=3 M=2 *",
        "*rejects*[[]linear]",
        "*rejects*[[]relu]",
        "*law_of_weight_vectors[[]* N=100]",
        "*law_of_weight_vectors[[]linear K=2 M=1 N=3]",
        "*law_of_weight_vectors[[]linear K=1 M=2 N=4]",
        "*law_of_weight_vectors[[]relu K=1 M=1 N=20]",
    ],
    "engines/test_checkpoint.py": [
        "test_weights_go_on_after_ctrl_c*[[]blocks]",
    ],
    "engines/test_diffusion.py": [
        "test_mean_and_spread*[[]erf]",
        "test_mean_and_spread*[[]relu]",
    ],
    "engines/test_overlaps.py": [
        "test_rounding_grows*[[]erf]",
        "test_singular_starts*teacher]",
        "test_singular_starts*direction]",
    ],
    "engines/test_overlaps_general.py": [
        "test_an_update*[[]two inputs]",
        "test_the_distance*[[]two inputs]",
        "test_an_update*[[]everything in two sectors]",
        "test_an_update*[[]a turning teacher]",
        "*that_of_the_definition[[]more inputs*",
    ],
    "engines/test_overlaps_law.py": [
        "*general_chain*[[]momentum with*",
        "*general_chain*[[]a walking teacher?*",
        "*general_chain*[[]a tree]",
        "*general_chain*[[]a mean]",
        "*fast_chain*[[]all at once,*",
        "*slightly_different*[[]a walking*",
        "*slightly_different*[[]two eig*",
        "*fast_chain*[[]biases]",
        "*fast_chain*[[]output weights]",
        "*fast_chain*[[]fast output weights]",
    ],
    "engines/test_overlaps_options.py": [
        "*an_update*[[]biases]",
        "*one_replica*[[]biases]",
        "*output_weights_that_grow*[[]1]",
        "test_one_replica_alone*[[]all at once]",
    ],
    "engines/test_samples.py": [
        "*definition[[]reinforce logistic]",
        "*definition[[]squared error*]",
        "*snapshot[[]*matrices-True]",
        "*snapshot[[]*matrices-False]",
    ],
    "engines/test_weights.py": [
        "*definition[[]erf-3-2-513-True]",
    ],
    "engines/test_weights_moments.py": [
        "test_weight_decay[[]True]",
        "test_noise_and_minibatches[[]1]",
        "test_output_weights[[]False]",
        "test_momentum_with_decay",
        "test_a_tree",
        "test_a_walking_teacher",
        "test_a_combination*",
        "test_sectors*",
        "test_inputs_with_a_mean",
    ],
    "engines/test_weights_options.py": [
        "*definition[[]w, theta False]",
        "*definition[[]decay False]",
        "*definition[[]noise False]",
        "*definition[[]schedules *]",
        "*definition[[]tree None]",
        "*definition[[]all True]",
        "*definition[[]tree, all None]",
        "*definition[[]fast w*",
    ],
    "examples/test_programs.py": [
        "test_it_runs*",
        "test_the_sweep_goes_on",
    ],
    "figures/test_figures.py": [
        "*2019-complex-students-k10-m2]",
        "*2019-erf-learns-relu]",
        "*2019-relu-learns-erf]",
        "*2018-optimal-schedule]",
        "*2019-complex-students-noise]",
        "*2018-task-switch]",
        "*2019-biases]",
        "*schmid2024/2b]",
        "*schmid2024/2d]",
        "*schmid2024/3a]",
        "*schmid2024/3c]",
        "*schmid2024/4a]",
        "*phase-diagram-erf-k2-m2]",
        "*2018-adaptive-learning-rate]",
        "*2019-complex-students-k5-m1]",
        "*2018-order-parameter-spread]",
        "*2019-tree]",
        "*2019-output-weights-adaptive]",
        "*2018-schemes]",
        "*2018-eta-squared-term]",
        "*2019-output-weights-fixed]",
        "*2019-perceptron-high-dimensions]",
        "*2018-plateau-slopes]",
        "*2018-sign-rules]",
    ],
    "gaussian/test_moments_with_means.py": [
        "test_derivatives[[]F1]",
        "test_derivatives[[]P4]",
        "*quadrature_of_the_plane[[]F1]",
        "test_derivatives_are_finite*",
    ],
    "html/test_payload.py": [
        "test_units_that_a_member_has_not*",
    ],
    "lanes/test_activations.py": [
        "*activations*[[]softplus*",
        "*activations*[[]logistic*",
        "*activations*[[]silu*",
        "*activations*[[]gelu*",
        "*functions*[[]minimum]",
        "*functions*[[]sign]",
        "*activations*[[]sine*",
    ],
    "moments/test_ensemble.py": [
        "test_the_moment_equations_hold*",
    ],
    "moments/test_finite_rate.py": [
        "test_scatter_of_the_rules[[]reinforce]",
        "test_many_runs*",
        "test_the_scatter_that_stays",
    ],
    "moments/test_moment_flow.py": [
        "test_published_variances[[]reinforce*",
        "test_the_coefficient_is_a_half[[]supervised]",
        "test_third_cumulants_that_become_infinite",
        "test_the_rate_of_the_total_variance[[]reinforce*",
    ],
    "moments/test_orders.py": [
        "*falls_with_the_width[[]3-3]",
    ],
    "plot/test_sweep_phase_diagrams.py": [
        "test_a_diagram_has_its_own_axes*",
    ],
    "scenarios/classification/rules/test_averages.py": [
        "test_heat_equation[[]logistic]",
    ],
    "scenarios/classification/rules/test_derivatives.py": [
        "*Reinforce(baseline=True)-logistic]",
        "*SquaredError(linear=False)-*",
        "test_the_jacobian_in_closed_form[[]logistic]",
    ],
    "scenarios/classification/rules/test_monte_carlo.py": [
        "*Supervised()-logistic]",
        "*Reinforce(baseline=True)-shifted_erf]",
        "*Reinforce(baseline=False)-shifted_erf]",
        "*SquaredError(linear=False)-shifted_erf]",
        "*PassiveAggressive*",
    ],
    "scenarios/classification/rules/test_passive_aggressive.py": [
        "*polar_coordinates[[]2]",
    ],
    "scenarios/classification/test_simulation.py": [
        "test_mean_and_variance*",
        "test_terms_of_order_eta*",
    ],
    "scenarios/test_drift_derivatives.py": [
        "*generic_states[[]3-2-relu]",
        "*one_sided_derivative[[]shared-relu-sgd]",
    ],
    "scenarios/test_noise.py": [
        "*increments[[]erf-3-1]",
        "*increments[[]erf-2-2]",
    ],
    "scenarios/test_right_hand_side.py": [
        "*single_updates[[]relu-5-3]",
        "*single_updates[[]relu-3-5]",
        "*mean_of_single_updates[[]relu-4-1]",
    ],
    "scenarios/test_size_correction.py": [
        "*second_source[[]relu-2-2]",
        "*second_source[[]erf-2-1]",
    ],
    "scenarios/test_steps.py": [
        "*own_activation[[]student0*",
        "*definition[[]('label noise', 'dropout')-False]",
        "*definition[[]('biases',)-False]",
        "*definition[[]('learning w',)-False]",
        "*own_activation[[]student1-teacher1-numbers]",
    ],
    "site_symmetric/test_flow.py": [
        "test_quadrature_in_place*",
        "*full_system[[]relu-4]",
    ],
    "sweeps/test_cluster_clients.py": [
        "test_ctrl_c*",
    ],
    "sweeps/test_cluster_sweep.py": [
        "test_it_is_killed*",
        "test_theory_on_a_cluster*",
    ],
    "sweeps/test_scaling_page.py": [
        "test_the_programs",
    ],
    "sweeps/test_store_faults.py": [
        "*loses_that_chunk_alone[[]while writing a file]",
        "*loses_that_chunk_alone[[]before the record]",
        "*loses_that_chunk_alone[[]while writing the record]",
        "*told_once*-longer]",
    ],
    "sweeps/test_sweep.py": [
        "test_quadratures_reach*",
    ],
    "tasks/test_classes.py": [
        "*common_times*[[]reinforce]",
    ],
    "tasks/test_teachers.py": [
        "*follow_the_theory[[]overlaps]",
    ],
    "two_layers/test_adaptive_rate.py": [
        "test_the_chain_has_the_law*",
        "test_means*[[]hebb]",
        "test_a_rule_that_changes_nothing*",
        "test_means_of_the_chain*[[]all]",
        "test_an_interrupted_run_goes_on*",
        "test_a_row_goes_on*",
        "test_a_function_is_the_rule*",
    ],
    "two_layers/test_flow.py": [
        "*[[]mixed biases]",
        "*[[]relu mean]",
        "*[[]gelu learns leaky]",
        "*mean_update[[]relu biases]",
    ],
    "two_layers/test_second_layer.py": [
        "test_simulation_on_the_fast_scale*",
    ],
    "two_layers/test_simulation.py": [
        "test_means*[[]momentum]",
        "test_means*[[]rotation]",
        "*tend_to_theory[[]spectrum]",
        "*tend_to_theory[[]random walk]",
        "*tend_to_theory[[]all, one by one]",
    ],
    "verbs/test_accuracy.py": [
        "*off_by[[]2-2]",
    ],
}
