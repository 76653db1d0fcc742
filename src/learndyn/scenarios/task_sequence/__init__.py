"""Tasks learned one after another (`ld.TaskSequence`): what a sequence is, and what one task hands to the next."""
