"""Fits of spiking neurons: what of a spike train is compared, and the search for the cells that fire it."""
