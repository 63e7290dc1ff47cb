"""What was learned, as files: JSON and npz, nothing that runs code when it is read."""
