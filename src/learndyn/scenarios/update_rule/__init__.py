"""Any learning rule of weights, given as functions (`ld.UpdateRule`)."""
