"""Students that learn from a teacher network of one hidden layer: perceptrons and soft committee machines."""
