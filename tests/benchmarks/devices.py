"""One XLA device for each core; imported before what could start JAX's backend."""

import os

import jax

jax.config.update("jax_num_cpu_devices", os.cpu_count())
