"""The learning rules of the nonlinear perceptron, a file each."""
