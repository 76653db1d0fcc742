"""Many scenarios at once: a plan of chunks, each computed by itself, in this process or on a cluster, kept in a store.

    axes        what is swept: parameters, their values, the dims that they are labelled by
    members     from a place on the axes to a scenario, a start and the options of an engine
    plan        the whole as data: axes, chunks, the arrays of the result, and a hash of each chunk
    chunk       one chunk computed
    store       results on disk or elsewhere (Zarr), and which chunks are finished
    cluster     chunks on the workers of a Dask cluster
    sweep       the verb

A chunk's results depend on nothing but what is in it: not on who computes it, when, or beside which others.
"""
