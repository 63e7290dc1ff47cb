"""What an auditor asks of the decision log: figures, exports, and the pack of documents."""
