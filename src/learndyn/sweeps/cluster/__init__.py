"""Chunks of a sweep on the workers of a Dask cluster (`distributed`).

run       chunks computed, whatever happens to single ones and to workers
client    where to: processes of this machine, or a cluster that is there
worker    what a worker does with a chunk
"""

from learndyn.sweeps.cluster.client import cluster_client
from learndyn.sweeps.cluster.run import run_on_cluster

__all__ = ["cluster_client", "run_on_cluster"]
