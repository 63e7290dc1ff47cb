"""The decision log: every decision about a person as an entry in a hash chain, written before the answer leaves."""
