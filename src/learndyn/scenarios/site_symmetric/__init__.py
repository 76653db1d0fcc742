"""Student and teacher of equal size whose sites are all alike: four order parameters for any number of units."""
