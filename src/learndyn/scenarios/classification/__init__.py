"""The nonlinear perceptron: two classes of inputs, learned by any rule (`ld.GaussianClassification`)."""
