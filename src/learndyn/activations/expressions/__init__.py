"""Activations written as text: a small grammar, symbolic derivatives, and the places where a function is not smooth."""
