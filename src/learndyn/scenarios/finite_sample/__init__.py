"""A linear student that fits a finite, noisy sample of a linear rule: training and test error in time."""
