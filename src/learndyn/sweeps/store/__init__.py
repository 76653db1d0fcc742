"""A store that holds a sweep: results stream to it chunk by chunk, from any process, and it knows which are finished.

store     the store of a client, the writer of a worker, the results for a user
making    a new store, and whether one is there that belongs to a plan
arrays    its arrays, in Zarr
records   what is noted of each finished chunk, and whether that still holds
lock      one client at a time
place     a folder, or anywhere that fsspec reaches
"""

from learndyn.sweeps.store.store import Store, Writer, open_store, open_sweep

__all__ = ["Store", "Writer", "open_store", "open_sweep"]
