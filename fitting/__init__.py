"""Fit a neuron to recordings."""
