"""How to learn fastest: the best constant learning rate, the best schedule, and the greedy one."""
