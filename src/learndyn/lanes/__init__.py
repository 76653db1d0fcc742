"""Numbers in lanes: `LANES` independent copies of one computation, each in a lane of a processor's vector register."""
