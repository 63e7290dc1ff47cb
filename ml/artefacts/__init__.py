"""Files of fitted estimators: JSON and npz, no pickle."""
