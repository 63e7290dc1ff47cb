"""Monthly monitoring of a champion: drift of features and scores, and calibration and performance of ripe labels."""
